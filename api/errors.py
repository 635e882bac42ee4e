"""Every error as an RFC 9457 problem: a stable code, a sentence to act on, the request's id."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, g, jsonify
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from api.limits import BODY_TOO_LARGE
from domain.errors import (
    CyclebookError,
    Forbidden,
    GatewayRejected,
    InvalidInput,
    MonthArchived,
    NotFound,
    RuleViolation,
    Unavailable,
)
from projections.customer_words import customer_words

log = logging.getLogger(__name__)

STATUS: Mapping[type[CyclebookError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Forbidden: 403,
    RuleViolation: 409,
    Unavailable: 503,
    GatewayRejected: 502,
    CyclebookError: 500,
}
"""What the API answers, by the closest of an error's classes."""

RETRY_AFTER_S = 1
PROBLEM = "application/problem+json"
_WORDS = {
    404: "there is no such address",
    405: "this address does not take that method",
    413: BODY_TOO_LARGE,
}
_CODES = {400: "malformed_request", 413: "too_large", 415: "unsupported_media_type"}


class Unauthorized(CyclebookError):
    """The request carries no key that is known and in force."""

    code = "unauthorized"


class Malformed(CyclebookError):
    """The request cannot even be read."""

    code = "malformed_request"


class TooLarge(CyclebookError):
    """The request is more than we take at once."""

    code = "too_large"


class UnsupportedMedia(CyclebookError):
    """The body is of a kind that is not taken here."""

    code = "unsupported_media_type"


class RateLimited(CyclebookError):
    """Somebody asks more than may be asked at once. ``retry_after_s``: when it may be more."""

    code = "rate_limited"


_OURS: Mapping[type[CyclebookError], int] = {
    Unauthorized: 401,
    Malformed: 400,
    TooLarge: 413,
    UnsupportedMedia: 415,
    RateLimited: 429,
}


def problem(status: int, code: str, detail: str, **members: Any) -> Response:
    """One problem document."""
    response = jsonify(
        {
            "type": f"urn:cyclebook:problem:{code}",
            "title": HTTP_STATUS_CODES.get(status, "Error"),
            "status": status,
            "code": code,
            "detail": detail,
            "request_id": g.get("request_id"),
            **members,
        }
    )
    response.status_code = status
    response.mimetype = PROBLEM
    return response


def install(app: Flask) -> None:
    """Answer every error this way."""
    app.register_error_handler(CyclebookError, refused)
    app.register_error_handler(ValidationError, invalid)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def refused(error: CyclebookError) -> Response:
    """An error raised on purpose."""
    statuses = {**STATUS, **_OURS}
    status = next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)
    members: dict[str, Any] = {}
    if field := error.context.get("field"):
        members["errors"] = [{"field": field, "detail": str(error)}]
    if waiting := error.context.get("waiting"):
        members["waiting"] = waiting
    if shown := error.context.get("shown"):
        members["shown"] = shown
    response = problem(status, error.code, _detail(error), **members)
    if isinstance(error, (Unavailable, RateLimited)):
        wait = error.context.get("retry_after_s", RETRY_AFTER_S)
        response.headers["Retry-After"] = str(wait)
    if isinstance(error, RateLimited):
        g.rate = error.context["rate"]
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="cyclebook"'
    return response


def _detail(error: CyclebookError) -> str:
    """The sentence; where it tells operators what to run, a customer's key gets other words."""
    of_customer = getattr(g.get("principal"), "organization", None) is not None
    if of_customer and isinstance(error, MonthArchived):
        return customer_words(error.code)
    return str(error)


def invalid(error: ValidationError) -> Response:
    """Fields that cannot be used, each named."""
    errors = [{"field": field, "detail": text} for field, text in sentences(error)]
    first = errors[0]
    return problem(422, "invalid_input", f"{first['field']}: {first['detail']}", errors=errors)


def http_error(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse; their headers (``Allow``, ``Retry-After``) stay."""
    status = error.code or 500
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    response = problem(status, code, _WORDS.get(status) or error.description or error.name)
    kept = (pair for pair in error.get_headers() if pair[0].lower() != "content-type")
    response.headers.extend(kept)
    return response


def unexpected(error: Exception) -> Response:
    """A fault of ours. The log has the story; the caller gets the request's id and no more."""
    log.error("request %s failed", g.get("request_id"), exc_info=error)
    return problem(500, "internal_error", "This is a fault of ours. Report it with the request id.")


def sentences(error: ValidationError) -> list[tuple[str, str]]:
    """A validation error as pairs of a field's path and a sentence."""
    messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return list(flat(messages))


def flat(messages: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Marshmallow's nested messages as pairs of a field's path and a sentence.

    >>> list(flat({"tiers": {0: {"up_to": ["must be above zero"]}}}))
    [('tiers[0].up_to', 'must be above zero')]
    """
    for key, value in messages.items():
        place = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)
        if key == "_schema":
            place = path or "body"
        if isinstance(value, Mapping):
            yield from flat(value, place)
        else:
            for text in value if isinstance(value, list) else [value]:
                yield place, _phrase(str(text))


def _phrase(text: str) -> str:
    """Marshmallow's validators speak in sentences; what we say goes on after a field's name."""
    return text[:1].lower() + text[1:].removesuffix(".")
