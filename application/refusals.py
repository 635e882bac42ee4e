"""What Stripe refused for good, by what is to be done about it."""

from typing import Any

from domain.errors import (
    CyclebookError,
    GatewayBusy,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
)

KEY_REFUSED = "stripe_key_refused"
KEY_TOO_NARROW = "stripe_key_too_narrow"
MODES_MIXED = "stripe_modes_mixed"
CUSTOMER_GONE = "customer_gone"
CURRENCY_MISMATCH = "currency_mismatch"
TAX_LOCATION_MISSING = "tax_location_missing"

OF_OUR_SETTINGS = frozenset({KEY_REFUSED, KEY_TOO_NARROW, MODES_MIXED})
"""Refusals that have nothing to do with the invoice they met."""

FOR_A_PERSON = frozenset({CUSTOMER_GONE, CURRENCY_MISMATCH})
"""Refusals that the same again can only meet again."""


def refusal(status: int, code: str | None, message: str, **context: Any) -> CyclebookError:
    """The error for a definite answer that says no.

    status: of HTTP. code: one of those above, or Stripe's own. ``person`` in the context: nobody
    needs to try again before somebody did what the message says.
    """
    if code in OF_OUR_SETTINGS:
        return GatewayMisconfigured(message, code=code, **context)
    if status in (409, 429):
        return GatewayBusy(message, reason=code, **context)
    if status >= 500:
        return GatewayUnavailable(message, **context)
    if code in FOR_A_PERSON:
        return GatewayRejected(message, code=code, person=True, **context)
    if code == TAX_LOCATION_MISSING:
        return GatewayRejected(message, code=code, **context)
    return GatewayRejected(message, reason=code, **context)
