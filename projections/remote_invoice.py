"""An invoice as Stripe has it, in our words; and as our own record says Stripe has it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.events.stripe_invoice import (
    ForeignLine,
    HeldLine,
    InvoiceObserved,
    InvoiceVoidedAtStripe,
    StripeInvoiceEvent,
    StripeInvoiceFinalized,
)
from domain.invoice import digest
from domain.line_key import strange_key
from domain.period import Period
from domain.stripe_invoice import StripeInvoice


class RemoteStatus(StrEnum):
    """Stripe's words for the state of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteLine:
    """A line of ours as Stripe has it. ``key`` is ours; ``id`` is Stripe's."""

    id: str
    key: str
    amount: int
    period: Period
    description: str

    @property
    def held(self) -> HeldLine:
        """The same, as an event keeps it."""
        return HeldLine(
            key=self.key,
            line=self.id,
            amount=self.amount,
            start=self.period.start,
            end=self.period.end,
            description=self.description,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """Our own words in the invoice's metadata: which cycle, revision and plan it carries."""

    cycle: str = ""
    revision: int = 0
    plan: int = 0
    digest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """How Stripe collects. method: ``charge_automatically`` or ``send_invoice``."""

    method: str = "charge_automatically"
    days_until_due: int | None = None
    automatic_tax: bool = False

    def __str__(self) -> str:
        days = "" if self.days_until_due is None else f", due in {self.days_until_due} days"
        return f"{self.method}{days}{', automatic tax' * self.automatic_tax}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """What only a finalized invoice has. Amounts in minor units; links are not for storing.

    credited: what credit notes came to. attempts: how often Stripe tried to collect.
    """

    number: str | None = None
    tax: int = 0
    amount_due: int = 0
    amount_paid: int = 0
    amount_remaining: int = 0
    credited: int = 0
    attempts: int = 0
    next_attempt_at: datetime | None = None
    due_at: datetime | None = None
    finalized_at: datetime | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteInvoice:
    """An invoice as Stripe has it.

    lines: ours, by key, the first of each. duplicates: further lines with a key already seen.
    foreign: lines without our key. line_count: all lines, of which a glance shows only the
    first ten: ``complete`` says whether all are here. collection: ``None`` where it was not
    read. untaxed: the total without tax, ``None`` where it was not read. subscription: Stripe's
    id of the one that made it.
    """

    id: str
    status: RemoteStatus
    customer: str
    currency: str
    lines: Mapping[str, RemoteLine]
    duplicates: tuple[RemoteLine, ...] = ()
    foreign: tuple[ForeignLine, ...] = ()
    line_count: int
    complete: bool = True
    subtotal: int
    total: int
    marks: Marks = field(default_factory=Marks)
    issue: Issue = field(default_factory=Issue)
    collection: Collection | None = None
    untaxed: int | None = None
    subscription: str | None = None

    @property
    def ours(self) -> int:
        """What our own lines come to, duplicates included, in minor units."""
        return sum(line.amount for line in (*self.lines.values(), *self.duplicates))

    @property
    def is_draft(self) -> bool:
        """Whether its lines may still change."""
        return self.status is RemoteStatus.DRAFT

    def claiming(self, keys: Container[str]) -> "RemoteInvoice":
        """The same, where lines of others whose keys are known count as lines of ours.

        The books name such a line, once they took it over, by Stripe's id of it.
        """
        known = {strange_key(each.line): each for each in self.foreign}
        taken = {key: _claimed(key, each) for key, each in known.items() if key in keys}
        if not taken:
            return self
        left = tuple(each for key, each in known.items() if key not in taken)
        return replace(self, lines={**self.lines, **taken}, foreign=left)

    def digest(self, cycle: str, revision: int) -> str:
        """The fingerprint of our lines as Stripe holds them."""
        rows = ((line.key, line.amount, line.period, line.description) for line in self._all)
        return digest(cycle, revision, self.currency, rows)

    @property
    def _all(self) -> tuple[RemoteLine, ...]:
        return (*self.lines.values(), *self.duplicates)


def _claimed(key: str, line: ForeignLine) -> RemoteLine:
    return RemoteLine(
        id=line.line,
        key=key,
        amount=line.amount,
        period=Period(line.start, line.end),
        description=line.description,
    )


def as_recorded(state: StripeInvoice, revision: int) -> RemoteInvoice | None:
    """The invoice Stripe held when we last looked; ``None`` when it held none."""
    known = state.live(revision)
    if known is None:
        return None
    return RemoteInvoice(
        id=known,
        status=RemoteStatus(state.status or RemoteStatus.DRAFT),
        customer=state.customer or "",
        currency=state.currency or "",
        lines={key: _line(held) for key, held in state.lines.items()},
        foreign=state.foreign,
        line_count=len(state.lines) + len(state.foreign),
        subtotal=state.subtotal,
        total=state.total,
        marks=Marks(revision=state.revision, plan=state.plan, digest=state.digest),
    )


def news(state: StripeInvoice, seen: RemoteInvoice, revision: int) -> list[StripeInvoiceEvent]:
    """The events that bring the record up to what was read at Stripe; none if it agrees."""
    events: list[StripeInvoiceEvent] = []
    observed = _observed(state, seen, revision)
    if observed.changed or observed.gone or _header(state) != _header(observed):
        events.append(observed)
    finalized = state.finalized if state.invoice == seen.id else None
    if finalized is None and seen.status not in (RemoteStatus.DRAFT, RemoteStatus.DELETED):
        events.append(_finalized(state, seen, revision))
    if seen.status is RemoteStatus.VOID and state.status != RemoteStatus.VOID:
        wanted = state.voiding and state.invoice == seen.id
        events.append(InvoiceVoidedAtStripe(invoice=seen.id, revision=revision, wanted=wanted))
    return events


def _line(held: HeldLine) -> RemoteLine:
    return RemoteLine(
        id=held.line,
        key=held.key,
        amount=held.amount,
        period=Period(held.start, held.end),
        description=held.description,
    )


def _observed(state: StripeInvoice, seen: RemoteInvoice, revision: int) -> InvoiceObserved:
    before = state.lines if state.invoice == seen.id else {}
    held = {key: line.held for key, line in seen.lines.items()}
    return InvoiceObserved(
        invoice=seen.id,
        revision=revision,
        customer=seen.customer,
        currency=seen.currency,
        status=seen.status.value,
        subtotal=seen.subtotal,
        total=seen.total,
        digest=seen.marks.digest,
        changed=tuple(line for key, line in held.items() if before.get(key) != line),
        gone=tuple(sorted(state.lines.keys() - held.keys())),
        foreign=seen.foreign,
    )


def _header(at: StripeInvoice | InvoiceObserved) -> tuple[object, ...]:
    numbers = (at.subtotal, at.total, at.digest, at.foreign)
    return (at.invoice, at.revision, at.customer, at.currency, at.status, *numbers)


def _finalized(state: StripeInvoice, seen: RemoteInvoice, revision: int) -> StripeInvoiceFinalized:
    issue = seen.issue
    return StripeInvoiceFinalized(
        invoice=seen.id,
        revision=revision,
        number=issue.number,
        subtotal=seen.subtotal,
        tax=issue.tax,
        total=seen.total,
        amount_due=issue.amount_due,
        due_at=issue.due_at,
        finalized_at=issue.finalized_at,
        by_us=state.finalizing,
    )


def deleted(state: StripeInvoice) -> InvoiceObserved:
    """The observation that the recorded invoice is gone from Stripe."""
    return InvoiceObserved(
        invoice=state.invoice or "",
        revision=state.revision,
        customer=state.customer or "",
        currency=state.currency or "",
        status=RemoteStatus.DELETED.value,
        subtotal=0,
        total=0,
        digest="",
        changed=(),
        gone=tuple(sorted(state.lines)),
        foreign=(),
    )
