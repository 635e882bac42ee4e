"""Amounts carried between invoices: nothing negative, and nothing too small, is ever issued."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.events.amounts import HandedOver
from domain.invoice import LineItem
from domain.line_key import line_key
from domain.rating.surroundings import Surroundings

CARRY_OUT = line_key("carry", "out")


def carried_in(cycle: BillingCycle, handover: HandedOver | None) -> Iterator[LineItem]:
    """What the cycle before left to be owed, or to be taken off."""
    if handover is not None and handover.amount:
        text = f"Carried over from {handover.cycle}"
        yield _line(cycle, line_key("carry", "in"), text, handover.amount)


def carried_out(
    cycle: BillingCycle, lines: Sequence[LineItem], around: Surroundings
) -> Iterator[LineItem]:
    """Brings an invoice to zero that is negative, or too small to be collected.

    Only once usage is cut off: until then more may come. Where no cycle follows, a negative
    invoice becomes a credit, and a small one stays.
    """
    if cycle.settled is not None:
        amount = cycle.settled.lines.get(CARRY_OUT, 0)
    else:
        amount = _amount(cycle, sum(line.amount for line in lines), around)
    if amount:
        what = "Carried over to the next invoice"
        yield _line(cycle, CARRY_OUT, what, amount)


def _amount(cycle: BillingCycle, total: int, around: Surroundings) -> int:
    small = 0 < total < around.minimum and around.coming is not None
    return -total if not cycle.accepts_usage and (total < 0 or small) else 0


def _line(cycle: BillingCycle, key: str, text: str, amount: int) -> LineItem:
    return LineItem(
        key=key,
        kind="carry",
        description=text,
        quantity=Fraction(1),
        unit=None,
        amount=amount,
        unrounded=Fraction(amount),
        period=cycle.period.whole_seconds(),
    )
