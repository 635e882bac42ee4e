"""StripeInvoice: everything we intended, attempted, saw and proved of one cycle at Stripe."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import RuleViolation
from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CreditNoteObserved,
    CustomerFound,
    Discrepancy,
    DiscrepancyFound,
    DiscrepancyResolved,
    ForeignLine,
    HeldLine,
    InvoiceObserved,
    InvoiceProvedEqual,
    InvoiceVoidedAtStripe,
    StripeInvoiceEvent,
    StripeInvoiceFinalized,
    SyncApplied,
    SyncFailed,
    SyncPlanned,
)

RESEND_WITHIN = timedelta(hours=23)
"""How long an unanswered call may be sent again under its own key.

Stripe keeps keys for at least 24 hours; the hour between is for clocks that disagree.
Source: https://docs.stripe.com/api/idempotent_requests
"""

NOTE_PARAMETER = "metadata[note_id]"
"""Where a credit note's call carries our id."""


@dataclass(kw_only=True)
class StripeInvoice:
    """One cycle's invoice at Stripe as our events have it.

    Decisions read this state, return the events to append and change nothing. ``apply`` is
    the only method that changes anything, and it refuses nothing.

    invoice, status: Stripe's id and word for it (``deleted`` once it is gone).
    lines: what Stripe was last seen to hold, by line key. proved: the lines of the last proof.
    open: the call whose answer is not recorded yet. notes: Stripe's ids of our credit notes.
    voiding: whether we asked for the void, before or after somebody else did it.
    """

    plan: int = 0
    revision: int = 0
    invoice: str | None = None
    customer: str | None = None
    currency: str | None = None
    status: str | None = None
    lines: dict[str, HeldLine] = field(default_factory=dict)
    foreign: tuple[ForeignLine, ...] = ()
    subtotal: int = 0
    total: int = 0
    digest: str = ""
    planned_revision: int = 0
    open: CallAttempted | None = None
    writes: int = 0
    settled: bool = False
    proved: dict[str, HeldLine] = field(default_factory=dict)
    proof: InvoiceProvedEqual | None = None
    discrepancies: dict[str, Discrepancy] = field(default_factory=dict)
    problem: SyncFailed | None = None
    finalizing: bool = False
    finalized: StripeInvoiceFinalized | None = None
    voiding: bool = False
    notes: dict[str, str] = field(default_factory=dict)

    # What it says

    def live(self, revision: int) -> str | None:
        """Stripe's id of this revision's invoice, unless it is gone."""
        gone = self.status == "deleted" or self.revision != revision
        return None if gone else self.invoice

    @property
    def issued(self) -> bool:
        """Whether the invoice should be finalized by now: we asked, or it was accepted so."""
        accepted = self.proof is not None and self.proof.invoice == self.invoice
        status = self.proof.status if self.proof and accepted else None
        return self.finalizing or status not in (None, "draft")

    @property
    def proved_at(self) -> datetime | None:
        """When Stripe was last read and found equal."""
        return self.proof.read_at if self.proof else None

    @property
    def proved_digest(self) -> str | None:
        """The digest of the last proof, while nothing has been planned or seen since."""
        intact = self.settled and self.lines is self.proved
        return self.proof.digest if self.proof and intact else None

    # Decisions

    def planned(
        self,
        *,
        revision: int,
        digest: str,
        subtotal: int,
        changes: tuple[str, ...],
        calls: int,
        forced: bool,
    ) -> SyncPlanned:
        """Number the next plan.

        Raises:
            RuleViolation: a call of the last one is still unanswered.
        """
        self._require_answered()
        return SyncPlanned(
            plan=self.plan + 1,
            revision=revision,
            digest=digest,
            subtotal=subtotal,
            changes=changes,
            calls=calls,
            forced=forced,
        )

    def attempted(
        self,
        *,
        purpose: str,
        key: str,
        method: str,
        endpoint: str,
        form: dict[str, str],
        at: datetime,
    ) -> CallAttempted:
        """Say that a call is about to go out.

        Raises:
            RuleViolation: the call before it is still unanswered.
        """
        self._require_answered()
        return CallAttempted(
            plan=self.plan,
            purpose=purpose,
            key=key,
            method=method,
            endpoint=endpoint,
            parameters=form,
            revision=self.planned_revision,
            attempted_at=at,
        )

    def abandoned(self, now: datetime) -> CallAbandoned | None:
        """Give up an unanswered call once Stripe may have forgotten its key."""
        if self.open is None or now - self.open.attempted_at < RESEND_WITHIN:
            return None
        return CallAbandoned(key=self.open.key)

    def failed(self, code: str, message: str) -> list[StripeInvoiceEvent]:
        """Record a problem, once for as long as it stays the same."""
        if self.problem and (self.problem.code, self.problem.message) == (code, message):
            return []
        return [SyncFailed(plan=self.plan, code=code, message=message)]

    def judged(
        self, found: Sequence[Discrepancy], invoice: str | None, how: str
    ) -> list[StripeInvoiceEvent]:
        """Record which discrepancies are new, and which are gone and ``how``."""
        now = {each.id: each for each in found}
        events: list[StripeInvoiceEvent] = [
            DiscrepancyResolved(discrepancy=id_, how=how)
            for id_ in self.discrepancies
            if id_ not in now
        ]
        events += [
            DiscrepancyFound(invoice=invoice, discrepancy=each)
            for id_, each in now.items()
            if self.discrepancies.get(id_) != each
        ]
        return events

    def _require_answered(self) -> None:
        if self.open is not None:
            raise RuleViolation(
                f"Stripe has not answered {self.open.purpose} ({self.open.key}) yet",
                code="call_unanswered",
            )

    # What happened

    def apply(self, event: object) -> None:
        """Take one event into account.

        Raises:
            TypeError: a StripeInvoice has no such event.
        """
        match event:
            case SyncPlanned():
                self.plan, self.planned_revision = event.plan, event.revision
                self.settled = False
            case CallAttempted() | CallAnswered() | CallAbandoned():
                self._take_call(event)
            case CustomerFound():
                self.customer = event.customer
            case CreditNoteObserved():
                self.notes[event.note] = event.stripe_note
            case SyncApplied() | DiscrepancyFound() | DiscrepancyResolved() | SyncFailed():
                self._take_judgment(event)
            case InvoiceObserved():
                self._take_observation(event)
            case InvoiceProvedEqual():
                self.proof, self.settled, self.problem = event, True, None
                self.proved = self.lines
            case StripeInvoiceFinalized():
                self.finalized = event
            case InvoiceVoidedAtStripe():
                self.status, self.voiding = "void", self.voiding or event.wanted
            case _:
                raise TypeError(f"a Stripe invoice has no {type(event).__name__}")

    def _take_call(self, event: CallAttempted | CallAnswered | CallAbandoned) -> None:
        match event:
            case CallAttempted():
                self.open, self.settled = event, False
                self.writes += 1
            case CallAnswered():
                self._take_answer(event)
            case CallAbandoned():
                self.open = None

    def _take_answer(self, answer: CallAnswered) -> None:
        call, self.open = self.open, None
        if call is None or not answer.ok:
            return
        match call.purpose:
            case "customer":
                self.customer = answer.reference
            case "create":
                self._take_draft(call, answer)
            case "finalize":
                self.finalizing = True
            case "void":
                self.voiding = True
            case "credit_note":
                self.notes[call.parameters[NOTE_PARAMETER]] = answer.reference or ""
            case "delete":
                self.status, self.lines = "deleted", {}

    def _take_draft(self, call: CallAttempted, answer: CallAnswered) -> None:
        self.invoice, self.revision, self.status = answer.reference, call.revision, "draft"
        self.customer = call.parameters.get("customer", self.customer)
        self.currency = call.parameters.get("currency", self.currency)
        self.lines, self.foreign, self.digest = {}, (), ""
        self.subtotal = self.total = 0
        self._forget_issue()

    def _forget_issue(self) -> None:
        """Another invoice took the place of the one before."""
        self.finalizing, self.finalized, self.voiding = False, None, False

    def _take_judgment(
        self, event: SyncApplied | DiscrepancyFound | DiscrepancyResolved | SyncFailed
    ) -> None:
        match event:
            case DiscrepancyFound():
                self.discrepancies[event.discrepancy.id] = event.discrepancy
            case DiscrepancyResolved():
                self.discrepancies.pop(event.discrepancy, None)
            case SyncFailed():
                self.problem = event
            case SyncApplied():
                self.problem = None

    def _take_observation(self, seen: InvoiceObserved) -> None:
        if seen.invoice != self.invoice:
            self._forget_issue()
        self.invoice, self.revision, self.status = seen.invoice, seen.revision, seen.status
        self.customer, self.currency = seen.customer, seen.currency
        self.subtotal, self.total, self.digest = seen.subtotal, seen.total, seen.digest
        if seen.gone or seen.changed:
            kept = {key: line for key, line in self.lines.items() if key not in seen.gone}
            self.lines = kept | {line.key: line for line in seen.changed}
        self.foreign = seen.foreign


def replay(events: Iterable[object]) -> StripeInvoice:
    """Fold a stream from its beginning."""
    state = StripeInvoice()
    for event in events:
        state.apply(event)
    return state
