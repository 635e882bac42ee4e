"""What a cycle's tallies come to, by attachment, price and group, in units of the meter."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from domain.attribution import Attribution
from domain.events.amounts import Level
from domain.events.usage import micros
from domain.rating.frame import Frame
from domain.tally import Each, Tallies, Tally, TallyKey

Group = tuple[tuple[str, str], ...]


@dataclass(kw_only=True, slots=True)
class Measured:
    """quantity: in units of the meter. records: each one, where the price needs them."""

    quantity: Fraction = Fraction(0)
    records: list[Each] = field(default_factory=list)

    def values(self) -> list[Fraction]:
        """Each record's value, in the order of time."""
        return [Fraction(each.value) for each in sorted(self.records)]


Found = dict[tuple[str, str], dict[Group, Measured]]
"""By (attachment, price ref) and group."""


def measured(frame: Frame, tallies: Tallies) -> Found:
    """Quantities by what rates them."""
    found: Found = {}
    whole = _with_levels(frame, tallies)
    for key, tally in whole.items():
        price = frame.book.get(key.price)
        if price is None or price.currency != frame.cycle.currency:
            continue
        runs = [r for r in frame.cycle.attachments[key.attachment].runs if key.price in r.prices]
        aggregation = frame.meters[key.meter].aggregation
        group = tuple(pair for pair in key.dimensions if pair[0] in price.group_by)
        groups = found.setdefault((key.attachment, key.price), {})
        here = groups.setdefault(group, Measured())
        here.quantity += tally.measured(aggregation, frame.spans(runs))
        if price.model.per_record:
            here.records += tally.each
    return found


def _with_levels(frame: Frame, tallies: Tallies) -> Tallies:
    """Tallies of time-weighted meters hold their level on: from the cycle before where the
    meter says so, and from one price of an attachment to the next."""
    if not any(meter.aggregation == "time_weighted" for meter in frame.meters.values()):
        return tallies
    gauges: dict[TallyKey, list[Tally]] = {}
    for key, tally in [*_levels(frame).items(), *tallies.items()]:
        if frame.meters[key.meter].aggregation == "time_weighted" and key.price:
            gauges.setdefault(key._replace(price=""), []).append(tally)
    held = dict(tallies)
    for bare, parts in gauges.items():
        together = Tally(records=sum(part.records for part in parts))
        for part in parts:
            together.add_points(part.points or {})
        for ref in _rated_by(frame, bare):
            held[bare._replace(price=ref)] = together
    return held


def _rated_by(frame: Frame, key: TallyKey) -> Iterator[str]:
    """The prices of an attachment that count a meter in this cycle."""
    known = frame.cycle.attachments.get(key.attachment)
    refs = {ref for run in known.runs for ref in run.prices} if known else set()
    for ref in sorted(refs):
        price = frame.book[ref]
        if price.meter == key.meter and price.currency == frame.cycle.currency:
            yield ref


def _levels(frame: Frame) -> Tallies:
    """The levels that the cycle before left, as if reported at this one's first instant."""
    if frame.handover is None or not frame.handover.levels:
        return {}
    cycle, start = frame.cycle, micros(frame.cycle.period.start)
    attribution = Attribution(cycle.attachments.values(), frame.book, cycle.currency)
    found: Tallies = {}
    for level in frame.handover.levels:
        attachment, ref = attribution.resolve(level.meter, level.attachment, start)
        key = TallyKey(level.meter, attachment, ref, tuple(sorted(level.dimensions.items())))
        found[key] = Tally(points={start: level.value})
    return found


def levels_left(frame: Frame, tallies: Tallies) -> tuple[Level, ...]:
    """The last values of carry-over meters, which hold on into the next cycle."""
    left: dict[TallyKey, Level] = {}
    for key, tally in _with_levels(frame, tallies).items():
        meter = frame.meters.get(key.meter)
        if meter is None or not meter.carry_over or not tally.points or not key.price:
            continue
        if frame.cycle.attachments[key.attachment].running_on() is None:
            continue
        value = tally.points[max(tally.points)]
        left[key._replace(price="")] = Level(key.meter, key.attachment, dict(key.dimensions), value)
    return tuple(left[key] for key in sorted(left))
