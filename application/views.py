"""What the use cases answer: plain values, ready for any way in to show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from application.insight_views import UnusualView
from domain.billing_cycle import Outcome
from domain.catalog import Meter, Service
from domain.events.cycle import ApprovalGiven, ApprovalRequested, CycleHeld
from domain.events.late import LateLine
from domain.invoice import Invoice
from domain.price import Price
from domain.tally import TallyKey
from projections.explanation import Explanation, UsageEntry
from projections.history import HistoryEntry
from projections.steps import Step

__all__ = [
    "AttachmentView",
    "BalanceView",
    "CreditView",
    "CurrentView",
    "DiscountView",
    "Explanation",
    "HistoryEntry",
    "InvoiceDelta",
    "InvoiceLinks",
    "InvoiceView",
    "LineDelta",
    "Member",
    "Meter",
    "OrganizationPage",
    "OrganizationSummary",
    "OrganizationView",
    "Preview",
    "Price",
    "Receipt",
    "Service",
    "Step",
    "StripeBadge",
    "UsageEntry",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What became of a change.

    cycle: the one it was dated into, ``None`` where it belongs to none. position: read with
    ``at_least`` this to see it; 0 where nothing was stored. effect: ``recorded``, or
    ``nothing`` where it had been recorded before.
    """

    cycle: str | None
    position: int
    effect: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LineDelta:
    """One line that a change would make another. Minor units; 0 where there is none."""

    key: str
    description: str
    was: int
    becomes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceDelta:
    """One invoice that a change would make another. Minor units of ``currency``."""

    cycle: str
    status: str
    currency: str
    was: int
    becomes: int
    lines: tuple[LineDelta, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a change would do. Nothing was stored."""

    invoices: tuple[InvoiceDelta, ...]

    @property
    def difference(self) -> int:
        """Minor units over all of them."""
        return sum(each.becomes - each.was for each in self.invoices)


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A user of an organization. role: one of ``domain.organization.ROLES``."""

    user: str
    email: str
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationView:
    """Who pays and by which rules. policies: all of them, defaults filled in.

    position: of the change just made, 0 on a read and where nothing changed.
    """

    id: str
    name: str
    currency: str
    time_zone: str
    anchor_day: int
    members: tuple[Member, ...]
    policies: Mapping[str, object]
    stripe_customer: str | None
    version: int
    position: int = 0
    created: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationSummary:
    """One row of a search."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationPage:
    """Some organizations, by id. next_cursor: ``after`` of the next page, ``None`` at the end."""

    data: tuple[OrganizationSummary, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentView:
    """One stretch in which a service was on an organization.

    quantity: the last one. since: its beginning, or that of the oldest cycle not yet issued
    where it began before (``carried``). until: ``None`` while it goes on. trial_until: no
    recurring fee is owed before then.
    """

    attachment: str
    service: str
    name: str
    quantity: Decimal
    prices: tuple[str, ...]
    since: datetime
    until: datetime | None
    carried: bool
    trial_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditView:
    """A granted credit, in minor units: what invoices have used of it, and what expired."""

    credit: str
    amount: int
    applied: int
    expired: int
    remaining: int
    currency: str
    reason: str
    granted_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscountView:
    """A discount of invoices not issued yet. amount: minor units off each.

    prices: ids of those it is for; none for all. since: its beginning, or that of the oldest of
    these invoices. cycle: the last one it stands on; cycles: how many more, that one included;
    ``None`` until it is ended.
    """

    discount: str
    percent: Decimal | None
    amount: int | None
    prices: tuple[str, ...]
    cycle: str
    cycles: int | None
    reason: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceView:
    """What an organization has and owes in one currency, in minor units.

    granted, applied, expired, remaining: its credits. due: of issued invoices that are not
    paid; overdue: of those past their due date.
    """

    currency: str
    granted: int
    applied: int
    expired: int
    remaining: int
    due: int
    overdue: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeBadge:
    """How the invoice stands at Stripe, by our own record.

    state: ``none`` (nothing is there yet), ``in_step`` (proved equal to this very invoice),
    ``pending`` (a sync is to come), ``drift`` (discrepancies are open), ``failed``
    (``problem`` says why). proved_at: when Stripe was last read and found equal.
    """

    invoice: str | None
    state: str
    proved_at: datetime | None
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceLinks:
    """Where an issued invoice can be seen and paid at Stripe, as Stripe says now."""

    hosted: str | None = None
    pdf: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceView:
    """An invoice with everything known about it. Amounts in minor units of its currency.

    status: of the cycle, or ``past_due``. held: why finalization waits for a person.
    accrued: earned so far; not part of the digest. tax: ``None`` until Stripe computed it.
    balance_applied: taken from, or put on, the customer's balance at Stripe.
    version: of the cycle's last event. position: of the log when this was answered; where
    ``known_at`` was asked for, of the cycle's last event known then. as_of: what had happened
    by then. known_at: what had been recorded by then.
    late: what became known after it was settled and is not billed yet; proposals: such amounts
    of lines that a person adjusted, which wait for one. billed_late: minor units by line, by
    whom they were billed. unusual: lines far from what they were on other invoices. outcomes:
    what became of the issued invoice, oldest first.
    """

    invoice: Invoice
    status: str
    held: str | None
    accrued: int
    total: int
    tax: int | None
    balance_applied: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    number: str | None
    issued_at: datetime | None
    due_at: datetime | None
    digest: str
    version: int
    position: int
    as_of: datetime
    known_at: datetime
    stripe: StripeBadge
    unpriced: tuple[TallyKey, ...]
    late: tuple[LateLine, ...]
    proposals: tuple[LateLine, ...]
    hold: CycleHeld | None = None
    approval: ApprovalRequested | None = None
    approved: ApprovalGiven | None = None
    unusual: tuple[UnusualView, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    billed_late: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def is_approved(self) -> bool:
        """Whether a person consented to this very invoice."""
        return self.approved is not None and self.approved.digest == self.digest


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentView:
    """The invoice of the accruing cycle, and every other one not issued yet, oldest first."""

    invoice: InvoiceView
    awaiting: tuple[InvoiceView, ...]
