"""What others did to the draft at Stripe, as far as the books took it over."""

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.events.amounts import StrangeLine
from domain.invoice import Charge, LineItem
from domain.line_key import about, strange_key
from domain.period import Period
from domain.text import shortened


def adopted_lines(cycle: BillingCycle, lines: Mapping[str, LineItem]) -> Iterator[LineItem]:
    """One line for what was changed of each of ours, and the lines of others as they are.

    lines: ours by key, as rated.
    """
    changed: Counter[str] = Counter()
    for each in cycle.adopted:
        changed.update(each.amounts)
    for key, amount in sorted(changed.items()):
        if amount:
            yield _changed(cycle, lines.get(key), key, amount)
    yield from map(_strange, lines_of_others(cycle))


def lines_of_others(cycle: BillingCycle) -> Iterator[StrangeLine]:
    """What was last said of each draft: on one that is gone, they went to the next as ours."""
    latest = {cycle.draft.invoice: cycle.draft.lines} if cycle.draft else {}
    latest |= {each.invoice: each.lines for each in cycle.adopted}
    for lines in latest.values():
        yield from lines


def _changed(cycle: BillingCycle, line: LineItem | None, key: str, amount: int) -> LineItem:
    why = next(each.reason for each in reversed(cycle.adopted) if key in each.amounts)
    what = line.description if line else key
    exact = Fraction(amount)
    return LineItem(
        key=about("edited", key),
        kind="edited",
        description=shortened(f"Changed by hand: {what}"),
        quantity=Fraction(1),
        unit=None,
        amount=amount,
        unrounded=exact,
        period=cycle.period.whole_seconds(),
        attachment=line.attachment if line else None,
        charges=(Charge(what=why, quantity=Fraction(1), unit_amount=exact, amount=exact),),
    )


def _strange(line: StrangeLine) -> LineItem:
    return LineItem(
        key=strange_key(line.line),
        kind="stripe",
        description=line.description,
        quantity=Fraction(1),
        unit=None,
        amount=line.amount,
        unrounded=Fraction(line.amount),
        period=Period(line.start, line.end),
    )
