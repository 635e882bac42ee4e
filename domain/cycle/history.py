"""What has happened in a billing cycle: its state, and the one way it changes."""

from dataclasses import dataclass, field, replace
from typing import Self

from domain.cycle.facts import CycleFacts, Fact
from domain.cycle.status import OWES_NOTHING, STATUS_AFTER, Outcome, Status
from domain.events.amounts import (
    AmountOverridden,
    CreditApplied,
    DiscountEnded,
    DiscountGranted,
    DraftAdopted,
    DraftMissed,
    EditsAdopted,
    HandedOver,
    LineWaived,
    OneOffItemAdded,
)
from domain.events.cycle import (
    ApprovalGiven,
    ApprovalRequested,
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleReleased,
    FinalizationStarted,
    UnusualLinesFound,
)
from domain.events.late import (
    NOTE,
    LateAmountsBilled,
    LateFactsBilled,
    LateFactsReopened,
    LateProposalAccepted,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentRecorded,
)
from domain.period import Period


@dataclass(kw_only=True)
class CycleHistory(CycleFacts):
    """A cycle as its events have made it, without its usage.

    cutoff: version of the last event before the usage cut-off. late: facts that came after it,
    which this state does not contain; ``as_known`` does. late_amounts: what this invoice bills
    of other cycles. billed_late: who billed what of this one.
    """

    revision: int = 1
    status: Status = Status.ACCRUING
    held: CycleHeld | None = None
    unusual: UnusualLinesFound | None = None
    items: dict[str, OneOffItemAdded] = field(default_factory=dict)
    discounts: dict[str, DiscountGranted] = field(default_factory=dict)
    waived: list[LineWaived] = field(default_factory=list)
    overridden: list[AmountOverridden] = field(default_factory=list)
    adopted: list[EditsAdopted] = field(default_factory=list)
    draft: DraftAdopted | None = None
    missed: DraftMissed | None = None
    credits: dict[str, CreditApplied] = field(default_factory=dict)
    approval: ApprovalRequested | None = None
    approved: ApprovalGiven | None = None
    cutoff: int | None = None
    late: list[Fact] = field(default_factory=list)
    late_amounts: dict[str, LateAmountsBilled] = field(default_factory=dict)
    billed_late: dict[str, dict[str, int]] = field(default_factory=dict)
    agreed_late: frozenset[str] = frozenset()
    settled: FinalizationStarted | None = None
    issued: InvoiceFinalized | None = None
    paid: InvoicePaid | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    forgiven: bool = False

    @property
    def credits_used(self) -> tuple[CreditApplied, ...]:
        """What this invoice uses of credits; one that was forgiven uses none."""
        return () if self.forgiven else tuple(self.credits.values())

    @property
    def owed(self) -> int:
        """What the customer still has to pay of the issued invoice, by our record."""
        if self.issued is None or self.status in OWES_NOTHING:
            return 0
        paid = (each.amount for each in self.outcomes if isinstance(each, PaymentRecorded))
        reduced = (note.reduce_due for note in self.standing_notes)
        return max(self.issued.total - sum(paid) - sum(reduced), 0)

    @property
    def is_void(self) -> bool:
        """Whether its invoice was taken back, and not issued anew."""
        return self.status is Status.VOID

    @property
    def known_handover(self) -> HandedOver | None:
        """What the cycle before left, with everything known."""
        late = [fact for fact in self.late if isinstance(fact, HandedOver)]
        return late[-1] if late else self.handover

    @property
    def notes(self) -> dict[str, CreditNoteIssued]:
        """The credit notes of this invoice, by id; those that were taken back, too."""
        return {each.note: each for each in self.outcomes if isinstance(each, CreditNoteIssued)}

    @property
    def standing_notes(self) -> tuple[CreditNoteIssued, ...]:
        """The credit notes that count: those that nobody took back."""
        void = {each.note for each in self.outcomes if isinstance(each, CreditNoteVoided)}
        return tuple(note for id_, note in self.notes.items() if id_ not in void)

    def copy(self) -> Self:
        """The same state, to be changed apart from this one."""
        return replace(
            self,
            attachments={key: known.copy() for key, known in self.attachments.items()},
            corrections=dict(self.corrections),
            items=dict(self.items),
            discounts=dict(self.discounts),
            waived=list(self.waived),
            overridden=list(self.overridden),
            adopted=list(self.adopted),
            credits=dict(self.credits),
            late=list(self.late),
            late_amounts=dict(self.late_amounts),
            billed_late=dict(self.billed_late),
            outcomes=list(self.outcomes),
        )

    def as_known(self) -> Self:
        """This cycle with everything that became known late, as if it were not settled yet.

        Itself where nothing did. Its lines are what it would come to if it were settled now.
        """
        if not self.late and self.settled is None:
            return self
        known = self.copy()
        known.settled, known.late = None, []
        for fact in self.late:
            known.take(fact)
        return known

    def apply(self, event: object) -> None:
        """Take one event into account. What is in the log has happened: nothing is refused.

        Raises:
            TypeError: a billing cycle has no such event.
        """
        if isinstance(event, Fact):
            self.take(event) if self._counts(event) else self.late.append(event)
        elif isinstance(event, Outcome):
            self._take_outcome(event)
        elif type(event) in STATUS_AFTER:
            self._move_on(event)
        else:
            self._decide(event)

    def _counts(self, fact: Fact) -> bool:
        """What the cycle before leaves counts until the invoice is settled."""
        if isinstance(fact, HandedOver):
            return self.settled is None
        return self.cutoff is None

    # Decisions of people, and of our own clock

    def _decide(self, event: object) -> None:
        match event:
            case OneOffItemAdded():
                self.items[event.item] = event
            case DiscountGranted():
                self.discounts[event.discount] = event
            case DiscountEnded():
                self.discounts.pop(event.discount, None)
            case LineWaived():
                self.waived.append(event)
            case AmountOverridden():
                self.overridden.append(event)
            case EditsAdopted():
                before = [each for each in self.adopted if each.adoption != event.adoption]
                self.adopted = [*before, event]
            case DraftAdopted():
                self.draft = event
            case DraftMissed():
                self.missed = event
            case CreditApplied():
                self.credits[event.credit] = event
            case _:
                self._consent(event)

    def _consent(self, event: object) -> None:
        match event:
            case CycleHeld():
                self.held = event
            case CycleReleased():
                self.held = None
            case UnusualLinesFound():
                self.unusual = event
            case ApprovalRequested():
                self.approval = event
            case ApprovalGiven():
                self.approved = event
            case _:
                self._bill_late(event)

    def _bill_late(self, event: object) -> None:
        match event:
            case LateAmountsBilled():
                self.late_amounts[event.cycle] = event
            case LateFactsBilled():
                before = self.billed_late.get(event.by, {})
                self.billed_late[event.by] = {
                    line: before.get(line, 0) + event.lines.get(line, 0)
                    for line in before.keys() | event.lines.keys()
                }
            case LateFactsReopened():
                self.billed_late.pop(event.by, None)
            case LateProposalAccepted():
                self.agreed_late |= {event.line}
            case _:
                raise TypeError(f"a billing cycle has no {type(event).__name__}")

    # Its life

    def _move_on(self, event: object) -> None:
        self.status = STATUS_AFTER[type(event)]
        match event:
            case CycleClosing():
                self.period = Period(self.period.start, event.at)
            case CycleClosed():
                self.cutoff = event.version
            case FinalizationStarted():
                self.settled = event
            case InvoiceFinalized():
                self.issued = event

    def _take_outcome(self, event: Outcome) -> None:
        self.outcomes.append(event)
        self.status = STATUS_AFTER.get(type(event), self.status)
        match event:
            case InvoicePaid():
                self.paid = event
            case InvoiceVoided(mode="forgive"):
                self.forgiven = True
            case InvoiceVoided(mode="reissue"):
                self._begin_anew(event)

    def _begin_anew(self, voided: InvoiceVoided) -> None:
        """The next revision counts everything known; what the void one consumed is free again."""
        known = self.as_known()
        self.attachments, self.corrections = known.attachments, known.corrections
        self.handover, self.late, self.cutoff = known.handover, [], voided.version
        self.settled = self.issued = self.paid = self.approval = self.approved = None
        self.credits, self.late_amounts, self.outcomes = {}, {}, []
        # Notes on the void invoice went with it; what other invoices billed late still stands.
        self.billed_late = {
            by: lines for by, lines in self.billed_late.items() if not by.startswith(NOTE)
        }
        self.revision += 1
        self.status = Status.CLOSED
