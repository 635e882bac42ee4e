"""Events of one cycle's invoice at Stripe: what we intended, attempted, saw and proved."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLine:
    """One of our lines as Stripe holds it. ``line`` is Stripe's id, ``key`` is ours.

    Amounts in minor units; ``[start, end)`` in UTC, as in our books.
    """

    key: str
    line: str
    amount: int
    start: datetime
    end: datetime
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignLine:
    """A line without our key: somebody else put it there, and only they may touch it.

    Minor units; ``[start, end)`` in UTC.
    """

    line: str
    amount: int
    description: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """A way in which Stripe differs from the books.

    kind: such as ``missing_line``, ``amount`` or ``status``. key: the line key, Stripe's id of
    a line or of an invoice, or empty. ours, theirs: both sides as text.
    """

    kind: str
    key: str
    ours: str
    theirs: str

    @property
    def id(self) -> str:
        """What it is about, however the two sides move; one per cycle."""
        return f"{self.kind}/{self.key}" if self.key else self.kind

    def __str__(self) -> str:
        about = f" {self.key}" if self.key else ""
        return f"{self.kind}{about}: ours {self.ours or 'none'}, Stripe's {self.theirs or 'none'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeInvoiceEvent:
    """Base of the events on a StripeInvoice stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncPlanned(StripeInvoiceEvent):
    """A worker decided what to change. ``changes`` are the change-set's own printed lines.

    digest, subtotal: of the invoice we want. calls: the write calls it will cost. reason: why a
    person asked for it; empty where nobody did, or said.
    """

    plan: int
    revision: int
    digest: str
    subtotal: int
    changes: tuple[str, ...]
    calls: int
    forced: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAttempted(StripeInvoiceEvent):
    """A write call is about to go out. Recorded first, so that it can be sent again as it was.

    purpose: ``customer product create claim update remove_lines update_lines add_lines finalize
    void delete mark_uncollectible credit_note``.
    parameters: the form fields exactly as sent, but for a customer's name and e-mail, which are
    kept outside the log. attempted_at: by our clock; Stripe remembers
    the key for at least 24 hours from then.
    """

    plan: int
    purpose: str
    key: str
    method: str
    endpoint: str
    parameters: dict[str, str]
    revision: int
    attempted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAnswered(StripeInvoiceEvent):
    """Stripe gave a definite answer. status: HTTP. reference: Stripe's id of what it made."""

    key: str
    status: int
    reference: str | None
    request: str | None
    code: str | None
    message: str | None

    @property
    def ok(self) -> bool:
        """Whether Stripe did what was asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAbandoned(StripeInvoiceEvent):
    """A call was never answered and is too old to send again: what it did must be read back."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerFound(StripeInvoiceEvent):
    """The organization's Stripe customer, found by our id in its metadata."""

    customer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNoteObserved(StripeInvoiceEvent):
    """A credit note of ours, found by our id in its metadata. stripe_note: Stripe's id."""

    note: str
    stripe_note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncApplied(StripeInvoiceEvent):
    """Every call of a plan was answered with success. Not yet a proof."""

    plan: int
    writes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncFailed(StripeInvoiceEvent):
    """A sync ended without effect for a reason that will not pass by itself."""

    plan: int
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceObserved(StripeInvoiceEvent):
    """What was read at Stripe, where it differs from what we had recorded.

    status: Stripe's word, or ``deleted``. changed, gone: our lines, against the record.
    digest: the one in the invoice's metadata, or empty.
    """

    invoice: str
    revision: int
    customer: str
    currency: str
    status: str
    subtotal: int
    total: int
    digest: str
    changed: tuple[HeldLine, ...]
    gone: tuple[str, ...]
    foreign: tuple[ForeignLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceProvedEqual(StripeInvoiceEvent):
    """Stripe was read back and equals the books, line by line.

    digest: recomputed from what Stripe holds. invoice, status: Stripe's id and word for it, or
    ``None`` where nothing is at Stripe by policy, and ``policy`` says which. foreign: how many
    lines of others were accepted.
    """

    invoice: str | None
    status: str | None
    revision: int
    digest: str
    lines: int
    subtotal: int
    total: int
    foreign: int
    read_at: datetime
    policy: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyFound(StripeInvoiceEvent):
    """Stripe differs from the books in one way."""

    invoice: str | None
    discrepancy: Discrepancy


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyResolved(StripeInvoiceEvent):
    """A discrepancy is gone. ``discrepancy`` is its id; ``how`` says what ended it."""

    discrepancy: str
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EditsDecided(StripeInvoiceEvent):
    """What to do about what others did to the draft: ``overwrite`` it, or ``adopt`` it.

    edits: what it is about; whatever else they do needs another decision.
    """

    decision: str
    edits: tuple[Discrepancy, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyDismissed(StripeInvoiceEvent):
    """A person accepts that Stripe differs in this way, for as long as it differs just so."""

    discrepancy: Discrepancy
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeInvoiceFinalized(StripeInvoiceEvent):
    """The invoice was seen finalized at Stripe; number, tax and due date are Stripe's facts.

    by_us: whether we asked for it. Amounts in minor units.
    """

    invoice: str
    revision: int
    number: str | None
    subtotal: int
    tax: int
    total: int
    amount_due: int
    due_at: datetime | None
    finalized_at: datetime | None
    by_us: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceVoidedAtStripe(StripeInvoiceEvent):
    """The finalized invoice was seen void at Stripe. wanted: whether we asked for it."""

    invoice: str
    revision: int
    wanted: bool = False
