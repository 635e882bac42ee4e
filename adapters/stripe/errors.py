"""Stripe's errors, told apart by what a caller can do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from application.gateway import Answer
from domain.errors import CyclebookError, GatewayBusy, GatewayRejected, GatewayUnavailable

REPLAYED = "idempotent-replayed"


@contextmanager
def errors_in_our_words() -> Iterator[None]:
    """Translate what a read may meet.

    Raises:
        GatewayBusy, GatewayUnavailable, GatewayRejected: as their names say.

    Source: https://docs.stripe.com/error-handling
    """
    try:
        yield
    except stripe.StripeError as error:
        raise translated(error) from error


def translated(error: stripe.StripeError) -> CyclebookError:
    """The same error in our words."""
    request = error.request_id
    if isinstance(error, stripe.RateLimitError):
        return GatewayBusy("Stripe asks us to slow down", request=request, reason=reason(error))
    if isinstance(error, stripe.APIConnectionError):
        return GatewayUnavailable("no answer from Stripe; the outcome is unknown")
    if error.http_status == 409:
        return GatewayBusy("Stripe is still carrying out the same request", request=request)
    if isinstance(error, stripe.APIError):
        return GatewayUnavailable("Stripe failed; the outcome is unknown", request=request)
    message = error.user_message or "Stripe refused the request"
    return GatewayRejected(message, request=request, reason=reason(error))


def definite(error: stripe.StripeError) -> Answer | None:
    """The answer an error gives to a write, or ``None`` while its outcome is open.

    A refusal is definite. A failure of Stripe's is so only when Stripe says that it is the
    stored outcome of this key; until then the call may have been carried out.
    """
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError) or status == 409 or status < 400:
        return None
    if status >= 500 and not replayed(error):
        return None
    return Answer(
        status=status,
        request=error.request_id,
        code=reason(error),
        message=error.user_message,
    )


def replayed(error: stripe.StripeError) -> bool:
    """Whether this is what Stripe stored when the key was first used."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return headers.get(REPLAYED) == "true"


def reason(error: stripe.StripeError) -> str | None:
    """Stripe's own code, such as ``lock_timeout``."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    details = body.get("error")
    code = details.get("code") if isinstance(details, dict) else None
    return str(code) if code else None
