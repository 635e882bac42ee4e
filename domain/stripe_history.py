"""What has happened to a cycle's invoice at Stripe: its state, and the one way it changes."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CreditNoteObserved,
    CustomerFound,
    Discrepancy,
    DiscrepancyDismissed,
    DiscrepancyFound,
    DiscrepancyResolved,
    EditsDecided,
    ForeignLine,
    HeldLine,
    InvoiceObserved,
    InvoiceProvedEqual,
    InvoiceVoidedAtStripe,
    StripeInvoiceFinalized,
    SyncApplied,
    SyncFailed,
    SyncPlanned,
)

CHANGES_DRAFT = frozenset(
    {"create", "claim", "update", "remove_lines", "update_lines", "add_lines", "delete"}
)
"""Purposes of calls after which nobody can tell, until it is proved, who changed a draft."""

NOTE_PARAMETER = "metadata[note_id]"
"""Where a credit note's call carries our id."""


@dataclass(kw_only=True)
class StripeHistory:
    """What was recorded of one cycle's invoice at Stripe.

    ``apply`` is the only method that changes anything, and it refuses nothing.

    invoice, status: Stripe's id and word for it (``deleted`` once it is gone).
    lines: what Stripe was last seen to hold, by line key. proved: the lines of the last proof.
    decided: what to do about edits by others, until Stripe is proved again. decisions: how many
    there were; decisions_proved: by the last proof.
    settled: whether it should hold what was proved: we changed nothing since. applied: whether
    every call of the last plan was carried out.
    open: the call whose answer is not recorded yet. notes: Stripe's ids of our credit notes.
    voiding: whether we asked for the void, before or after somebody else did it.
    customer_refusals: how often Stripe would not make a customer, since customer_refused_at.
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
    planned_digest: str = ""
    applied: bool = False
    open: CallAttempted | None = None
    writes: int = 0
    settled: bool = False
    proved: dict[str, HeldLine] = field(default_factory=dict)
    proved_foreign: tuple[ForeignLine, ...] = ()
    proof: InvoiceProvedEqual | None = None
    discrepancies: dict[str, Discrepancy] = field(default_factory=dict)
    dismissed: dict[str, Discrepancy] = field(default_factory=dict)
    decided: EditsDecided | None = None
    decisions: int = 0
    decisions_proved: int = 0
    problem: SyncFailed | None = None
    finalizing: bool = False
    finalized: StripeInvoiceFinalized | None = None
    voiding: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    customer_refusals: int = 0
    customer_refused_at: datetime | None = None

    # What it says

    def live(self, revision: int) -> str | None:
        """Stripe's id of this revision's invoice, unless it is gone.

        One that others finalized and voided before we asked for either is as good as gone.
        """
        unasked = self.status == "void" and not (self.issued or self.voiding)
        gone = unasked or self.status == "deleted" or self.revision != revision
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
        held = self.lines is self.proved and self.foreign == self.proved_foreign
        intact = self.settled and held
        return self.proof.digest if self.proof and intact else None

    # What happened

    def apply(self, event: object) -> None:
        """Take one event into account.

        Raises:
            TypeError: a StripeInvoice has no such event.
        """
        match event:
            case SyncPlanned():
                self.plan, self.planned_revision = event.plan, event.revision
                self.planned_digest = event.digest
                self.settled = self.applied = False
            case CallAttempted() | CallAnswered() | CallAbandoned():
                self._take_call(event)
            case CustomerFound():
                self.customer = event.customer
            case CreditNoteObserved():
                self.notes[event.note] = event.stripe_note
            case SyncApplied() | SyncFailed():
                self.problem = event if isinstance(event, SyncFailed) else None
                self.applied = self.applied or isinstance(event, SyncApplied)
            case DiscrepancyFound() | DiscrepancyResolved() | DiscrepancyDismissed():
                self._take_judgment(event)
            case InvoiceObserved():
                self._take_observation(event)
            case InvoiceProvedEqual():
                self._take_proof(event)
            case StripeInvoiceFinalized():
                self.finalized = event
            case _:
                self._take_news(event)

    def _take_proof(self, proof: InvoiceProvedEqual) -> None:
        self.proof, self.problem = proof, None
        self.settled, self.applied = True, False
        if proof.invoice is None:
            self.lines, self.foreign = {}, ()
        self.proved, self.proved_foreign = self.lines, self.foreign
        self.decided, self.decisions_proved = None, self.decisions

    def _take_news(self, event: object) -> None:
        match event:
            case EditsDecided():
                self.decided, self.decisions = event, self.decisions + 1
            case InvoiceVoidedAtStripe():
                self.status, self.voiding = "void", self.voiding or event.wanted
            case _:
                raise TypeError(f"a Stripe invoice has no {type(event).__name__}")

    def _take_call(self, event: CallAttempted | CallAnswered | CallAbandoned) -> None:
        match event:
            case CallAttempted():
                self.open, self.writes = event, self.writes + 1
                if event.purpose in CHANGES_DRAFT:
                    self.settled = self.applied = False
            case CallAnswered():
                self._take_answer(event)
            case CallAbandoned():
                self.open = None

    def _take_answer(self, answer: CallAnswered) -> None:
        call, self.open = self.open, None
        if call is None or not answer.ok:
            self._take_refusal(call)
            return
        match call.purpose:
            case "customer":
                self.customer = answer.reference
            case "create" | "claim":
                self._take_draft(call, answer)
            case "finalize":
                self.finalizing = True
            case "void":
                self.voiding = True
            case "credit_note":
                self.notes[call.parameters[NOTE_PARAMETER]] = answer.reference or ""
            case "delete":
                self.status, self.lines = "deleted", {}

    def _take_refusal(self, call: CallAttempted | None) -> None:
        if call is not None and call.purpose == "customer":
            self.customer_refused_at = self.customer_refused_at or call.attempted_at
            self.customer_refusals += 1

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
        self.dismissed = {}

    def _take_judgment(
        self, event: DiscrepancyFound | DiscrepancyResolved | DiscrepancyDismissed
    ) -> None:
        match event:
            case DiscrepancyFound():
                self.discrepancies[event.discrepancy.id] = event.discrepancy
            case DiscrepancyResolved():
                self.discrepancies.pop(event.discrepancy, None)
            case DiscrepancyDismissed():
                self.dismissed[event.discrepancy.id] = event.discrepancy
                self.discrepancies.pop(event.discrepancy.id, None)

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
