"""Roll-up: what is too much for one invoice is summed up price by price; no cent is lost."""

from collections.abc import Sequence
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.invoice import Charge, LineItem
from domain.line_key import line_key
from domain.price import PriceBook
from domain.text import shortened

LINES_MAX = 200
"""Stripe takes 250 lines; the rest is room for roll-ups, credits and lines added there by hand."""

KEPT_APART = frozenset({"coming", "unused", "late"})
"""Lines about another period are not summed up with those of this one."""


def rolled_up(
    lines: Sequence[LineItem], cycle: BillingCycle, book: PriceBook
) -> Sequence[LineItem]:
    """The same amounts in fewer lines, where there are more than an invoice should have.

    By key, so that the same facts keep the same lines. One-off items always keep theirs.
    """
    if len(lines) <= LINES_MAX:
        return lines
    by_hand = [line for line in lines if line.price is None]
    priced = sorted((line for line in lines if line.price), key=lambda line: line.key)
    room = max(LINES_MAX - len(by_hand), 0)
    rest: dict[tuple[str, str], list[LineItem]] = {}
    for line in priced[room:]:
        apart = line.kind if line.kind in KEPT_APART else ""
        rest.setdefault((apart, line.price or ""), []).append(line)
    others = [
        _other(cycle, book[ref].name, line_key("other", *filter(None, [apart]), ref), each)
        for (apart, ref), each in rest.items()
    ]
    return [*by_hand, *priced[:room], *others]


def _other(cycle: BillingCycle, name: str, key: str, lines: Sequence[LineItem]) -> LineItem:
    """One line for many of one price: the sum of their rounded amounts."""
    return LineItem(
        key=key,
        kind="other",
        description=shortened(f"{name}: {len(lines)} more, together"),
        quantity=sum((line.quantity for line in lines), Fraction(0)),
        unit=lines[0].unit,
        amount=sum(line.amount for line in lines),
        unrounded=sum((line.unrounded for line in lines), Fraction(0)),
        period=cycle.period.whole_seconds(),
        price=lines[0].price,
        charges=tuple(map(_charge, lines)),
    )


def _charge(line: LineItem) -> Charge:
    """What one of them comes to, named by the key it would have had."""
    each = line.unrounded / line.quantity if line.quantity else Fraction(0)
    return Charge(what=line.key, quantity=line.quantity, unit_amount=each, amount=line.unrounded)
