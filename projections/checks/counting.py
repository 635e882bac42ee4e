"""Usage records added up one by one, each by what rates it at its instant."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from domain.events.base import Recorded
from domain.events.catalog import MeterDefined
from domain.events.usage import PackedRecord, micros
from projections.checks.facts import Facts, Span
from projections.checks.terms import Terms, single

Dimensions = tuple[tuple[str, str], ...]
FILTERED = "!"
"""Where records are kept that their meter's filter leaves out."""
_EXACT = Context(prec=80)


class HeapKey(NamedTuple):
    """What is added up apart. price: empty where nothing rates it."""

    meter: str
    attachment: str
    price: str
    dimensions: Dimensions


@dataclass(slots=True)
class Heap:
    """What some records come to. values: distinct value -> (instant, removed). points: value
    from an instant on. each: (instant, source, id, value), where single records are priced."""

    records: int = 0
    quantity: Decimal = Decimal(0)
    latest_at: int = 0
    values: dict[str, tuple[int, bool]] = field(default_factory=dict)
    points: dict[int, Decimal] = field(default_factory=dict)
    each: list[tuple[int, str, str, Decimal]] = field(default_factory=list)

    def put(self, aggregation: str, record: PackedRecord) -> None:
        """Take one more record into account; the log's order decides among equals."""
        self.records += 1
        if aggregation == "unique":
            self._see(record)
            return
        value = Decimal(record.value)
        match aggregation:
            case "sum":
                self.quantity = _EXACT.add(self.quantity, value)
            case "count":
                self.quantity += 1
            case "max":
                self.quantity = value if self.records == 1 else max(self.quantity, value)
            case "latest" if self.records == 1 or record.at >= self.latest_at:
                self.quantity, self.latest_at = value, record.at
            case "time_weighted":
                self.points[record.at] = value

    def _see(self, record: PackedRecord) -> None:
        known = self.values.get(record.value)
        if known is None or record.at >= known[0]:
            removed = record.properties.get("operation") == "remove"
            self.values[record.value] = record.at, removed
        self.quantity = Decimal(sum(not removed for _, removed in self.values.values()))


Heaps = dict[HeapKey, Heap]


def meters_in_force(catalog: Iterable[Recorded], opened_at: datetime) -> dict[str, MeterDefined]:
    """The version of each meter that a cycle opened (recorded) then counts by."""
    found: dict[str, MeterDefined] = {}
    for each in catalog:
        meter = each.event
        if isinstance(meter, MeterDefined) and (
            meter.meter not in found or each.recorded_at <= opened_at
        ):
            found[meter.meter] = meter
    return found


class Counter:
    """Adds up one reading of a cycle's usage. The same record never counts in two places."""

    def __init__(
        self,
        facts: Facts,
        book: Mapping[str, Terms],
        meters: Mapping[str, MeterDefined],
        currency: str,
    ) -> None:
        self.heaps: Heaps = {}
        self.retracted = 0
        self._facts = facts
        self._book = book
        self._meters = meters
        self._currency = currency
        self._on: dict[tuple[str, str], list[tuple[int, int | None, str, str]]] = {}

    def put(self, recorded: PackedRecord) -> None:
        """Count a record as it counts now, if it does."""
        corrections = self._facts.corrections
        record = (
            corrections.get((recorded.source, recorded.id), recorded) if corrections else (recorded)
        )
        if record is None:
            self.retracted += 1
            return
        meter = self._meters[record.meter]
        key = self._key(meter, record)
        heap = self.heaps.setdefault(key, Heap())
        heap.put(meter.aggregation, record)
        if key.price and single(self._book[key.price]):
            heap.each.append((record.at, record.source, record.id, Decimal(record.value)))

    def _key(self, meter: MeterDefined, record: PackedRecord) -> HeapKey:
        counts = all(record.properties.get(n) in values for n, values in meter.filter.items())
        named = record.attachment if counts else FILTERED
        attachment, price = self.rated(meter.meter, named, record.at)
        dimensions = ((name, record.properties.get(name, "")) for name in meter.dimensions)
        return HeapKey(meter.meter, attachment, price, tuple(sorted(dimensions)))

    def rated(self, meter: str, named: str, at: int) -> tuple[str, str]:
        """The attachment and price that rate a meter at an instant; no price: nothing does."""
        for since, until, attachment, ref in self._rating(meter, named):
            if since <= at and (until is None or at < until):
                return attachment, ref
        return named, ""

    def _rating(self, meter: str, named: str) -> list[tuple[int, int | None, str, str]]:
        if (meter, named) not in self._on:
            self._on[meter, named] = list(self._find(meter, named))
        return self._on[meter, named]

    def _find(self, meter: str, named: str) -> Iterator[tuple[int, int | None, str, str]]:
        """What rates a meter: prices of the attachment named, or those for all of it."""
        for attachment, stays in self._facts.stays.items():
            for stay in stays:
                until = None if stay.until is None else micros(stay.until)
                for ref in stay.prices:
                    terms = self._book[ref]
                    wide = not named and terms.get("scope") == "organization"
                    rates = (terms.get("meter"), terms["currency"]) == (meter, self._currency)
                    if rates and (wide or named == attachment):
                        yield micros(stay.since), until, attachment, ref


def held(points: Mapping[int, Decimal], spans: Iterable[Span]) -> Fraction:
    """Value × seconds within some spans; each value holds until the next one."""
    total, starts = Fraction(0), sorted(points)
    for begin, end in ((micros(begin), micros(end)) for begin, end in spans):
        for start, stop in zip(starts, [*starts[1:], end], strict=True):
            length = min(stop, end) - max(start, begin)
            total += Fraction(points[start]) * max(length, 0) / 1_000_000
    return total
