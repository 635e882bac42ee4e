"""The arithmetic of an invoice's line, step by step, from what was measured to cents."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from domain.invoice import Charge, Invoice, LineItem
from domain.line_key import about, line_key
from domain.price import Price
from domain.quantity import plain

IN_THE_LINE = ("charge", "maximum")
"""Steps whose amounts sum to the line's exact amount."""

ELSEWHERE = ("discount", "minimum", "waive", "override")
"""Steps that stand on a line of their own: they are told here, and count there."""

KINDS = frozenset(
    {
        "tally",
        "quantity",
        "whole",
        "conversion",
        "proration",
        "included",
        "corrects",
        "unrounded",
        "rounding",
        *IN_THE_LINE,
        *ELSEWHERE,
    }
)

ABOVE = "above the maximum"
BY_HAND = {
    "item": "added by hand",
    "credit": "taken off the credit balance",
    "carry/in": "left over from the invoice before",
    "carry/out": "left to the next invoice",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a line's arithmetic.

    kind: one of ``KINDS``. quantity: what the step leaves, takes off or prices. unit_amount,
    amount: minor units. line: the key of the line that the step stands on, where it is another
    one. The amounts of ``charge`` and ``maximum`` steps sum to ``unrounded``; with ``rounding``
    to the line's.
    """

    kind: str
    what: str
    quantity: Fraction | None = None
    unit: str | None = None
    unit_amount: Fraction | None = None
    amount: Fraction | None = None
    line: str | None = None


def steps(
    line: LineItem, invoice: Invoice, siblings: Iterable[LineItem], price: Price | None
) -> tuple[Step, ...]:
    """A line's arithmetic, from what was measured to what is owed.

    siblings: the lines that were rated with it, before roll-up. price: the version that rates
    it, ``None`` for what no price makes.
    """
    # With automatic tax a discount has no line of its own: it is among the charges.
    there = [each for each in siblings if each.kind != "discount"]
    lines = {each.key: each for each in [*there, *invoice.lines]}
    return (
        *_begin(line, lines.values(), price),
        *(_charge(charge) for charge in line.charges),
        *_by_hand(line),
        *_elsewhere(line, lines),
        Step(kind="unrounded", what="exact amount", amount=line.unrounded),
        Step(kind="rounding", what=_rounded(line), amount=line.amount - line.unrounded),
    )


def _begin(line: LineItem, lines: Iterable[LineItem], price: Price | None) -> Iterator[Step]:
    """What is priced, before it is."""
    if line.corrects:
        yield Step(kind="corrects", what=f"about {line.corrects}")
    if price is None:
        return
    if line.kind == "usage":
        yield from _measured(line, lines, price)
    elif line.kind in ("fee", "coming", "once"):
        yield from _attached(line, price)


def _measured(line: LineItem, lines: Iterable[LineItem], price: Price) -> Iterator[Step]:
    """What the meter says, in the price's unit, together with the line's siblings."""
    yield Step(kind="tally", what=f"{price.name} measured", quantity=line.quantity, unit=line.unit)
    whole = _whole(line, lines, price)
    if whole != line.quantity:
        share = plain(100 * line.quantity / whole, 2) if whole else "0"
        yield Step(
            kind="whole",
            what=f"priced together with its other groups, of which this line is {share}%",
            quantity=whole,
            unit=line.unit,
        )
    yield from _prorated(line)
    if price.model.per_record:
        if _converts(price):
            yield Step(kind="conversion", what=f"each record {_how(price)}")
        return
    yield from _converted(price, whole)
    yield from _included(price, price.converted(whole), _share(line))


def _attached(line: LineItem, price: Price) -> Iterator[Step]:
    """For how many an attachment counts, and for what part of a period."""
    counted = f"{line.attachment} counts for"
    if line.kind == "fee":  # on average, where that changed: each stretch is converted alone
        yield Step(kind="quantity", what=counted, quantity=line.quantity)
        if _converts(price):
            yield Step(kind="conversion", what=_how(price))
    else:
        yield Step(kind="quantity", what=counted, quantity=line.quantity)
        yield from _converted(price, line.quantity)
        yield from _included(price, price.converted(line.quantity), Fraction(1))
    yield from _prorated(line)


def _whole(line: LineItem, lines: Iterable[LineItem], price: Price) -> Fraction:
    """The quantity that is priced at once: of all groups, unless each is priced by itself."""
    mine = (line.attachment, line.price)
    group = [each for each in lines if each.kind == "usage"]
    group = [each for each in group if (each.attachment, each.price) == mine]
    below = any(each.quantity < 0 for each in group)
    plainly = price.model.linear and not price.included and price.rounding == "none"
    if price.per_group or (plainly and not price.model.per_record and not below):
        return line.quantity
    return sum((each.quantity for each in group), Fraction(0))


def _share(line: LineItem) -> Fraction:
    return Fraction(*line.proration) if line.proration else Fraction(1)


def _prorated(line: LineItem) -> Iterator[Step]:
    if line.proration:
        share = _share(line)
        what = f"for {plain(share * 100, 2)}% of the full period"
        yield Step(kind="proration", what=what, quantity=share)


def _converts(price: Price) -> bool:
    return price.divide_by != 1 or price.rounding != "none"


def _how(price: Price) -> str:
    rounding = "" if price.rounding == "none" else f", rounded {price.rounding.replace('_', ' ')}"
    return f"divided by {plain(price.divide_by)}{rounding}"


def _converted(price: Price, quantity: Fraction) -> Iterator[Step]:
    if _converts(price):
        yield Step(kind="conversion", what=_how(price), quantity=price.converted(quantity))


def _included(price: Price, quantity: Fraction, share: Fraction) -> Iterator[Step]:
    if quantity < 0:
        yield Step(kind="included", what="below zero counts as zero", quantity=-quantity)
    elif price.included and quantity:
        yield Step(
            kind="included",
            what=f"of {plain(price.included)} included in a full period, for the time attached",
            quantity=-min(price.included * share, quantity),
        )


def _charge(charge: Charge) -> Step:
    return Step(
        kind="maximum" if charge.what == ABOVE else "charge",
        what=charge.what,
        quantity=charge.quantity,
        unit_amount=charge.unit_amount,
        amount=charge.amount,
    )


def _by_hand(line: LineItem) -> Iterator[Step]:
    """What has no arithmetic of its own."""
    what = BY_HAND.get(line.key) or BY_HAND.get(line.kind)
    if what and not line.charges:
        yield Step(kind="charge", what=what, amount=line.unrounded)


def _elsewhere(line: LineItem, lines: dict[str, LineItem]) -> Iterator[Step]:
    """What other lines do to this one."""
    for other in lines.values():
        if other.kind == "discount":
            off = [each.amount for each in other.charges if each.what == f"off {line.key}"]
            if off:
                yield _told("discount", other, sum(off, Fraction(0)))
    if line.price and line.attachment and line.kind in ("usage", "fee", "once"):
        minimum = lines.get(line_key("minimum", line.attachment, line.price))
        if minimum is not None:
            yield _told("minimum", minimum, minimum.unrounded)
    for kind in ("waive", "override"):
        decided = lines.get(about(kind, line.key))
        if decided is not None:
            yield _told(kind, decided, decided.unrounded)


def _told(kind: str, other: LineItem, amount: Fraction) -> Step:
    return Step(kind=kind, what=other.description, amount=amount, line=other.key)


def _rounded(line: LineItem) -> str:
    how = "rounded line by line" if line.kind == "other" else "rounded once"
    return f"{how}, to {line.amount} minor units"
