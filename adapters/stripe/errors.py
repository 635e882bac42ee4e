"""Stripe's errors, told apart by what a caller can do about them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

from application.gateway import Answer
from application.refusals import (
    CURRENCY_MISMATCH,
    CUSTOMER_GONE,
    KEY_REFUSED,
    KEY_TOO_NARROW,
    MODES_MIXED,
    TAX_LOCATION_MISSING,
    refusal,
)
from domain.errors import CyclebookError, GatewayBusy, GatewayUnavailable

REPLAYED = "idempotent-replayed"
SHOULD_RETRY = "stripe-should-retry"

OTHER_MODE = re.compile(r"a similar object exists in (live|test) mode")
_OTHER_CURRENCY = re.compile(
    r"cannot combine currencies|currency .*(does not|doesn't) match|different currency",
    re.IGNORECASE,
)
NO_TAX_LOCATION = ("customer_tax_location_invalid", "finalization_requires_location_inputs")
_CUSTOMER = re.compile(r"No such customer: '(\w*)'")


@contextmanager
def errors_in_our_words() -> Iterator[None]:
    """Translate what a read may meet.

    Raises:
        GatewayBusy, GatewayUnavailable, GatewayMisconfigured, GatewayRejected: as their names say.

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
    if answer := definite(error):
        message = answer.message or "Stripe refused the request"
        return refusal(answer.status, answer.code, message, request=request)
    return GatewayUnavailable("Stripe failed; the outcome is unknown", request=request)


def definite(error: stripe.StripeError) -> Answer | None:
    """The answer an error gives to a write, or ``None`` while its outcome is open.

    A refusal is definite. A failure of Stripe's is so only when Stripe says that it is the
    stored outcome of this key, or that the same again is no use; until then the call may have
    been carried out. What others answer in Stripe's place, such as a proxy, is no answer.
    """
    status, advice = error.http_status or 0, header(error.headers, SHOULD_RETRY)
    if isinstance(error, stripe.RateLimitError) or status == 409 or status < 400:
        return None
    if status >= 500 and not (replayed(error) or advice == "false"):
        return None
    if advice == "true" or not _details(error):
        return None
    code, message = _in_our_words(error, status)
    return Answer(status=status, request=error.request_id, code=code, message=message)


def replayed(error: stripe.StripeError) -> bool:
    """Whether this is what Stripe stored when the key was first used."""
    return header(error.headers, REPLAYED) == "true"


def missing(error: stripe.StripeError) -> bool:
    """Whether there is no such thing; one that is there in the other mode is not gone."""
    return error.http_status == 404 and not other_mode(error.user_message or "")


def required(thing: Mapping[str, Any], name: str, value: str) -> None:
    """Make sure that an answer is about what was asked.

    Raises:
        GatewayUnavailable: it is about something else, so nobody knows what became of the call.
    """
    if thing.get(name) != value:
        raise GatewayUnavailable(
            f"Stripe answered about {thing.get(name)} where {value} was asked for"
        )


def reason(error: stripe.StripeError) -> str | None:
    """Stripe's own code, such as ``lock_timeout``."""
    code = _details(error).get("code")
    return str(code) if code else None


def header(headers: Mapping[str, str] | None, name: str) -> str | None:
    """A header's value, however its name is written. name: in lower case."""
    return next((text for each, text in (headers or {}).items() if each.lower() == name), None)


def other_mode(text: str) -> str | None:
    """What to do where a key of one mode met a thing of the other; ``None`` elsewhere."""
    found = OTHER_MODE.search(text)
    if found is None:
        return None
    theirs, ours = found[1], "test" if found[1] == "live" else "live"
    return (
        f"STRIPE_API_KEY is a {ours} key, and these books are linked to things in {theirs} mode: "
        f"use the {theirs} key, or another database for {ours} mode"
    )


def _in_our_words(error: stripe.StripeError, status: int) -> tuple[str | None, str | None]:
    """A code and what to do, for the refusals that we know; Stripe's own for the others."""
    said = error.user_message or ""
    if status == 401:
        return KEY_REFUSED, f"Stripe does not take our key: set STRIPE_API_KEY anew ({said})"
    if status == 403:
        return KEY_TOO_NARROW, f"give the key in STRIPE_API_KEY the permission it lacks ({said})"
    if mixed := other_mode(said):
        return MODES_MIXED, mixed
    if gone := _CUSTOMER.search(said):
        return CUSTOMER_GONE, (
            f"the customer {gone[1]} is not at Stripe, or deleted there: "
            f"link the organization to another one ({said})"
        )
    if _OTHER_CURRENCY.search(said):
        return CURRENCY_MISMATCH, (
            "the customer at Stripe is billed in another currency: "
            f"link the organization to a customer of its own ({said})"
        )
    if reason(error) in NO_TAX_LOCATION:
        return TAX_LOCATION_MISSING, (
            "Stripe cannot compute tax, because the customer's address is missing or not known "
            f"to it: open the portal and have the address filled in, then try again ({said})"
        )
    return reason(error), error.user_message


def _details(error: stripe.StripeError) -> Mapping[str, Any]:
    """What Stripe says in the body, if it is Stripe who says something."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    details = body.get("error")
    return details if isinstance(details, dict) else {}
