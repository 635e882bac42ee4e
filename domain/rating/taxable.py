"""With automatic tax no line is below zero: what would be reduces the others, and is told there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.invoice import Charge, LineItem, Sold
from domain.line_key import about, line_key
from domain.money import shown, step
from domain.price import PriceBook
from domain.rating.carry import CARRY_OUT
from domain.rating.sharing import largest_remainder
from domain.text import shortened

ABOUT_ANOTHER = ("waive", "override", "edited")
"""Kinds of lines that change another one, whose key theirs contains."""

BEFORE = "before what is taken off"

BY_HAND = Sold(product="items", name="Other items", currency="")
"""What a line sells that no price makes."""


def taxable(lines: Sequence[LineItem], cycle: BillingCycle, book: PriceBook) -> Sequence[LineItem]:
    """The same total without lines below zero, each line with what it sells.

    A line about another one reduces that one first, and a discount what it was given on. What
    is left of them reduces the rest, both in the order of their keys. Lines that others put on
    the draft are not touched.

    Source: https://docs.stripe.com/tax/invoicing
    """
    off = _TakenOff(lines, cycle.currency)
    for line in off.negative:
        for key, amount in off.meant(line):
            off.take(line, key, amount)
    for line in off.negative:
        for key in off.order:
            off.take(line, key, off.left[key])
    sells = _Sells(cycle, book, {line.key: line for line in lines})
    return [
        replace(line, sold=None if line.kind == "stripe" else sells(line))
        for line in off.lines(lines)
    ]


class _TakenOff:
    """What the lines below zero still have to take, and what they took off which line."""

    def __init__(self, lines: Sequence[LineItem], currency: str) -> None:
        by_key = sorted(lines, key=lambda line: line.key)
        self.negative = [line for line in by_key if line.amount < 0]
        self._owing = {line.key: -line.amount for line in self.negative}
        reducible = [line for line in by_key if line.amount > 0 and line.kind != "stripe"]
        self.left = {line.key: line.amount for line in reducible}
        self._currency = currency
        self._taken: dict[str, list[tuple[LineItem, int]]] = {}

    @property
    def order(self) -> list[str]:
        """Which line is reduced first: what is carried on is so only where nothing else is left."""
        return sorted(self.left, key=lambda key: (key == CARRY_OUT, key))

    def meant(self, line: LineItem) -> Iterator[tuple[str, int]]:
        """What a line below zero was meant to take off which line."""
        if line.kind in ABOUT_ANOTHER:
            yield from (
                (key, -line.amount) for key in self.left if about(line.kind, key) == line.key
            )
        elif line.kind == "discount":
            exact = {each.what.removeprefix("off "): -each.amount for each in line.charges}
            whole = sum(exact.values(), Fraction(0))
            ratios = {key: amount / whole for key, amount in exact.items()}
            yield from largest_remainder(-line.amount, ratios, step(self._currency)).items()

    def take(self, line: LineItem, key: str, most: int) -> None:
        """Take off a line what it has, what is still to be taken, and ``most`` at most."""
        amount = min(most, self.left.get(key, 0), self._owing[line.key])
        if amount:
            self.left[key] -= amount
            self._owing[line.key] -= amount
            self._taken.setdefault(key, []).append((line, amount))

    def lines(self, lines: Iterable[LineItem]) -> Iterator[LineItem]:
        """What stays on the invoice."""
        for line in lines:
            if line.amount >= 0:
                yield self._reduced(line)
            elif rest := self._owing[line.key]:
                yield self._rest(line, rest)

    def _reduced(self, line: LineItem) -> LineItem:
        """A line less what was taken off it; its arithmetic and its text say what that was."""
        taken = _summed(self._taken.get(line.key, ()))
        if not taken:
            return line
        steps = tuple(_charge(f"less {key}", -amount) for key, (_, amount) in taken.items())
        told = (f"{shown(amount, self._currency)} {text}" for text, amount in taken.values())
        before = shown(line.amount, self._currency)
        less = sum(amount for _, amount in taken.values())
        return replace(
            line,
            description=shortened(f"{line.description}: {before}, less {', less '.join(told)}"),
            amount=line.amount - less,
            unrounded=line.unrounded - less,
            charges=(*(line.charges or (_charge(BEFORE, line.unrounded),)), *steps),
        )

    def _rest(self, line: LineItem, rest: int) -> LineItem:
        """What found nothing to reduce: of what accrued so far only, as all else is carried."""
        used = -line.amount - rest
        charges = line.charges or (_charge(BEFORE, line.unrounded),)
        if used:
            charges = (*charges, _charge("taken off other lines", used))
        return replace(line, amount=-rest, unrounded=line.unrounded + used, charges=charges)


def _summed(taken: Iterable[tuple[LineItem, int]]) -> dict[str, tuple[str, int]]:
    """Text and amount by the key of the line that took it."""
    found: dict[str, tuple[str, int]] = {}
    for line, amount in taken:
        found[line.key] = line.description, found.get(line.key, ("", 0))[1] + amount
    return found


def _charge(what: str, amount: int | Fraction) -> Charge:
    exact = Fraction(amount)
    return Charge(what=what, quantity=Fraction(1), unit_amount=exact, amount=exact)


@dataclass(frozen=True, slots=True)
class _Sells:
    """What a line sells: its price's item, the one of the line it is about, or an item's own."""

    cycle: BillingCycle
    book: PriceBook
    lines: Mapping[str, LineItem]

    def __call__(self, line: LineItem) -> Sold:
        currency = self.cycle.currency
        ref = line.price or self._meant(line)
        if ref is not None:
            price = self.book[ref]
            return Sold(
                product=price.id, name=price.name, currency=currency, tax_code=price.tax_code
            )
        items = {line_key("item", item.item): item.tax_code for item in self.cycle.items.values()}
        return replace(BY_HAND, currency=currency, tax_code=items.get(line.key))

    def _meant(self, line: LineItem) -> str | None:
        if line.kind not in ABOUT_ANOTHER:
            return None
        meant = (key for key in self.lines if about(line.kind, key) == line.key)
        return next((self.lines[key].price for key in meant), None)
