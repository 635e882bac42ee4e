"""Payments that a person notes, where no processor collects them."""

from typing import Any

from api.auth import STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.effects import ReceiptSchema
from api.schemas.payments import NewPaymentSchema
from api.weighing import by_payment
from application.paying import NewPayment
from application.views import Receipt

book = ApiBook("payments")

PAYMENT = {
    "amount": 3100,
    "reference": "bank 2026-02-14/17",
    "received_at": "2026-02-14T00:00:00Z",
}


@book.op(
    "POST",
    "/v1/invoices/<cycle>/payments",
    roles=STAFF,
    body=NewPaymentSchema(),
    out=ReceiptSchema(),
    keyed=True,
    example=PAYMENT,
    second=by_payment,
)
def note_payment(cycle: str, body: dict[str, Any]) -> Receipt:
    """Note money that came in for an issued invoice. The same reference again does nothing.

    Only with ``PROCESSOR=journal``: Stripe's payments are noted by themselves.
    """
    payment = NewPayment(
        amount=body["amount"],
        reference=body["reference"],
        received_at=body["received_at"] or now(),
    )
    return wired().paying.note(cycle, payment, actor=principal().actor)
