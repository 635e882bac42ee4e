"""Rating: from what a cycle holds and its tallies to its invoice. One function for every use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.catalog import Meter
from domain.events.cycle import OneOffItemAdded
from domain.invoice import Invoice, LineItem
from domain.line_key import line_key
from domain.period import Period
from domain.price import PriceBook
from domain.rating.credits import Credit, credit_lines, settled_credit_lines
from domain.rating.fees import fee_lines
from domain.rating.rollup import rolled_up
from domain.rating.usage import usage_lines
from domain.tally import Tallies, TallyKey

__all__ = ["Credit", "Rated", "rate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """An invoice, and the tallies that nothing prices."""

    invoice: Invoice
    unpriced: tuple[TallyKey, ...]


def rate(
    cycle: BillingCycle,
    tallies: Tallies,
    book: PriceBook,
    meters: Mapping[str, Meter],
    credits: Sequence[Credit] = (),
    until: datetime | None = None,
) -> Rated:
    """Price everything in a cycle. The same facts and prices give the same invoice, to the cent.

    What runs is taken to go on to the period's end: the present never enters. ``until`` cuts
    time-based lines at an instant, for the figure "accrued so far" only.

    Args:
        cycle: attachments, items and credits as the events made them.
        tallies: what its usage adds up to.
        credits: the open credit balance, in the order it is used up; ignored once settled.
    """
    full = cycle.full_period
    span = cycle.period if until is None else _until(cycle.period, until)
    every = [
        *(fee_lines(cycle, book, span, full) if span else ()),
        *usage_lines(cycle, tallies, book, meters, span or cycle.period),
        *(_item_line(item) for item in cycle.items.values()),
    ]
    lines = [*rolled_up(every, cycle, book)]
    owed = sum(line.amount for line in lines)
    if cycle.settled is None:
        lines += credit_lines(credits, owed, cycle)
    else:
        lines += settled_credit_lines(cycle)
    invoice = Invoice(
        cycle=cycle.id,
        organization=cycle.organization,
        currency=cycle.currency,
        period=cycle.period,
        revision=cycle.revision,
        lines=tuple(sorted(lines, key=lambda line: line.key)),
    )
    return Rated(invoice=invoice, unpriced=tuple(sorted(key for key in tallies if not key.price)))


def _until(period: Period, instant: datetime) -> Period | None:
    return period.overlap(period.start, instant)


def _item_line(item: OneOffItemAdded) -> LineItem:
    return LineItem(
        key=line_key("item", item.item),
        kind="item",
        description=item.description,
        quantity=Fraction(1),
        unit=None,
        amount=item.amount,
        unrounded=Fraction(item.amount),
        period=Period(item.at, item.at).whole_seconds(),
    )
