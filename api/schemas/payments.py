"""Payments that a person notes."""

from api.schemas.fields import Amount, Instant, Strict, Text
from application.paying import REFERENCE_MAX


class NewPaymentSchema(Strict):
    """Minor units that came in. ``reference``: what the bank calls it; one for each payment."""

    amount = Amount(required=True)
    reference = Text(REFERENCE_MAX, required=True)
    received_at = Instant(load_default=None)
