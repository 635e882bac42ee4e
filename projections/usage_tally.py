"""What a cycle's usage adds up to, folded from the log: headers where they will do."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.attribution import Attribution
from domain.catalog import Meter
from domain.correction import Corrections
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded
from domain.tally import Each, Tallies, Tally, TallyKey, dimension_values, removes

NEEDS_RECORDS = frozenset({"unique", "time_weighted"})
"""Aggregations whose state is more than the one number in a header."""

MeterOf = Callable[[str], Meter | None]


@dataclass(slots=True)
class Stretch:
    """Some consecutive usage of a cycle: one event, or a sum of many.

    lo, hi: lowest and highest instant in it, microseconds since 1970. records: what to fold
    one by one, in the log's order; ``None`` where the tallies are to be taken or left whole.
    """

    lo: int
    hi: int
    tallies: Sequence[HeaderTally]
    records: Sequence[PackedRecord] | None = None


class UsageReader(Protocol):
    """A cycle's usage, read so that as little as possible is opened."""

    def read(self, whole: Callable[[Stretch], bool], upto: int | None = None) -> Iterator[Stretch]:
        """All usage in the log's order, or the events up to a version.

        whole: whether a stretch can be taken or left as it is; one that cannot comes with its
        records, or as the smaller stretches it was made of.
        """
        ...


class GrowingUsage(UsageReader, Protocol):
    """The same, for whoever has read the older part of it already."""

    def since(
        self, after: int, whole: Callable[[Stretch], bool], upto: int | None = None
    ) -> Iterator[Stretch]:
        """Events above a version, in the log's order, no later than another one."""
        ...


@dataclass(frozen=True, slots=True)
class UsageHistory:
    """A reader over a cycle's history already at hand; what is no usage is passed over."""

    history: Sequence[Recorded]

    def read(self, whole: Callable[[Stretch], bool], upto: int | None = None) -> Iterator[Stretch]:
        """Each event as one stretch."""
        yield from self.since(0, whole, upto)

    def since(
        self, after: int, whole: Callable[[Stretch], bool], upto: int | None = None
    ) -> Iterator[Stretch]:
        """The same of the versions above ``after``."""
        for recorded in self.history:
            event = recorded.event
            if not isinstance(event, UsageRecorded) or _after(recorded, upto):
                continue
            if recorded.version <= after:
                continue
            stretch = Stretch(event.lo, event.hi, event.tallies)
            if not whole(stretch):
                stretch.records = event.records
            yield stretch


class UsageFold:
    """Adds usage up by what rates it. The same facts give the same tallies, however packed.

    meter_of: the meter's version in force in this cycle. until: only what happened by then,
    in microseconds since 1970; ``None`` for everything. corrections: records that count as
    something else, in the place in the log where they were recorded. each: refs of prices
    whose records are needed one by one.
    """

    def __init__(
        self,
        attribution: Attribution,
        meter_of: MeterOf,
        until: int | None = None,
        corrections: Corrections | None = None,
        each: Set[str] = frozenset(),
    ) -> None:
        self.tallies: Tallies = {}
        self._attribution = attribution
        self._meter_of = meter_of
        self._until = until
        self._corrections: Corrections = corrections or {}
        self._each = each
        self._meters: dict[str, Meter] = {}
        self._corrected = self._places()

    def another(self) -> "UsageFold":
        """An empty one that adds up alike."""
        return UsageFold(
            self._attribution, self._meter_of, self._until, self._corrections, self._each
        )

    def whole(self, stretch: Stretch) -> bool:
        """Whether no boundary that matters lies within any of its tallies."""
        return all(self._undivided(tally) for tally in stretch.tallies)

    def add(self, stretch: Stretch) -> None:
        """Take one stretch into account, after all that lie before it in the log.

        Raises:
            NotFound: it names a meter that was never defined.
        """
        if stretch.records is None:
            for tally in stretch.tallies:
                self._take(tally)
        else:
            for record in stretch.records:
                self._record(record)

    def _places(self) -> Mapping[tuple[object, ...], Sequence[int]]:
        """When corrected records had occurred, by the tally of their header."""
        found: dict[tuple[object, ...], list[int]] = {}
        for correction in self._corrections.values():
            record = correction.record
            meter = self._meter(record.meter)
            named = meter.named(record.attachment, record.properties)
            dimensions = dimension_values(record.properties, meter.dimensions)
            found.setdefault((record.meter, named, dimensions), []).append(record.at)
        return found

    def _holds_corrected(self, tally: HeaderTally) -> bool:
        if not self._corrected:
            return False
        key = tally.meter, tally.attachment, tuple(sorted(tally.dimensions.items()))
        return any(tally.lo <= at <= tally.hi for at in self._corrected.get(key, ()))

    def _undivided(self, tally: HeaderTally) -> bool:
        if self._holds_corrected(tally):
            return False
        if self._late(tally.lo):
            return True
        if self._late(tally.hi) or self._meter(tally.meter).aggregation in NEEDS_RECORDS:
            return False
        named, lo, hi = tally.attachment, tally.lo, tally.hi
        rated_by = self._attribution.resolve_span(tally.meter, named, lo, hi)
        return rated_by is not None and rated_by[1] not in self._each

    def _late(self, at: int) -> bool:
        return self._until is not None and at > self._until

    def _take(self, tally: HeaderTally) -> None:
        if self._late(tally.lo):
            return
        dimensions = tuple(sorted(tally.dimensions.items()))
        found = self._find(self._key(tally.meter, tally.attachment, tally.lo, dimensions))
        found.add(self._meter(tally.meter).aggregation, tally.quantity, tally.hi, tally.records)

    def _record(self, recorded: PackedRecord) -> None:
        record = as_it_counts(recorded, self._corrections)
        if record is None or self._late(record.at):
            return
        meter = self._meter(record.meter)
        named = meter.named(record.attachment, record.properties)
        dimensions = dimension_values(record.properties, meter.dimensions)
        key = self._key(record.meter, named, record.at, dimensions)
        found = self._find(key)
        removed = removes(record.properties)
        found.add(meter.aggregation, record.value, record.at, removed=removed)
        if key.price in self._each:
            each = Each(record.at, record.source, record.id, Decimal(record.value))
            found.each.append(each)

    def _key(
        self, meter: str, named: str, at: int, dimensions: tuple[tuple[str, str], ...]
    ) -> TallyKey:
        return TallyKey(meter, *self._attribution.resolve(meter, named, at), dimensions)

    def _find(self, key: TallyKey) -> Tally:
        found = self.tallies.get(key)
        if found is None:
            found = self.tallies[key] = Tally()
        return found

    def _meter(self, name: str) -> Meter:
        meter = self._meters.get(name)
        if meter is None:
            meter = self._meter_of(name)
            if meter is None:
                raise NotFound(f"the books hold usage of {name}, which is no meter", meter=name)
            self._meters[name] = meter
        return meter


def _after(recorded: Recorded, version: int | None) -> bool:
    return version is not None and recorded.version > version


def as_it_counts(record: PackedRecord, corrections: Corrections) -> PackedRecord | None:
    """What a recorded record counts as; ``None`` where it was retracted."""
    correction = corrections.get((record.source, record.id)) if corrections else None
    return record if correction is None else correction.becomes


def fold_usage(usage: UsageReader, fold: UsageFold, upto: int | None = None) -> Tallies:
    """Everything that a cycle's usage adds up to, or the events of it up to a version.

    Raises:
        NotFound: a record names a meter that was never defined.
    """
    for stretch in usage.read(fold.whole, upto):
        fold.add(stretch)
    return fold.tallies
