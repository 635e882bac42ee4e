"""What the sandbox answers when it refuses, in Stripe's words as they were recorded."""

import json
from typing import Any

DOCS = "https://stripe.com/docs"
SUPPORT = "https://support.stripe.com/"

LOCKED = (
    "This object cannot be accessed right now because another API request or Stripe process is "
    "currently accessing it. If you see this error intermittently, retry the request. If you see "
    "this error frequently and are making multiple concurrent requests to a single object, make "
    "your requests serially or at a lower rate."
)
RATE_LIMITED = (
    "Request rate limit exceeded. You can learn more about rate limits here "
    "https://stripe.com/docs/rate-limits."
)


class Refused(Exception):
    """An answer other than success. stored: whether its idempotency key will replay it.

    traced: whether what was noted before it is kept all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.traced = False
        self.headers: dict[str, str] = {}
        details = {"type": kind, "message": message, "code": code, "param": param}
        if code:
            details["doc_url"] = f"{DOCS}/error-codes/{code.replace('_', '-')}"
        self.body: dict[str, Any] = {
            "error": {name: value for name, value in details.items() if value is not None}
        }

    def answer(self, request: str) -> str:
        """The body that goes back, which says where the request is logged."""
        log = f"https://dashboard.stripe.com/test/logs/{request}"
        return json.dumps({"error": {**self.body["error"], "request_log_url": log}})


def missing(kind: str, id_: str, param: str, status: int = 404) -> Refused:
    """There is no such object."""
    return Refused(f"No such {kind}: '{id_}'", status=status, code="resource_missing", param=param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """A parameter that cannot be read. Stripe does not store these under the key."""
    return Refused(message, code=code, param=param, stored=False)


def unauthorized() -> Refused:
    """No key, or not one of Stripe's form."""
    message = "You did not provide an API key, or it is not a valid one."
    return Refused(message, status=401, stored=False)


def forbidden() -> Refused:
    """A key that may not do this."""
    message = "The provided key does not have the required permissions for this endpoint."
    return Refused(message, status=403, stored=False)


def rate_limited(reason: str, retry_after_s: int | None = None) -> Refused:
    """Too fast, or too much at once. Stripe looks at this before it looks at the key."""
    refused = Refused(RATE_LIMITED, status=429, code="rate_limit", stored=False)
    refused.headers["Stripe-Rate-Limited-Reason"] = reason
    if retry_after_s is not None:
        refused.headers["Retry-After"] = str(retry_after_s)
    return refused


def locked() -> Refused:
    """Another request holds the object. It has no reason in a header, unlike the limits."""
    return Refused(LOCKED, status=429, code="lock_timeout", stored=False)


def not_a_form() -> Refused:
    """A body in another language than forms."""
    message = (
        "Invalid request (check that your POST content type is application/x-www-form-urlencoded). "
        f"If you have any questions, we can help at {SUPPORT}."
    )
    return Refused(message, stored=False)


def no_such_url(method: str, path: str) -> Refused:
    """Nothing is there, or not with this method."""
    message = (
        f"Unrecognized request URL ({method}: {path}). Please see {DOCS} or we can help at "
        f"{SUPPORT}."
    )
    return Refused(message, status=404, stored=False)


def key_reused(key: str, here: str, there: str) -> Refused:
    """An idempotency key came back with other parameters or at another endpoint."""
    if here != there:
        text = (
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{there}' vs '{here}'). "
        )
    else:
        text = (
            "Keys for idempotent requests can only be used with the same parameters they were "
            "first used with. "
        )
    text += f"Try using a key other than '{key}' if you meant to execute a different request."
    return Refused(text, kind="idempotency_error", stored=False)


def in_flight(key: str) -> Refused:
    """The same key is being executed right now."""
    text = f"There is currently another in-progress request using this idempotent key: '{key}'."
    code = "idempotency_key_in_use"
    return Refused(text, status=409, kind="idempotency_error", code=code, stored=False)


def key_too_long(length_max: int) -> Refused:
    """An idempotency key longer than Stripe takes. The words are ours."""
    message = f"Idempotency keys can be at most {length_max} characters long."
    return Refused(message, kind="idempotency_error", stored=False)


def failure(status: int = 500) -> Refused:
    """Stripe's own failure."""
    return Refused("An unknown error occurred", status=status, kind="api_error")
