"""Tallies: what usage records add up to, by meter, attachment, price and dimension values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from domain.events.usage import micros
from domain.period import Period
from domain.quantity import EXACT

SECOND = 1_000_000


class TallyKey(NamedTuple):
    """What a tally is of. attachment: empty where no attachment was named or rates it.

    price: the ref that rates it, empty while it is unpriced. dimensions: sorted pairs.
    """

    meter: str
    attachment: str
    price: str
    dimensions: tuple[tuple[str, str], ...]


class Seen(NamedTuple):
    """The latest record of one value of a ``unique`` meter. at: microseconds since 1970."""

    at: int
    removed: bool


class Each(NamedTuple):
    """One record where single records are priced. at: microseconds since 1970."""

    at: int
    source: str
    id: str
    value: Decimal


@dataclass(slots=True)
class Tally:
    """The state of one tally; which fields count depends on the meter's aggregation.

    quantity: the sum, count, highest or latest value. latest_at: microseconds since 1970.
    values: the distinct values of a ``unique`` meter, the removed ones with them; quantity
    counts the others. points: value from an instant on, for ``time_weighted``. each: the
    records, where the price that rates them prices each.
    """

    records: int = 0
    quantity: Decimal = Decimal(0)
    latest_at: int = 0
    values: dict[str, Seen] = field(default_factory=dict)
    points: dict[int, Decimal] | None = None
    each: list[Each] = field(default_factory=list)

    def add(
        self,
        aggregation: str,
        value: str | Decimal,
        at: int,
        records: int = 1,
        *,
        removed: bool = False,
    ) -> None:
        """Take records into account, in the log's order; among equals the later one counts.

        value: of one record, or what ``records`` of them come to by the same aggregation.
        removed: whether a ``unique`` meter no longer counts the value, as ``removes`` says.
        """
        first = self.records == 0
        self.records += records
        match aggregation:
            case "sum":
                self.quantity = EXACT.add(self.quantity, Decimal(value))
            case "count":
                self.quantity += records
            case "max":
                self.quantity = Decimal(value) if first else max(self.quantity, Decimal(value))
            case "latest":
                if first or at >= self.latest_at:
                    self.quantity, self.latest_at = Decimal(value), at
            case "unique":
                self._see(str(value), Seen(at, removed))
            case "time_weighted":
                if self.points is None:
                    self.points = {}
                self.points[at] = Decimal(value)
            case _:
                raise ValueError(f"unknown aggregation {aggregation!r}")

    def add_points(self, points: Mapping[int, Decimal]) -> None:
        """A time-weighted meter's values from some instants on; the later report counts."""
        self.points = {**(self.points or {}), **points}

    def _see(self, value: str, seen: Seen) -> None:
        known = self.values.get(value)
        if known is None or seen.at >= known.at:
            self.values[value] = seen
            self.quantity += (not seen.removed) - (known is not None and not known.removed)

    def merge(self, aggregation: str, other: "Tally") -> None:
        """Take another tally of the same thing into account; its records came later."""
        self.each += other.each
        if aggregation == "time_weighted":
            self.add_points(other.points or {})
        elif aggregation == "unique":
            for value, seen in other.values.items():
                self._see(value, seen)
        elif aggregation == "count":
            self.quantity += other.records
        elif other.records:
            self.add(aggregation, other.quantity, other.latest_at, other.records)
            return
        self.records += other.records

    def measured(self, aggregation: str, running: Sequence[Period]) -> Fraction:
        """The quantity to be priced, in units of the meter (unit-seconds if time-weighted).

        running: when the attachment that rates it was on; the last value of a time-weighted
        meter holds until the end of these.
        """
        if aggregation != "time_weighted":
            return Fraction(self.quantity)
        points = self.points or {}
        spans = [(micros(span.start), micros(span.end)) for span in running]
        starts = sorted(points)
        ends = [*starts[1:], max((end for _, end in spans), default=0)]
        weighted = Decimal(0)  # one fraction at the end: there may be thousands of points
        for start, end in zip(starts, ends, strict=True):
            weighted = EXACT.fma(points[start], _overlap(start, end, spans), weighted)
        return Fraction(weighted) / SECOND


Tallies = dict[TallyKey, Tally]


def _overlap(start: int, end: int, spans: Iterable[tuple[int, int]]) -> int:
    """How much of ``[start, end)`` lies within some spans, all in microseconds."""
    return sum(max(0, min(end, until) - max(start, since)) for since, until in spans)


def dimension_values(
    properties: Mapping[str, str], dimensions: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The properties a meter keeps apart; one that a record lacks counts as empty.

    >>> dimension_values({"region": "fra", "size": "xl"}, ("region",))
    (('region', 'fra'),)
    """
    if len(dimensions) == 1:  # by far the commonest, on the path of every usage record
        return ((dimensions[0], properties.get(dimensions[0], "")),)
    return tuple([(name, properties.get(name, "")) for name in dimensions])


def removes(properties: Mapping[str, str]) -> bool:
    """Whether a record takes its value away from a ``unique`` meter instead of adding it."""
    return properties.get("operation") == "remove"
