"""Puts the pages into the application: templates, headers, messages, and refusals in words."""

from time import perf_counter
from typing import Any

from flask import Flask, Response, g, render_template, request
from jinja2 import StrictUndefined
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api import errors
from api.auth import ORGANIZATION
from api.context import now, wired
from api.pages import billing, operations, signing_in, support
from api.pages.billing.breakdown import delta_described, described
from api.pages.page import CSRF, asset, blueprint, csrf_token, said, visiting
from api.pages.words import FILTERS, ago
from api.settings import Settings
from domain.errors import CyclebookError
from projections.customer_words import customer_words

SUBJECTS = (signing_in, *billing.SUBJECTS, *support.SUBJECTS, operations)
"""The modules whose pages there are: loading them has entered these."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_FOR_PROGRAMS = (
    "/v1",
    "/webhooks",
    "/webhook",
    "/sync",
    "/metrics",
    "/healthz",
    "/readyz",
    "/docs",
    "/openapi.json",
    "/static",
)
"""Addresses of these are read by programs, even where nothing is there."""

_FOR_EVER = "public, max-age=31536000, immutable"


def install(app: Flask, settings: Settings) -> None:
    """Add every page."""
    app.secret_key = settings.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="cyclebook_said",  # Flask's own: only for what is said once
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.origin.startswith("https://"),
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["oauth_config_json"] = None  # Swagger UI's page asks whether it is there
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS, described=described, delta_described=delta_described)
    app.jinja_env.filters["ago"] = lambda at: ago(at, now())
    app.register_blueprint(blueprint)
    app.register_error_handler(404, _no_page)
    app.register_error_handler(405, _no_page)


@blueprint.context_processor
def _surroundings() -> dict[str, Any]:
    """What every template knows."""
    return {
        "visitor": visiting(),
        "csrf_name": CSRF,
        "csrf_token": csrf_token,
        "asset": asset,
        "said": said,
        "sandbox": wired().settings.sandbox,
        "live": wired().settings.live,
    }


@blueprint.before_request
def _begin() -> None:
    g.begun = perf_counter()


@blueprint.after_request
def _finish(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    if request.endpoint == "pages.static":
        response.headers["Cache-Control"] = _FOR_EVER if "v" in request.args else "no-cache"
        return response
    response.headers["Cache-Control"] = "no-store"
    took = (perf_counter() - g.begun) * 1000
    response.headers["Server-Timing"] = f"app;dur={took:.1f}"
    return response


@blueprint.errorhandler(CyclebookError)
def _refused(error: CyclebookError) -> tuple[str, int, dict[str, str]]:
    """A refusal of ours, in words; in words for customers where one of them is signed in."""
    answer = errors.refused(error)
    visitor = g.get("visitor")
    customers = visitor is not None and visitor.role == ORGANIZATION
    friendly = error.context.get("words") or customer_words(error.code)
    words = friendly if customers else str(error)
    later = {name: text for name, text in answer.headers.items() if name == "Retry-After"}
    return *_problem(answer.status_code, words), later


@blueprint.errorhandler(ValidationError)
def _invalid(error: ValidationError) -> tuple[str, int]:
    field, text = errors.sentences(error)[0]
    return _problem(422, f"{field}: {text}")


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response | tuple[str, int]:
    if error.code is None or error.code < 400:
        return Response(response=error.get_response().get_data(), status=error.code)
    return _problem(error.code, error.description or error.name)


def _no_page(error: HTTPException) -> Any:
    """An address that is nobody's: a page for people, a problem document for programs."""
    if request.blueprint == blueprint.name:
        return _http_error(error)
    if not _is_read_by_people():
        return errors.http_error(error)
    try:
        text, status = _problem(error.code or 404, customer_words(_code(error)), **_surroundings())
    except CyclebookError as refusal:  # the store does not answer: then nobody is known
        status = errors.refused(refusal).status_code
        text, status = _problem(status, customer_words(refusal.code), **_surroundings())
    response = Response(text, status)
    response.headers.extend(pair for pair in error.get_headers() if pair[0] == "Allow")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def _is_read_by_people() -> bool:
    """Whether a browser asks for a page, and not a program for an operation."""
    path = request.path
    if any(path == each or path.startswith(f"{each}/") for each in _FOR_PROGRAMS):
        return False
    return request.accept_mimetypes.best_match((errors.PROBLEM, "text/html")) == "text/html"


def _code(error: HTTPException) -> str:
    return "method_not_allowed" if error.code == 405 else "not_found"


@blueprint.errorhandler(Exception)
def _unexpected(error: Exception) -> tuple[str, int]:
    status = errors.unexpected(error).status_code
    return _problem(status, "This is a fault of ours. Nothing you entered was carried out.")


def _problem(status: int, words: str, **known: Any) -> tuple[str, int]:
    """known: what templates know, where no page of ours was asked for."""
    values = {"status": status, "words": words, "request_id": g.get("request_id", ""), **known}
    part = "HX-Request" in request.headers
    return render_template("_problem.html" if part else "problem.html", **values), status
