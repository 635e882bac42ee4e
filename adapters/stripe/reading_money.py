"""Stripe's payments, credit notes, refunds and disputes, read into our words."""

from collections.abc import Iterable

from adapters.stripe.reading import Json, id_of
from application.gateway import StripeDispute, StripeNote, StripePayment, StripeRefund

NOTE = "note_id"
REASON = "reason"

DECIDED = frozenset({"won", "lost", "warning_closed", "prevented"})
"""The states a dispute does not leave any more."""

OVER = frozenset({"succeeded", "failed", "canceled"})
"""The states of a refund that is not under way any more. One that succeeded can still fail.

Source: https://docs.stripe.com/refunds#failed-refunds
"""

NO_REASON = "The payment did not go through."


def read_note(note: Json, lines: Iterable[Json]) -> StripeNote:
    """A credit note with all its lines. A preview has no id yet."""
    metadata = note.get("metadata") or {}
    refunds = note.get("refunds") or []
    refunded = sum(each["amount_refunded"] for each in refunds)
    out_of_band = note.get("out_of_band_amount") or 0
    return StripeNote(
        id=note.get("id") or "",
        note=metadata.get(NOTE) or None,
        invoice=id_of(note["invoice"]),
        total=note["total"],
        tax=sum(tax["amount"] for tax in note.get("total_taxes") or []),
        lines=tuple((_credited(line), line["amount"]) for line in lines),
        reason=metadata.get(REASON) or note.get("memo") or note.get("reason") or "",
        reduce_due=note["pre_payment_amount"],
        refund=refunded,
        credit_balance=note["post_payment_amount"] - refunded - out_of_band,
        out_of_band=out_of_band,
        refunds=tuple(id_of(each["refund"]) for each in refunds if each.get("refund")),
        void=note.get("status") == "void",
    )


def read_payment(payment: Json, intent: Json | None) -> StripePayment:
    """A payment of an invoice. intent: what Stripe tries to collect it with, where it does."""
    way = payment["payment"]
    status, failure = payment["status"], ""
    if status == "open" and intent is not None:
        status, failure = _attempt(intent)
    return StripePayment(
        reference=id_of(way.get(way["type"]) or payment["id"]),
        amount=payment.get("amount_paid") or payment["amount_requested"],
        status=status,
        failure=failure,
    )


def read_refund(refund: Json) -> StripeRefund:
    """A refund that is ``OVER``."""
    failure = None
    if refund["status"] != "succeeded":
        failure = (refund.get("failure_reason") or refund["status"]).replace("_", " ")
    reason = refund.get("reason") or ""
    return StripeRefund(id=refund["id"], amount=refund["amount"], reason=reason, failure=failure)


def read_dispute(dispute: Json) -> StripeDispute:
    """A dispute."""
    return StripeDispute(
        id=dispute["id"],
        amount=dispute["amount"],
        reason=dispute["reason"],
        outcome=dispute["status"] if dispute["status"] in DECIDED else None,
    )


def _credited(line: Json) -> str:
    """The invoice's line that a note's line credits, or that line itself if it names none."""
    return str(line.get("invoice_line_item") or line["id"])


def _attempt(intent: Json) -> tuple[str, str]:
    """What became of the last attempt, and why it failed."""
    if intent["status"] == "requires_action":
        return "action_required", ""
    if error := intent.get("last_payment_error"):
        return "failed", error.get("message") or NO_REASON
    return "open", ""
