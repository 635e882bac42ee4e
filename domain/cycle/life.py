"""Decisions about a billing cycle's life: closing, holding, approving, settling, issuing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.cycle.history import CycleHistory
from domain.cycle.status import UNISSUED, UNSETTLED, Outcome, Status
from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import (
    ApprovalGiven,
    ApprovalRequested,
    Coming,
    CycleClosed,
    CycleClosing,
    CycleEvent,
    CycleHeld,
    CycleReleased,
    FinalizationStarted,
    UnusualLine,
    UnusualLinesFound,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.invoice import Invoice
from domain.line_key import line_key
from domain.period import written_utc

_CARRIED = line_key("carry", "out")

_FROM: dict[type, frozenset[Status]] = {
    InvoicePastDue: frozenset({Status.ISSUED}),
    InvoicePaid: frozenset({Status.ISSUED, Status.PAST_DUE, Status.UNCOLLECTIBLE}),
    InvoiceMarkedUncollectible: frozenset({Status.ISSUED, Status.PAST_DUE}),
    InvoiceBilledElsewhere: frozenset({Status.ISSUED, Status.PAST_DUE}),
    InvoiceVoided: frozenset({Status.ISSUED, Status.PAST_DUE, Status.UNCOLLECTIBLE}),
}
"""News that moves an issued invoice on, and where from; from elsewhere it is old news."""


@dataclass(kw_only=True)
class LifeDecisions(CycleHistory):
    """How a cycle goes on in its life. Every step taken twice does nothing."""

    def begin_closing(self, at: datetime, reason: str = "") -> list[CycleEvent]:
        """The period is over, at its end or, with a reason, before. Twice does nothing.

        Raises:
            InvalidInput: the period had not begun then, or was over.
        """
        if self.status is not Status.ACCRUING:
            return []
        if not self.period.start < at <= self.period.end:
            raise InvalidInput(
                f"{written_utc(at)} is not within {self.id}, which begins "
                f"{written_utc(self.period.start)}",
                field="at",
            )
        return [CycleClosing(at=at, reason=reason)]

    def close(self, version: int, at: datetime) -> list[CycleEvent]:
        """Cut usage off. Twice does nothing.

        version: of the cycle's last event.

        Raises:
            RuleViolation: the period is not over yet.
        """
        if self.status is Status.ACCRUING:
            raise RuleViolation(f"{self.id} still accrues", code="cycle_accruing", cycle=self.id)
        return [CycleClosed(at=at, version=version)] if self.status is Status.CLOSING else []

    def find_unusual(self, lines: Sequence[UnusualLine], at: datetime) -> list[CycleEvent]:
        """Lines are far from what they were on other invoices. What was found before, and did not
        change much since, does nothing: a person may have looked at it."""
        known = {each.line: each.amount for each in self.unusual.lines} if self.unusual else {}
        if all(_much_the_same(each.amount, known.get(each.line)) for each in lines):
            return []
        return [UnusualLinesFound(at=at, lines=tuple(lines))]

    def request_approval(self, invoice: Invoice, at: datetime) -> list[CycleEvent]:
        """Ask for a person's consent to this very invoice. Twice does nothing."""
        digest = invoice.digest()
        asked = self.approval is not None and self.approval.digest == digest
        if asked or self.is_approved(invoice):
            return []
        return [ApprovalRequested(at=at, digest=digest, subtotal=invoice.subtotal)]

    def approve(self, invoice: Invoice, reason: str, at: datetime) -> list[CycleEvent]:
        """Consent to this very invoice. Twice does nothing.

        Raises:
            RuleViolation: it still accrues, or is settled.
        """
        if self.status not in UNSETTLED - {Status.ACCRUING}:
            raise RuleViolation(
                f"{self.id} is {self.status}; an invoice is approved between the end of its "
                "period and its finalization",
                code="not_awaiting_approval",
            )
        if self.is_approved(invoice):
            return []
        return [ApprovalGiven(at=at, digest=invoice.digest(), reason=reason)]

    def is_approved(self, invoice: Invoice) -> bool:
        """Whether a person consented to this very invoice."""
        return self.approved is not None and self.approved.digest == invoice.digest()

    def start_finalization(  # noqa: PLR0913
        self,
        invoice: Invoice,
        basis: Mapping[str, int],
        coming: Coming | None,
        version: int,
        at: datetime,
        automatic_tax: bool = False,
        reason: str = "",
    ) -> list[CycleEvent]:
        """Settle the books of this invoice. Twice does nothing.

        basis: amounts by line that late facts are measured against. coming: what is billed
        ahead for. version: of the cycle's last event before. reason: why a person has it settled.

        Raises:
            RuleViolation: usage is not cut off yet, or a person has to release the cycle.
        """
        if self.status is not Status.CLOSED:
            if self.status in UNSETTLED:
                raise RuleViolation(
                    f"{self.id} is {self.status}", code="cycle_not_closed", cycle=self.id
                )
            return []
        if self.held is not None:
            raise RuleViolation(
                f"{self.id} is held: {self.held.reason}", code="cycle_held", cycle=self.id
            )
        started = FinalizationStarted(
            at=at,
            version=version,
            digest=invoice.digest(),
            subtotal=invoice.subtotal,
            lines={line.key: line.amount for line in invoice.lines},
            basis=dict(basis),
            coming=coming,
            automatic_tax=automatic_tax,
            reason=reason,
        )
        return [started]

    def finalize(self, issued: InvoiceFinalized) -> list[CycleEvent]:
        """The invoice was issued. Twice does nothing.

        Raises:
            RuleViolation: finalization has not started.
        """
        if self.status in UNSETTLED:
            raise RuleViolation(
                f"{self.id} is {self.status}", code="cycle_not_finalizing", cycle=self.id
            )
        return [issued] if self.status is Status.FINALIZING else []

    def hold(self, held: CycleHeld) -> list[CycleEvent]:
        """Make finalization wait for a person. Twice for the same reason does nothing.

        A person's takes the place of one that a check set, and that would end by itself.

        Raises:
            RuleViolation: it is too late to hold, or it is held for another reason.
        """
        if self.status not in UNSETTLED:
            raise RuleViolation(f"{self.id} is {self.status}", code="too_late", cycle=self.id)
        if self.held is None or held.kind == "person" != self.held.kind:
            return [held]
        if self.held.reason == held.reason:
            return []
        raise RuleViolation(
            f"{self.id} is held already: {self.held.reason}", code="cycle_held", cycle=self.id
        )

    def release(self, reason: str, at: datetime) -> list[CycleEvent]:
        """End a hold. Without one, nothing."""
        return [] if self.held is None else [CycleReleased(at=at, reason=reason)]

    def record_outcome(self, outcome: Outcome) -> list[CycleEvent]:
        """What became of the issued invoice. News twice does nothing.

        Raises:
            RuleViolation: it was not issued yet.
        """
        if self.status in UNISSUED:
            raise RuleViolation(f"{self.id} is {self.status}", code="not_issued", cycle=self.id)
        if type(outcome) in _FROM:
            return [outcome] if self.status in _FROM[type(outcome)] else []
        known = {_news(each) for each in self.outcomes}
        return [] if _news(outcome) in known else [outcome]

    def void(self, reason: str, mode: str, version: int, at: datetime) -> list[CycleEvent]:
        """Take the invoice back: ``reissue`` it, or ``forgive`` it. Twice does nothing.

        version: of the cycle's last event. One that was voided elsewhere is decided on here.

        Raises:
            RuleViolation: it was not issued, or is paid; or it is to be forgiven, and all of it
                was carried to the next invoice.
        """
        if self.status is Status.VOID:
            decided = self.forgiven or self.settled is None
            return [] if decided else [_voided(reason, mode, version, at)]
        if self.status not in _FROM[InvoiceVoided]:
            raise RuleViolation(
                f"{self.id} is {self.status}; only an issued invoice that is not paid can be "
                "voided: correct a paid one with a credit note",
                code="not_voidable",
                cycle=self.id,
            )
        if mode == "forgive" and self.carried_all:
            raise RuleViolation(
                f"all of {self.id} was carried to the next invoice: waive it there",
                code="carried_over",
                cycle=self.id,
            )
        return [_voided(reason, mode, version, at)]

    @property
    def carried_all(self) -> bool:
        """Whether the settled invoice left everything it came to to the next one."""
        settled = self.settled
        return settled is not None and not settled.subtotal and _CARRIED in settled.lines


def _much_the_same(amount: int, before: int | None) -> bool:
    """Whether two amounts are within a fifth of the one before."""
    return before is not None and 5 * abs(amount - before) <= abs(before)


def _voided(reason: str, mode: str, version: int, at: datetime) -> InvoiceVoided:
    if mode not in ("reissue", "forgive"):
        raise InvalidInput("mode must be reissue or forgive", field="mode")
    return InvoiceVoided(at=at, reason=reason, mode=mode, version=version)


def _news(outcome: Outcome) -> tuple[object, ...]:
    """What makes two pieces of news the same."""
    match outcome:
        case PaymentRecorded():
            return ("payment", outcome.reference)
        case CreditNoteIssued():
            return ("note", outcome.note)
        case CreditNoteVoided():
            return ("note void", outcome.note)
        case RefundRecorded():
            return ("refund", outcome.refund)
        case RefundFailed():
            return ("refund failed", outcome.refund)
        case DisputeOpened():
            return ("dispute", outcome.dispute)
        case DisputeClosed():
            return ("dispute closed", outcome.dispute)
        case _:
            return (type(outcome).__name__, getattr(outcome, "attempt", outcome.at))
