"""An invoice that another program had issued through Stripe: what it says, as facts of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from domain.period import Period

MOMENT = timedelta(seconds=1)
"""A span this short says when something was written, and nothing of what it is for."""

BILLED_WITHIN = timedelta(days=10)
"""How long after a period its invoice is usually made; for invoices that name no period."""

UNPAYABLE = frozenset({"void"})
"""Taken back: it asks nobody for anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedLine:
    """A line as Stripe has it. Minor units, before the discount on the whole invoice.

    product, price: Stripe's ids, ``None`` where it has none. quantity: ``None`` where it was not
    said. proration: whether Stripe made it for a part of a period. tax: contained in the amount.
    """

    id: str
    description: str
    amount: int
    period: Period
    product: str | None = None
    price: str | None = None
    quantity: Decimal | None = None
    proration: bool = False
    tax: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedInvoice:
    """A finalized invoice as Stripe has it. Minor units.

    id, customer: Stripe's. organization: ours, ``None`` until the customer is somebody's.
    period: what it bills, see ``period_of``. discount: off the sum of the lines. tax: on top.
    """

    id: str
    customer: str
    number: str | None
    status: str
    currency: str
    period: Period
    issued_at: datetime
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_paid: int
    lines: tuple[ImportedLine, ...]
    organization: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it asks for money: a void one does not."""
        return self.status not in UNPAYABLE


def period_of(own: Period, lines: Sequence[ImportedLine], issued_at: datetime) -> Period:
    """What an invoice bills: its own period, else its lines', else the days before its issue.

    own: Stripe's ``period_start`` and ``period_end``, the same instant on most invoices that no
    subscription made.
    """
    if own.end - own.start > MOMENT:
        return own
    spans = [line.period for line in lines if line.period.end - line.period.start > MOMENT]
    if spans:
        return Period(min(each.start for each in spans), max(each.end for each in spans))
    return Period(issued_at - BILLED_WITHIN, issued_at)
