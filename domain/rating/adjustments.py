"""What people decided about lines: waived, or set to an amount."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.events.amounts import AmountOverridden, LineWaived
from domain.invoice import Charge, LineItem
from domain.line_key import about
from domain.text import shortened


def adjustment_lines(
    cycle: BillingCycle, lines: Mapping[str, LineItem], off: Mapping[str, int]
) -> Iterator[LineItem]:
    """One line for everything waived of a line, one for everything set; never below zero.

    lines: by key, as rated. off: what discounts took off them; nobody asks for that any more.
    """
    touched = {each.line for each in cycle.waived} | {each.line for each in cycle.overridden}
    for key in sorted(touched):
        here = lines[key].amount - off.get(key, 0) if key in lines else 0
        waived = [each for each in cycle.waived if each.line == key]
        total = min(sum(each.amount for each in waived), max(here, 0))
        if total:
            yield _line(cycle, lines, "waive", key, -total, waived)
        overridden = [each for each in cycle.overridden if each.line == key]
        difference = _difference(overridden, here - total)
        if difference:
            yield _line(cycle, lines, "override", key, difference, overridden)


def _difference(overridden: list[AmountOverridden], here: int) -> int:
    """A final amount holds whatever the line comes to; a difference stays on top of it."""
    final = [each for each in overridden if each.difference is None]
    if final:
        return final[-1].amount - here
    return max(sum(each.difference or 0 for each in overridden), min(-here, 0))


def _line(
    cycle: BillingCycle,
    lines: Mapping[str, LineItem],
    kind: str,
    key: str,
    amount: int,
    decisions: list[LineWaived] | list[AmountOverridden],
) -> LineItem:
    what = lines[key].description if key in lines else key
    verb = "Waived" if kind == "waive" else "Set by hand"
    why = decisions[-1].reason
    exact = Fraction(amount)
    return LineItem(
        key=about(kind, key),
        kind=kind,
        description=shortened(f"{verb}: {what} ({why})"),
        quantity=Fraction(1),
        unit=None,
        amount=amount,
        unrounded=exact,
        period=cycle.period.whole_seconds(),
        price=None,
        attachment=lines[key].attachment if key in lines else None,
        charges=(Charge(what=why, quantity=Fraction(1), unit_amount=exact, amount=exact),),
    )
