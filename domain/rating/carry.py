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

    Only once usage is cut off: until then more may come. With automatic tax a negative one at
    once, because no draft can hold it. Where no cycle follows, a negative invoice becomes a
    credit, and a small one stays. What a settled invoice took over from the revision before
    stays there: it is neither billed nor given back once more.
    """
    settled = cycle.settled
    if settled is None:
        amount = _amount(cycle, lines, around) - around.taken
    elif settled.automatic_tax:  # the line itself went into others
        amount = settled.subtotal - sum(line.amount for line in lines)
    else:
        amount = settled.lines.get(CARRY_OUT, 0)
    if amount:
        what = "Carried over to the next invoice"
        yield _line(cycle, CARRY_OUT, what, amount)


def _amount(cycle: BillingCycle, lines: Sequence[LineItem], around: Surroundings) -> int:
    total = sum(line.amount for line in lines) - around.taken
    if cycle.missed and not cycle.accepts_usage and around.coming is not None:
        return -total
    taxed, over = around.automatic_tax, not cycle.accepts_usage
    # With automatic tax lines below zero reduce others, and those of others stay as they are.
    theirs = sum(line.amount for line in lines if line.kind == "stripe" and line.amount > 0)
    kept = theirs if taxed else 0
    if total < kept and (over or taxed):
        return kept - total
    small = 0 < total < around.minimum and around.coming is not None and not kept
    return -total if over and small else 0


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
