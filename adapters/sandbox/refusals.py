"""What the sandbox answers when it refuses, in Stripe's words as they were recorded."""

from typing import Any

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
    """An answer other than success. stored: whether its idempotency key will replay it."""

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
        details = {"type": kind, "message": message, "code": code, "param": param}
        self.body: dict[str, Any] = {
            "error": {name: value for name, value in details.items() if value is not None}
        }


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


def failure() -> Refused:
    """Stripe's own failure."""
    return Refused("An unknown error occurred", status=500, kind="api_error")
