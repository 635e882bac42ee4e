"""What became of an issued invoice: payments, failures, refunds, disputes, credit notes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from marshmallow import fields

from api.schemas.fields import Instant, MinorUnits, Strict
from domain.billing_cycle import Outcome
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoicePaid,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)


class PaymentSchema(Strict):
    """Money that came. ``reference``: Stripe's, ``null`` where only the whole is known."""

    at = Instant(required=True)
    amount = MinorUnits(required=True)
    reference = fields.String(required=True, allow_none=True)


class FailureSchema(Strict):
    """An attempt to collect that failed, in words a customer understands."""

    at = Instant(required=True)
    attempt = fields.Integer(required=True)
    reason = fields.String(required=True)
    next_attempt_at = Instant(required=True, allow_none=True)


class RefundSchema(Strict):
    """Money that went back."""

    at = Instant(required=True)
    refund = fields.String(required=True)
    amount = MinorUnits(required=True)
    reason = fields.String(required=True)


class RefundFailureSchema(Strict):
    """Money that went back and did not arrive: the customer still has to get it."""

    at = Instant(required=True)
    refund = fields.String(required=True)
    amount = MinorUnits(required=True)
    reason = fields.String(required=True)


class DisputeSchema(Strict):
    """A payment the customer disputes with the bank. ``outcome``: ``null`` while it is open."""

    at = Instant(required=True)
    dispute = fields.String(required=True)
    amount = MinorUnits(required=True)
    reason = fields.String(required=True)
    outcome = fields.String(required=True, allow_none=True)


class NoteSchema(Strict):
    """A credit note. ``amount`` and ``lines`` before tax; the four ways sum to it with tax.

    ``void_at``: when it was seen taken back, if it was.
    """

    at = Instant(required=True)
    note = fields.String(required=True)
    amount = MinorUnits(required=True)
    lines = fields.Dict(keys=fields.String(), values=MinorUnits(), required=True)
    reason = fields.String(required=True)
    reduce_due = MinorUnits(required=True)
    refund = MinorUnits(required=True)
    credit_balance = MinorUnits(required=True)
    out_of_band = MinorUnits(required=True)
    tax = MinorUnits(required=True, allow_none=True)
    stripe_note = fields.String(required=True, allow_none=True)
    void_at = Instant(required=True, allow_none=True)


class OutcomesSchema(Strict):
    """What became of an issued invoice, oldest first. Amounts in minor units.

    ``action_required``: the customer has to confirm a payment, and has not paid yet.
    """

    payments = fields.List(fields.Nested(PaymentSchema), required=True)
    failures = fields.List(fields.Nested(FailureSchema), required=True)
    action_required = fields.Boolean(required=True)
    refunds = fields.List(fields.Nested(RefundSchema), required=True)
    refund_failures = fields.List(fields.Nested(RefundFailureSchema), required=True)
    disputes = fields.List(fields.Nested(DisputeSchema), required=True)
    credit_notes = fields.List(fields.Nested(NoteSchema), required=True)


def by_kind(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What became of an invoice, as the schema dumps it."""
    parts = [each for each in outcomes if isinstance(each, PaymentRecorded)]
    closed = {each.dispute: each.outcome for each in outcomes if isinstance(each, DisputeClosed)}
    void = {each.note: each.at for each in outcomes if isinstance(each, CreditNoteVoided)}
    whole = [each for each in outcomes if isinstance(each, InvoicePaid)]
    return {
        "payments": [_payment(each) for each in parts or whole],
        "failures": [each for each in outcomes if isinstance(each, PaymentFailed)],
        "action_required": not whole
        and any(isinstance(each, PaymentActionRequired) for each in outcomes),
        "refunds": [each for each in outcomes if isinstance(each, RefundRecorded)],
        "refund_failures": [each for each in outcomes if isinstance(each, RefundFailed)],
        "disputes": [
            _dispute(each, closed) for each in outcomes if isinstance(each, DisputeOpened)
        ],
        "credit_notes": [
            {**asdict(each), "void_at": void.get(each.note)}
            for each in outcomes
            if isinstance(each, CreditNoteIssued)
        ],
    }


def _payment(paid: PaymentRecorded | InvoicePaid) -> dict[str, Any]:
    reference = paid.reference if isinstance(paid, PaymentRecorded) else None
    return {"at": paid.at, "amount": paid.amount, "reference": reference}


def _dispute(opened: DisputeOpened, closed: dict[str, str]) -> dict[str, Any]:
    return {
        "at": opened.at,
        "dispute": opened.dispute,
        "amount": opened.amount,
        "reason": opened.reason,
        "outcome": closed.get(opened.dispute),
    }
