"""A cycle's invoice counted the plain way: every line's amount, in minor units, by key."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from domain.events.amounts import AmountOverridden, DiscountGranted, DraftMissed
from domain.events.late import LateAmountsBilled
from domain.identity import parse_cycle_name
from domain.line_key import about, line_key, strange_key
from projections.checks.desk import Desk, Line, Part
from projections.checks.fees import fees, one_offs
from projections.checks.metered import metered
from projections.checks.taxable import CARRIED, without_negative
from projections.checks.terms import Terms, cents, shared_out


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What is left of a credit. Minor units."""

    id: str
    left: int
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What an invoice takes from outside while it is not settled.

    minimum: an invoice below it is carried to the next. cut_off: whether usage is.
    automatic_tax: whether Stripe computes tax for it. taken: what a settled invoice took over
    from the revision before.
    """

    credits: Sequence[Credit] = ()
    late: Sequence[LateAmountsBilled] = ()
    minimum: int = 0
    cut_off: bool = False
    automatic_tax: bool = False
    taken: int = 0


@dataclass(kw_only=True, slots=True)
class Rated:
    """Lines by key. basis: what late facts are measured against. priced: the parts behind it.

    off: what discounts took off each line. whole: the lines before those below zero reduce
    others for automatic tax.
    """

    lines: dict[str, int]
    whole: dict[str, int]
    basis: dict[str, int]
    priced: list[Part]
    off: dict[str, int] = field(default_factory=dict)

    @property
    def carried(self) -> int:
        """What the next invoice takes over."""
        return -self.whole.get(CARRIED, 0)


def rated(desk: Desk, outside: Outside) -> Rated:
    """Everything on one invoice."""
    priced = [*fees(desk), *metered(desk), *one_offs(desk)]
    parts: dict[str, dict[str, int]] = {}
    discounts, off, of_coming = _discounts(
        desk, [line for part in priced for line in part.lines], parts
    )
    lines = [line for part in priced for line in _bounded(desk, part, off)]
    # What is billed ahead is no part of what late facts are measured against, nor what came off.
    basis = [*(line for line in lines if line.kind != "coming"), *discounts, *of_coming]
    total = _summed([*lines, *discounts, *_by_hand(desk, lines, off, outside)])
    credits = _credits(desk, outside, sum(total.values()))
    total |= {line_key("credit", name): -used for name, used in credits.items()}
    if carried := _carried(desk, outside, total):
        total[CARRIED] = carried
    settled = desk.reading.settled
    taxed = settled.automatic_tax if settled else outside.automatic_tax
    shown = without_negative(total, parts) if taxed else total
    return Rated(lines=shown, whole=total, basis=_summed(basis), priced=priced, off=off)


def _summed(lines: Iterable[Line]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in lines:
        total[line.key] = total.get(line.key, 0) + line.amount
    return total


# Discounts, then minimum and maximum


def _discounts(
    desk: Desk, lines: Sequence[Line], its_parts: dict[str, dict[str, int]]
) -> tuple[list[Line], dict[str, int], list[Line]]:
    """One line for each, of what is left; what came off every line; what of it was billed ahead.

    its_parts: takes what each came off which line.
    """
    off: dict[str, int] = {}
    found: list[Line] = []
    of_coming: list[Line] = []
    ahead = {line.key for line in lines if line.kind == "coming"}
    for granted in desk.reading.discounts():
        left = {
            line.key: Fraction(line.amount - off.get(line.key, 0))
            for line in lines
            if line.amount > off.get(line.key, 0) and _is_for(granted, line, desk.book)
        }
        total = cents(_exact(granted, sum(left.values(), Fraction(0))), desk.currency)
        if total:
            parts, its = (
                shared_out(total, left, desk.currency),
                line_key("discount", granted.discount),
            )
            off |= {key: off.get(key, 0) + amount for key, amount in parts.items()}
            found.append(Line(key=its, kind="discount", amount=-total))
            its_parts[its] = parts
            coming = sum(parts[key] for key in ahead.intersection(parts))
            of_coming.append(Line(key=its, kind="discount", amount=coming))
    return found, off, of_coming


def _is_for(granted: DiscountGranted, line: Line, book: Mapping[str, Terms]) -> bool:
    return not granted.prices or book[line.price or ""]["price"] in granted.prices


def _exact(granted: DiscountGranted, whole: Fraction) -> Fraction:
    if granted.percent is not None:
        return whole * Fraction(granted.percent) / 100
    return min(Fraction(granted.amount or 0), whole)


def _bounded(desk: Desk, part: Part, off: Mapping[str, int]) -> Iterator[Line]:
    """A price's lines, up to its minimum and down to its maximum."""
    terms, took = desk.book[part.price], sum(off.get(line.key, 0) for line in part.lines)
    owed = sum(line.amount for line in part.lines) - took
    lines = list(part.lines)
    if terms.get("minimum_amount") is not None and part.share:
        missing = cents(Fraction(terms["minimum_amount"]) * part.share - owed, desk.currency)
        key = line_key("minimum", part.attachment, part.price)
        lines += [Line(key=key, kind="minimum", amount=missing)] if missing > 0 else []
    if terms.get("maximum_amount") is not None:
        most = Fraction(terms["maximum_amount"]) * part.share
        if owed > cents(most, desk.currency):
            lines = _cut(desk, part, cents(most + took, desk.currency))
    yield from lines


def _cut(desk: Desk, part: Part, total: int) -> list[Line]:
    weights = {line.key: Fraction(line.amount) for line in part.lines}
    amounts = shared_out(total, weights, desk.currency)
    return [Line(key=line.key, kind=line.kind, amount=amounts[line.key]) for line in part.lines]


# What people decided, and what comes from other cycles


def _by_hand(
    desk: Desk, lines: Iterable[Line], off: Mapping[str, int], outside: Outside
) -> Iterator[Line]:
    reading, added = desk.reading, list(_added(desk, outside))
    yield from added
    amounts = _summed([*lines, *added])
    for key, (waived, said) in reading.adjusted().items():
        here = amounts.get(key, 0) - off.get(key, 0)
        less = min(sum(each.amount for each in waived), max(here, 0))
        yield Line(key=about("waive", key), kind="waive", amount=-less)
        yield Line(key=about("override", key), kind="override", amount=_set(said, here - less))
    changed, theirs = reading.adopted()
    for key, amount in changed.items():
        yield Line(key=about("edited", key), kind="edited", amount=amount)
    for line, amount in theirs.items():
        yield Line(key=strange_key(line), kind="stripe", amount=amount)


def _added(desk: Desk, outside: Outside) -> Iterator[Line]:
    """Items, and what comes from other cycles."""
    reading = desk.reading
    for item, amount in reading.items().items():
        yield Line(key=line_key("item", item), kind="item", amount=amount)
    for billed in reading.late_amounts() if reading.settled else outside.late:
        parsed = parse_cycle_name(billed.cycle)
        begun = parsed[1].isoformat() if parsed else billed.cycle
        for late in billed.lines:
            yield Line(key=about(f"late/{begun}", late.line), kind="late", amount=late.amount)
    if desk.handover is not None:
        yield Line(key=line_key("carry", "in"), kind="carry", amount=desk.handover.amount)


def _set(said: Sequence[AmountOverridden], here: int) -> int:
    """A final amount holds; a difference stays, but never makes less than nothing."""
    final = [each.amount for each in said if each.difference is None]
    if final:
        return final[-1] - here
    return max(sum(each.difference or 0 for each in said), min(-here, 0))


def _credits(desk: Desk, outside: Outside, owed: int) -> dict[str, int]:
    """Used up in order until nothing is owed; a settled invoice has what it used."""
    if desk.reading.settled is not None:
        return desk.reading.credits_on_it()
    used: dict[str, int] = {}
    for credit in outside.credits:
        expired = credit.expires_at is not None and credit.expires_at <= desk.reading.span[0]
        amount = 0 if expired else min(credit.left, owed)
        if amount > 0:
            used[credit.id] = amount
            owed -= amount
    return used


def _carried(desk: Desk, outside: Outside, lines: Mapping[str, int]) -> int:
    """What brings a negative or tiny invoice to nothing, once usage is cut off.

    With automatic tax at once, and lines that others put there take no part in it.
    """
    total, settled = sum(lines.values()), desk.reading.settled
    if settled is not None and settled.automatic_tax:
        return settled.subtotal - total
    if settled is not None:
        return settled.subtotal - total if CARRIED in settled.lines else 0
    return _left(desk, outside, lines, total - outside.taken) - outside.taken


def _left(desk: Desk, outside: Outside, lines: Mapping[str, int], total: int) -> int:
    """The same without what the revision before has left already."""
    if desk.reading.all(DraftMissed) and outside.cut_off and desk.coming is not None:
        return -total
    theirs = [amount for key, amount in lines.items() if key.startswith("stripe/") and amount > 0]
    kept = sum(theirs) if outside.automatic_tax else 0
    if total < kept and (outside.cut_off or outside.automatic_tax):
        return kept - total
    small = 0 < total < outside.minimum and desk.coming is not None and not kept
    return -total if outside.cut_off and small else 0
