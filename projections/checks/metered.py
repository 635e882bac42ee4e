"""Metered prices counted the plain way: the whole quantity first, then its groups' parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from domain.events.usage import micros
from domain.line_key import line_key
from projections.checks.counting import Counter, Dimensions, Heap, HeapKey, Heaps, held
from projections.checks.desk import Desk, Line, Part
from projections.checks.facts import Span, Stay
from projections.checks.terms import ZERO, Terms, cents, costs, shared_out, single


@dataclass(slots=True)
class Group:
    """What one group of a price comes to. each: (instant, source, id, value)."""

    quantity: Fraction = ZERO
    each: list[tuple[int, str, str, Decimal]] = field(default_factory=list)

    def values(self) -> list[Fraction]:
        """Single records in the order of time."""
        return [Fraction(each[3]) for each in sorted(self.each)]


def metered(desk: Desk) -> Iterator[Part]:
    """One part for each metered price of an attachment."""
    heaps = _holding_on(desk)
    for attachment, ref, stays in desk.priced("metered"):
        terms, spans = desk.book[ref], list(_spans(desk, stays))
        share = desk.share(terms, spans, desk.facts.stays[attachment])
        groups = _groups(desk, heaps, attachment, ref, stays) or {(): Group()}
        amounts = _amounts(desk, terms, groups, share)
        lines = [
            Line(
                key=line_key("usage", attachment, ref, group=dict(group)),
                kind="usage",
                amount=amount,
                price=ref,
                attachment=attachment,
            )
            for group, amount in amounts.items()
        ]
        yield Part(attachment=attachment, price=ref, share=share, lines=lines)


def _spans(desk: Desk, stays: list[Stay]) -> Iterator[Span]:
    begin, end = desk.reading.span
    for stay in stays:
        first, last = max(stay.since, begin), min(stay.until or end, end)
        if first < last:
            yield first, last


def _groups(
    desk: Desk, heaps: Heaps, attachment: str, ref: str, stays: list[Stay]
) -> dict[Dimensions, Group]:
    terms, found = desk.book[ref], dict[Dimensions, Group]()
    kept = terms.get("group_by") or ()
    for key, heap in heaps.items():
        if (key.attachment, key.price) != (attachment, ref):
            continue
        group = tuple(pair for pair in key.dimensions if pair[0] in kept)
        here = found.setdefault(group, Group())
        gauge = desk.meters[key.meter].aggregation == "time_weighted"
        spans = list(_spans(desk, stays))
        here.quantity += held(heap.points, spans) if gauge else Fraction(heap.quantity)
        here.each += heap.each
    return found


def _amounts(
    desk: Desk, terms: Terms, groups: dict[Dimensions, Group], share: Fraction
) -> dict[Dimensions, int]:
    """Minor units by group: each alone where that is right, else their parts of the whole."""
    if _alone(terms, groups):
        return {
            name: cents(costs(terms, group.quantity, share, group.values()), desk.currency)
            for name, group in groups.items()
        }
    whole = Group(
        sum((group.quantity for group in groups.values()), ZERO),
        [each for group in groups.values() for each in group.each],
    )
    total = cents(costs(terms, whole.quantity, share, whole.values()), desk.currency)
    weights = {name: group.quantity for name, group in groups.items() if group.quantity}
    if not whole.quantity:
        return {(): total}
    return shared_out(total, weights, desk.currency)


def _alone(terms: Terms, groups: dict[Dimensions, Group]) -> bool:
    """A rate alone, without anything that counts over the whole price."""
    if terms.get("per_group") or len(groups) == 1:
        return True
    rate = terms["model"] == "per_unit" or (terms["model"] == "percentage" and not single(terms))
    conversion = terms.get("unit_conversion") or {}
    exact = conversion.get("round", "none") == "none" and not Fraction(
        terms.get("included_quantity") or 0
    )
    return rate and exact and all(group.quantity >= 0 for group in groups.values())


def _holding_on(desk: Desk) -> Heaps:
    """Levels hold on from the cycle before, and from one price of an attachment to the next."""
    gauges: dict[HeapKey, dict[int, Decimal]] = {}
    for key, points in _levels(desk):
        gauges.setdefault(key._replace(price=""), {}).update(points)
    for key, heap in desk.heaps.items():
        if heap.points and key.price:
            gauges.setdefault(key._replace(price=""), {}).update(heap.points)
    heaps = dict(desk.heaps)
    for key, points in gauges.items():
        for stay in desk.facts.stays.get(key.attachment, ()):
            for ref in stay.prices:
                if desk.book[ref].get("meter") == key.meter:
                    heaps[key._replace(price=ref)] = Heap(points=points)
    return heaps


def _levels(desk: Desk) -> Iterator[tuple[HeapKey, dict[int, Decimal]]]:
    """What the cycle before left, as if reported at this one's first instant."""
    counter = Counter(desk.facts, desk.book, desk.meters, desk.currency)
    start = micros(desk.reading.opened.start)
    for level in desk.handover.levels if desk.handover else ():
        key = counter.rated(level.meter, level.attachment, start)
        dimensions = tuple(sorted(level.dimensions.items()))
        if key[1]:
            yield HeapKey(level.meter, *key, dimensions), {start: level.value}


def levels_left(desk: Desk) -> dict[tuple[str, str, Dimensions], Decimal]:
    """The last values that hold on into the next cycle."""
    left: dict[tuple[str, str, Dimensions], Decimal] = {}
    for key, heap in _holding_on(desk).items():
        goes_on = any(stay.until is None for stay in desk.facts.stays.get(key.attachment, ()))
        if heap.points and key.price and goes_on and desk.meters[key.meter].carry_over:
            left[key.meter, key.attachment, key.dimensions] = heap.points[max(heap.points)]
    return left
