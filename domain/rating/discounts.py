"""Discounts: what comes off an invoice's lines, as a line for each discount."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from domain.events.amounts import DiscountGranted
from domain.invoice import Charge, LineItem
from domain.line_key import line_key
from domain.money import rounded, step
from domain.price import PriceBook
from domain.quantity import plain
from domain.rating.frame import Frame, Priced
from domain.rating.sharing import largest_remainder
from domain.text import shortened


@dataclass(kw_only=True, slots=True)
class Discounted:
    """lines: one for each discount. off: minor units that came off, by line key. off_coming:
    by key of a discount's line, what of it came off lines billed ahead."""

    lines: list[LineItem] = field(default_factory=list)
    off: dict[str, int] = field(default_factory=dict)
    off_coming: dict[str, int] = field(default_factory=dict)

    def off_all(self, lines: Iterable[LineItem]) -> int:
        """What came off some lines."""
        return sum(self.off.get(line.key, 0) for line in lines)

    def of_this_period(self) -> Iterator[LineItem]:
        """The discounts' lines without what came off lines billed ahead."""
        for line in self.lines:
            yield replace(line, amount=line.amount + self.off_coming.get(line.key, 0))


def discounted(frame: Frame, priced: Iterable[Priced]) -> Discounted:
    """Take discounts off in the order they were granted, each of what those before it left.

    They count on rounded lines, so that an invoice can be checked with what stands on it.
    """
    found = Discounted()
    lines = [line for part in priced for line in part.lines if line.amount > 0]
    coming = [line for line in lines if line.kind == "coming"]
    for granted in sorted(
        frame.cycle.discounts.values(), key=lambda each: (each.at, each.discount)
    ):
        left = {
            line.key: line.amount - found.off.get(line.key, 0)
            for line in lines
            if _is_for(granted, line, frame.book)
        }
        exact = _exact(granted, {key: amount for key, amount in left.items() if amount > 0})
        total = rounded(sum(exact.values(), Fraction(0)), frame.cycle.currency)
        if total:
            line, before = _line(frame, granted, exact, total), found.off_all(coming)
            found.lines.append(line)
            _note(found.off, exact, total, step(frame.cycle.currency))
            found.off_coming[line.key] = found.off_all(coming) - before
    return found


def _is_for(granted: DiscountGranted, line: LineItem, book: PriceBook) -> bool:
    return not granted.prices or book[line.price or ""].id in granted.prices


def _exact(granted: DiscountGranted, left: Mapping[str, int]) -> dict[str, Fraction]:
    """What comes off each line: a percentage of it, or its share of an amount."""
    whole = sum(left.values())
    if granted.percent is not None:
        rate = Fraction(granted.percent) / 100
    else:
        rate = Fraction(min(granted.amount or 0, whole), whole) if whole else Fraction(0)
    return {key: amount * rate for key, amount in left.items()}


def _note(off: dict[str, int], exact: Mapping[str, Fraction], total: int, unit: int) -> None:
    whole = sum(exact.values(), Fraction(0))
    ratios = {key: amount / whole for key, amount in exact.items()}
    for key, amount in largest_remainder(total, ratios, unit).items():
        off[key] = off.get(key, 0) + amount


def _line(
    frame: Frame, granted: DiscountGranted, exact: Mapping[str, Fraction], total: int
) -> LineItem:
    charges = tuple(_charges(exact))
    how = f"{plain(granted.percent)}%" if granted.percent is not None else "amount"
    return LineItem(
        key=line_key("discount", granted.discount),
        kind="discount",
        description=shortened(f"Discount {granted.discount} ({how}): {granted.reason}"),
        quantity=Fraction(1),
        unit=None,
        amount=-total,
        unrounded=sum((charge.amount for charge in charges), Fraction(0)),
        period=frame.cycle.period.whole_seconds(),
        charges=charges,
    )


def _charges(exact: Mapping[str, Fraction]) -> Iterator[Charge]:
    for key, amount in exact.items():
        yield Charge(what=f"off {key}", quantity=Fraction(1), unit_amount=-amount, amount=-amount)
