"""What every page does around its view: know the visitor, let them in, take no forged forms."""

import hashlib
import hmac
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from flask import Blueprint, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from api.auth import Principal, admit
from api.context import rate_limits, wired
from api.endpoint import CYCLE
from api.openapi import View
from application.signing_in import Visitor
from domain.errors import Forbidden, InvalidInput, NotFound
from domain.identity import parse_cycle_name
from domain.pricing.fields import IDENTIFIER

COOKIE = "cyclebook_session"
"""The browser keeps a session's token under this name."""

CSRF = "csrf"
"""The field of every form that says the page it came from was ours."""

FOREIGN_FORM = "this form is not of this session: load the page again, then send it again"

_HERE = Path(__file__).parents[1]

blueprint = Blueprint(
    "pages",
    __name__,
    template_folder=str(_HERE / "templates"),
    static_folder=str(_HERE / "static"),
    static_url_path="/static",
)


def page(
    rule: str, *, roles: frozenset[str] = frozenset(), method: str = "GET"
) -> Callable[[View], View]:
    """Enter a page's view. roles: who may see it; empty for everybody.

    A view is called with the path's ids by name, and answers text or a response. Whoever is not
    signed in is sent to where they can; another organization's page is a 404. A POST without the
    token of ``csrf_token`` is refused, and so is whatever a session asks beyond its rate.
    """

    def enter(view: View) -> View:
        @wraps(view)
        def guarded(**path: str) -> Any:
            if roles:
                visitor = visiting()
                if visitor is None:
                    return _to_sign_in()
                g.principal = Principal(
                    actor=visitor.actor, role=visitor.role, organization=visitor.organization
                )
                g.rate = rate_limits().pages.take(_session())
                admit(g.principal, roles, path)
                if method == "POST":
                    _require_ours()
            _check_path(path)
            _require_readable()
            return view(**path)

        blueprint.add_url_rule(rule, view.__name__, guarded, methods=[method])
        return view

    return enter


def visiting() -> Visitor | None:
    """Who is signed in in this browser, if anybody; looked up once for each request."""
    if "visitor" not in g:
        g.visitor = None  # should the store not answer, the page that says so knows nobody
        if token := request.cookies.get(COOKIE):
            g.visitor = wired().sessions.find(token)
    found: Visitor | None = g.visitor
    return found


def _session() -> str:
    """What tells this session from others, and cannot be used to take it over."""
    return hashlib.sha256(request.cookies.get(COOKIE, "").encode()).hexdigest()


def csrf_token() -> str:
    """What a form of this session has to carry: nobody else can know it."""
    token = request.cookies.get(COOKIE, "")
    secret = wired().settings.secret_key.encode()
    return hmac.digest(secret, f"csrf {token}".encode(), "sha256").hex()


def same_origin() -> bool:
    """Whether the browser says that the request comes from a page of ours, or says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    there = _split(origin)
    return there is not None and there.netloc == request.host


def say(text: str) -> None:
    """Say something on the next page that is shown, once."""
    session["said"] = [*session.get("said", []), text]


def said() -> list[str]:
    """What is to be said now."""
    texts: list[str] = session.pop("said", [])
    return texts


def asset(name: str) -> str:
    """The address of a file of ours, another one whenever its content is."""
    return url_for("pages.static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:12]


def _split(address: str) -> SplitResult | None:
    """An address in its parts; ``None`` for a header that is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _require_ours() -> None:
    given = request.form.get(CSRF, "")
    if not same_origin() or not hmac.compare_digest(given.encode(), csrf_token().encode()):
        raise Forbidden(FOREIGN_FORM, words=FOREIGN_FORM)


def _to_sign_in() -> Response:
    """Where to sign in; a reader is brought back afterwards."""
    if request.method != "GET":
        return redirect("/sign-in?ended=1", 303)
    if request.headers.get("HX-Request"):  # a part of a page: the whole window has to go there
        whole = _split(request.headers.get("HX-Current-URL", ""))
        back = urlencode({"next": whole.path if whole else "/"})
        return Response(headers={"HX-Redirect": f"/sign-in?{back}"})
    there = request.full_path.rstrip("?")
    return redirect(f"/sign-in?{urlencode({'next': there})}", 303)


def _require_readable() -> None:
    """Nobody types a NUL character, and the database has none."""
    if any("\0" in text for text in (*request.args.values(), *request.form.values())):
        raise InvalidInput("this cannot be read: there is a NUL character in it")


def _check_path(path: dict[str, str]) -> None:
    """Ids that cannot exist are not looked for."""
    if any("\0" in each for each in path.values()):
        raise NotFound("there is no such page")
    if (cycle := path.get("cycle")) is not None and (
        not CYCLE.fullmatch(cycle) or parse_cycle_name(cycle) is None
    ):
        raise NotFound(f"there is no billing cycle {cycle}")
    organization = path.get("organization")
    if organization is not None and not IDENTIFIER.fullmatch(organization):
        raise NotFound(f"there is no organization {organization}")
