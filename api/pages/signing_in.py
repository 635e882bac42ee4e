"""Signing in with a link or a key, and signing out."""

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from api.auth import READERS
from api.context import now, rate_limits, wired
from api.errors import Unauthorized
from api.forwarded import counted_as
from api.links import Links, SignInLink
from api.pages.page import COOKIE, page, same_origin, say, visiting
from application.keys import ApiKey
from application.signing_in import CUSTOMERS_STAY, STAFF_STAY
from application.signing_in_by_mail import WITHIN
from domain.errors import Forbidden, InvalidInput, NotFound

HOME = {"organization": "/billing", "support": "/support", "admin": "/support"}
"""Where a role begins."""

SENT = (
    "If somebody with this address is a member of an organization here, an e-mail with a link is "
    "on its way. It works for an hour. No address gets more than three in an hour."
)
TOO_OFTEN = "You have asked for many links. Please wait an hour, then try again."


@page("/")
def home() -> AnyResponse:
    """Where the visitor begins."""
    visitor = visiting()
    return redirect("/sign-in" if visitor is None else HOME[visitor.role], 303)


@page("/sign-in")
def sign_in() -> str:
    """Where to sign in."""
    return _form(ended="ended" in request.args, to=_safe(request.args.get("next", "")))


@page("/sign-in", method="POST")
def sign_in_by_key() -> Any:
    """Sign in by a key; or ask for a link, where the form sends an e-mail address instead."""
    _require_same_origin()
    to = _safe(request.form.get("next", ""))
    if "email" in request.form:
        return _send_links(request.form["email"], to)
    try:
        key = _shown_key()
        token = wired().sessions.begin_by_key(key)
    except (Unauthorized, Forbidden) as error:
        return _form(to=to, problem=str(error)), 422
    return _signed_in(token, key.role, to)


@page("/sign-in/<token>")
def follow_link(token: str) -> Any:
    """A link's page. Only its button signs in: programs that look at links must not use them up."""
    link = _read(token)
    return render_template("sign_in_link.html", token=token, visitor_to_be=link.visitor)


@page("/sign-in/<token>", method="POST")
def use_link(token: str) -> AnyResponse:
    """Sign in by a link."""
    _require_same_origin()
    link = _read(token)
    session = wired().sessions.begin_by_link(link.id, link.visitor)
    return _signed_in(session, link.visitor.role, "")


@page("/sign-out", method="POST", roles=READERS)
def sign_out() -> AnyResponse:
    """End the session, here and in the store."""
    wired().sessions.end(request.cookies.get(COOKIE, ""))
    response = redirect("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
    return response


def _shown_key() -> ApiKey:
    """The key that was typed.

    Raises:
        Unauthorized: nobody has it.
        RateLimited: this address tried too many that nobody has.
    """
    strangers, address = rate_limits().strangers, counted_as(request.remote_addr)
    if strangers.is_spent(address):
        strangers.take(address)
    try:
        return wired().key_ring.key(request.form.get("key", ""))
    except Unauthorized:
        strangers.spend(address)
        raise


def _read(token: str) -> SignInLink:
    return Links(wired().settings).read(token, now())


def _send_links(address: str, to: str) -> Any:
    """Have links sent. The answer is the same whether anybody has the address."""
    asking = wired().asking_for_links
    if asking is None:
        raise NotFound("nobody signs in by e-mail here: there is no mail server")
    try:
        taken = asking.ask(address, counted_as(request.remote_addr), now())
    except InvalidInput as error:
        return _form(to=to, email=address, wrong=str(error)), 422
    if not taken:
        wait = {"Retry-After": str(int(WITHIN.total_seconds()))}
        return _form(to=to, email=address, wrong=TOO_OFTEN), 429, wait
    say(SENT)
    return redirect("/sign-in", 303)


def _form(
    *, to: str = "", ended: bool = False, problem: str = "", email: str = "", wrong: str = ""
) -> str:
    """problem: with the key. wrong: with the e-mail address."""
    return render_template(
        "sign_in.html",
        next=to,
        ended=ended,
        values={"email": email},
        errors={"key": problem, "email": wrong},
        by_mail=wired().asking_for_links is not None,
    )


def _signed_in(token: str, role: str, to: str) -> AnyResponse:
    response = redirect(to or HOME[role], 303)
    stay = CUSTOMERS_STAY if role == "organization" else STAFF_STAY
    response.set_cookie(
        COOKIE,
        token,
        max_age=stay,
        httponly=True,
        samesite="Lax",
        secure=wired().settings.origin.startswith("https://"),
    )
    return response


def _require_same_origin() -> None:
    if not same_origin():
        raise Forbidden("sign in from this page itself")


def _safe(to: str) -> str:
    """Where to go on, if that is here and no other site."""
    local = to.startswith("/") and not to.startswith("//") and "\\" not in to
    return to if local and to.isprintable() else ""
