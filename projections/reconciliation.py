"""Three sides of a cycle compared: the books by their events, their projection, and Stripe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from domain.billing_cycle import UNISSUED, BillingCycle
from domain.invoice import Invoice
from domain.stripe_invoice import StripeInvoice
from projections.invoice_summary import InvoiceSummary
from projections.proof import Expectation
from projections.remote_invoice import RemoteInvoice

OVERDUE = timedelta(hours=1)
"""A sync that is due for longer than this is not on its way any more."""

MONEY = frozenset({"currency", "status", "total", "credited", "stripe_invoice"})
"""Fields of a projected row by which somebody might be billed or told a wrong amount."""


class Kind(StrEnum):
    """The ways in which two of the three sides may differ."""

    MISSING = "missing"
    EXTRA = "extra"
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATUS = "status"
    CUSTOMER = "customer"
    DUPLICATE_INVOICE = "duplicate_invoice"
    ORPHAN_DRAFT = "orphan_draft"
    EDITED = "edited"
    LAGGING = "lagging"
    PROJECTION_DIFFERS = "projection_differs"
    REPLAY_DIFFERS = "replay_differs"
    UNREADABLE = "unreadable"


class Severity(StrEnum):
    """``info`` is good to know, ``warning`` needs a look, ``error`` is money or trust at stake."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One discrepancy.

    invoice: Stripe's id. ours, theirs: both sides as text; ours are the books by their events.
    cents: minor units of ``currency`` by which the other side is above the books, or below.
    repair: what was done about it, or why it could not be done; ``None`` where nothing was tried.
    repaired: whether it is gone since.
    """

    kind: Kind
    severity: Severity
    cycle: str
    organization: str
    currency: str
    invoice: str | None = None
    ours: str = ""
    theirs: str = ""
    cents: int = 0
    detail: str = ""
    repair: str | None = None
    repaired: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Booked:
    """A cycle by its events alone.

    record: its stream at Stripe. owed, proved: what Stripe should hold by the books as they are,
    and by the last proof. untried: whether nothing was tried at Stripe since that proof.
    summary: the row that the events come to. position: of the last event that could change it.
    moved: of the last event that could change the invoice, usage included. awaits: whether a
    Stripe subscription is still to make its draft. known_since: when we first knew of the
    invoice at Stripe.
    """

    cycle: BillingCycle
    invoice: Invoice
    record: StripeInvoice
    owed: Expectation
    proved: Expectation
    untried: bool
    summary: InvoiceSummary
    position: int
    moved: int
    awaits: bool = False
    known_since: datetime | None = None

    @property
    def live(self) -> str | None:
        """Stripe's id of the invoice that our record says is there."""
        return self.record.live(self.invoice.revision)

    @property
    def unissued(self) -> bool:
        """Whether the draft may still change."""
        return self.cycle.status in UNISSUED

    @property
    def in_books_alone(self) -> bool:
        """Whether it was issued without an invoice at Stripe, by policy."""
        return self.cycle.issued is not None and self.cycle.issued.stripe_invoice is None

    def awaited(self, seen: RemoteInvoice | None) -> Expectation:
        """What Stripe should hold: a draft what the last proof saw, because what accrued since
        is still to be synced; an issued invoice what the books say."""
        may_change = seen is None or seen.is_draft
        by_proof = self.untried and may_change and not self.record.issued
        return self.proved if by_proof else self.owed

    def finding(self, kind: Kind, severity: Severity, **more: object) -> Finding:
        """A finding about this cycle."""
        return Finding(
            kind=kind,
            severity=severity,
            cycle=self.cycle.id,
            organization=self.cycle.organization,
            currency=self.cycle.currency,
            **more,  # type: ignore[arg-type]  # the fields of a finding
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Projected:
    """A cycle as projections have it. position: how far they have followed the log.

    due_at: when its sync is due, ``None`` where none is queued or it was given up; problem: the
    last attempt's.
    """

    summary: InvoiceSummary | None
    position: int
    due_at: datetime | None = None
    problem: str | None = None

    def sync_comes(self, booked: Booked, now: datetime) -> bool:
        """Whether a sync is on its way, or will be once the projections have caught up."""
        if self.position < booked.moved:
            return True
        return self.due_at is not None and self.due_at > now - OVERDUE


def books_findings(booked: Booked) -> Iterator[Finding]:
    """Where the events do not come to what was settled."""
    settled = booked.cycle.settled
    if settled is not None and settled.digest != booked.invoice.digest():
        yield booked.finding(
            Kind.REPLAY_DIFFERS,
            Severity.ERROR,
            ours=str(booked.invoice.subtotal),
            theirs=str(settled.subtotal),
            cents=settled.subtotal - booked.invoice.subtotal,
            detail="the events no longer come to what was settled",
        )


def projection_findings(booked: Booked, projected: Projected) -> Iterator[Finding]:
    """Where the projected row is not what the events come to. One that lags is no finding."""
    if projected.position < booked.position:
        return
    row = projected.summary
    if row is None:
        yield booked.finding(
            Kind.PROJECTION_DIFFERS, Severity.ERROR, ours=booked.summary.status, detail="no row"
        )
        return
    names = _differing(booked.summary, row)
    if names:
        yield booked.finding(
            Kind.PROJECTION_DIFFERS,
            Severity.ERROR if MONEY.intersection(names) else Severity.WARNING,
            ours=_shown(booked.summary, names),
            theirs=_shown(row, names),
            cents=(row.total or 0) - (booked.summary.total or 0),
            detail=", ".join(names),
        )


def by_the_books(cycle: BillingCycle, folded: InvoiceSummary) -> InvoiceSummary:
    """The row that the events come to, with the cycle's own word wherever it has one."""
    issued, settled = cycle.issued, cycle.settled
    words = {
        "currency": cycle.currency,
        "starts": cycle.period.start,
        "ends": cycle.period.end,
        "status": cycle.status.value,
        "held": cycle.held.reason if cycle.held else None,
        "total": issued.total if issued else settled.subtotal if settled else None,
        "number": issued.number if issued else None,
        "issued_at": issued.at if issued else None,
    }
    known = {each.name: getattr(folded, each.name) for each in fields(folded)}
    return InvoiceSummary(**(known | words))


def _differing(booked: InvoiceSummary, row: InvoiceSummary) -> Sequence[str]:
    names = [each.name for each in fields(row)]
    return [name for name in names if getattr(booked, name) != getattr(row, name)]


def _shown(row: InvoiceSummary, names: Sequence[str]) -> str:
    return ", ".join(f"{getattr(row, name)}" for name in names)
