"""The Flask application: every operation, its documents, and what each answer carries."""

import re
import uuid
from functools import partial
from importlib.metadata import version
from time import perf_counter

from flask import Flask, Response, g, request
from flask_swagger_ui import get_swaggerui_blueprint

from api import errors
from api.context import EXTENSION, OPERATIONS, RATE_LIMITS
from api.endpoint import endpoint, json_response
from api.forwarded import Forwarded, networks
from api.http import (
    adjustments,
    attachments,
    audit_trail,
    cases,
    catalog,
    change_requests,
    conflicts,
    corrections,
    dead_letters,
    exports,
    feedback,
    insight,
    invoices,
    keys,
    lifecycle,
    mails,
    notices,
    operations,
    organizations,
    payments,
    portal,
    rating,
    reconciliations,
    schedules,
    search,
    shadow,
    signing_in,
    syncs,
    usage,
    webhook_endpoints,
    webhooks,
)
from api.limits import BODY_BYTES_MAX
from api.openapi import ApiBook, specification
from api.pages import pages
from api.rate_limits import RateLimits
from api.wiring import Wired
from application.about import begin
from application.meters import Meters

BOOKS: tuple[ApiBook, ...] = (
    usage.book,
    dead_letters.book,
    corrections.book,
    organizations.book,
    attachments.book,
    adjustments.book,
    change_requests.book,
    catalog.book,
    invoices.book,
    insight.book,
    rating.book,
    lifecycle.book,
    portal.book,
    cases.book,
    feedback.book,
    conflicts.book,
    search.book,
    reconciliations.book,
    schedules.book,
    exports.book,
    shadow.book,
    audit_trail.book,
    payments.book,
    syncs.book,
    webhooks.book,
    notices.book,
    mails.book,
    webhook_endpoints.book,
    keys.book,
    signing_in.book,
    operations.book,
)
"""Every operation there is."""

DOCS = "/docs"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NAME = re.compile(r"[a-z0-9_-]{1,64}(\.[0-9-]{10})?")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def create_app(wired: Wired) -> Flask:
    """The application over some use cases."""
    app = Flask("cyclebook", static_folder=None)
    trusted = networks(wired.settings.trusted_proxies)
    app.wsgi_app = Forwarded(app.wsgi_app, trusted)  # type: ignore[method-assign]
    # A stream without a length is cut here without a word; one byte more shows that it was.
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX + 1
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.extensions[EXTENSION] = wired
    app.extensions[OPERATIONS] = {op.name: op for book in BOOKS for op in book.ops}
    app.extensions[RATE_LIMITS] = RateLimits(wired.settings)
    app.before_request(_name_request)
    app.after_request(_mark_answer)
    if wired.metrics is not None:
        app.after_request(partial(_measure, wired.metrics))
    errors.install(app)
    for book in BOOKS:
        for op in book.ops:
            app.add_url_rule(op.rule, op.name, endpoint(op), methods=[op.method])
    _add_documents(app)
    pages.install(app, wired.settings)
    return app


def _add_documents(app: Flask) -> None:
    document = specification(BOOKS, version("cyclebook"))

    def openapi() -> Response:
        response = json_response(document)
        response.add_etag()
        response.make_conditional(request)
        return response

    app.add_url_rule("/openapi.json", "openapi", openapi)
    swagger = get_swaggerui_blueprint(DOCS, "/openapi.json")
    # Its page asks for what nobody set, and our pages' templates are strict about that.
    swagger.context_processor(lambda: {"oauth_config_json": None})
    app.register_blueprint(swagger, url_prefix=DOCS)


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.begun_at = perf_counter()
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    path = request.view_args or {}
    begin(
        request=g.request_id,
        organization=_plain(path.get("organization")),
        cycle=_plain(path.get("cycle")),
    )


def _plain(name: str | None) -> str | None:
    """A name from an address, where it can be one of ours: others may be anything."""
    return name if name is not None and _NAME.fullmatch(name) else None


def _measure(meters: Meters, response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.method in _METHODS else "other"
    taken = perf_counter() - g.get("begun_at", perf_counter())
    meters.request(method, route, response.status_code, taken)
    return response


def _mark_answer(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if rate := g.get("rate"):
        response.headers["RateLimit-Policy"], response.headers["RateLimit"] = rate
    for name, text in _HEADERS.items():
        response.headers.setdefault(name, text)
    if response.is_streamed and "Content-Length" not in response.headers:
        response.headers["X-Accel-Buffering"] = "no"  # a proxy passes rows on as they come
    if not request.path.startswith(DOCS):
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
