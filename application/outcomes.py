"""What Stripe says of an issued invoice, as events of its cycle, each with who did it."""

from collections.abc import Iterator
from datetime import datetime

from application.gateway import InvoiceGateway, StripeNote, StripePayment, StripeRefund
from domain.billing_cycle import Outcome
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.stripe_invoice import StripeInvoice
from projections.remote_invoice import RemoteInvoice, RemoteStatus

STRIPE = "stripe"
"""Who collects, and carries out what we asked for."""

DASHBOARD = "stripe:dashboard"
"""Whoever works at Stripe without us."""

Said = tuple[str, Outcome]
"""Who did it, and what."""


class Outcomes:
    """Reads what became of an invoice. What it says may be known already.

    It asks Stripe only for what the invoice itself says there is. It does not show refunds and
    disputes, which are asked for where ``money_back`` was hinted at, nor that credit notes were
    taken back, for which ``noted`` says whether there may be any.
    """

    def __init__(self, gateway: InvoiceGateway, seen: RemoteInvoice, at: datetime) -> None:
        self._gateway = gateway
        self._seen = seen
        self._at = at

    def of(self, record: StripeInvoice, *, money_back: bool, noted: bool) -> Iterator[Said]:
        """Everything that happened, in the order of cause and effect."""
        issue = self._seen.issue
        collected = issue.amount_paid or issue.attempts
        payments = self._gateway.payments(self._seen.id) if collected or money_back else ()
        notes = self._gateway.notes(self._seen.id) if issue.credited or noted else ()
        yield from ((STRIPE, event) for event in self._paid(payments))
        yield from (self._credited(note, record) for note in notes)
        yield from (self._taken_back(note) for note in notes if note.void)
        yield from self._status(record)
        if money_back:
            linked = {refund for note in notes for refund in note.refunds}
            yield from self._given_back(payments, linked)

    def _paid(self, payments: tuple[StripePayment, ...]) -> Iterator[Outcome]:
        issue, at = self._seen.issue, self._at
        for payment in payments:
            match payment.status:
                case "paid":
                    yield PaymentRecorded(at=at, amount=payment.amount, reference=payment.reference)
                case "action_required":
                    yield PaymentActionRequired(at=at, attempt=issue.attempts)
                case "failed":
                    yield PaymentFailed(
                        at=at,
                        attempt=issue.attempts,
                        reason=payment.failure,
                        next_attempt_at=issue.next_attempt_at,
                    )

    def _credited(self, note: StripeNote, record: StripeInvoice) -> Said:
        """A note; its lines by our keys, those of strangers by Stripe's ids."""
        keys = {held.line: held.key for held in record.lines.values()}
        lines: dict[str, int] = {}
        for line, amount in note.lines:
            key = keys.get(line, f"stripe/{line}")
            lines[key] = lines.get(key, 0) + amount
        return STRIPE if note.note else DASHBOARD, CreditNoteIssued(
            at=self._at,
            note=note.note or note.id,
            amount=note.total - note.tax,
            lines=lines,
            reason=note.reason,
            reduce_due=note.reduce_due,
            refund=note.refund,
            credit_balance=note.credit_balance,
            out_of_band=note.out_of_band,
            tax=note.tax,
            stripe_note=note.id,
        )

    def _taken_back(self, note: StripeNote) -> Said:
        amount = note.total - note.tax
        name = note.note or note.id
        return DASHBOARD, CreditNoteVoided(at=self._at, note=name, amount=amount, tax=note.tax)

    def _status(self, record: StripeInvoice) -> Iterator[Said]:
        """What became of the invoice as a whole, where that says something of the cycle."""
        match self._seen.status:
            case RemoteStatus.PAID:
                yield STRIPE, InvoicePaid(at=self._at, amount=self._seen.issue.amount_paid)
            case RemoteStatus.VOID:
                actor = STRIPE if record.voiding else DASHBOARD
                yield actor, InvoiceVoided(at=self._at, reason="voided at Stripe")
            case RemoteStatus.UNCOLLECTIBLE:
                yield STRIPE, InvoiceMarkedUncollectible(at=self._at)

    def _given_back(self, payments: tuple[StripePayment, ...], linked: set[str]) -> Iterator[Said]:
        """Refunds and disputes; a refund that belongs to a credit note is told by the note."""
        paid = [payment.reference for payment in payments if payment.status == "paid"]
        for payment in paid:
            for refund in self._gateway.refunds(payment):
                yield from self._refunded(refund, told=refund.id in linked)
            yield from ((STRIPE, event) for event in self._disputed(payment))

    def _refunded(self, refund: StripeRefund, *, told: bool) -> Iterator[Said]:
        """Whoever sees it only after it failed tells both: the same story in any order."""
        at, id_, amount = self._at, refund.id, refund.amount
        if not told:
            yield DASHBOARD, RefundRecorded(at=at, refund=id_, amount=amount, reason=refund.reason)
        if refund.failure is not None:
            yield STRIPE, RefundFailed(at=at, refund=id_, amount=amount, reason=refund.failure)

    def _disputed(self, payment: str) -> Iterator[Outcome]:
        for each in self._gateway.disputes(payment):
            yield DisputeOpened(
                at=self._at, dispute=each.id, amount=each.amount, reason=each.reason
            )
            if each.outcome:
                yield DisputeClosed(at=self._at, dispute=each.id, outcome=each.outcome)
