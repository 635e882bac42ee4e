"""What a cycle's usage adds up to, folded from the log: headers where they will do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.attribution import Attribution
from domain.catalog import Meter
from domain.errors import NotFound
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded
from domain.tally import Tallies, Tally, TallyKey, dimension_values

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

    def read(self, whole: Callable[[Stretch], bool]) -> Iterator[Stretch]:
        """All usage in the log's order.

        whole: whether a stretch can be taken or left as it is; one that cannot comes with its
        records, or as the smaller stretches it was made of.
        """
        ...


@dataclass(frozen=True, slots=True)
class UsageEvents:
    """A reader over events already at hand."""

    events: Iterable[UsageRecorded]

    def read(self, whole: Callable[[Stretch], bool]) -> Iterator[Stretch]:
        """Each event as one stretch."""
        for event in self.events:
            stretch = Stretch(event.lo, event.hi, event.tallies)
            if not whole(stretch):
                stretch.records = event.records
            yield stretch


class UsageFold:
    """Adds usage up by what rates it. The same facts give the same tallies, however packed.

    meter_of: the meter's version in force in this cycle. until: only what happened by then,
    in microseconds since 1970; ``None`` for everything.
    """

    def __init__(
        self, attribution: Attribution, meter_of: MeterOf, until: int | None = None
    ) -> None:
        self.tallies: Tallies = {}
        self._attribution = attribution
        self._meter_of = meter_of
        self._until = until
        self._meters: dict[str, Meter] = {}

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

    def _undivided(self, tally: HeaderTally) -> bool:
        if self._late(tally.lo):
            return True
        if self._late(tally.hi) or self._meter(tally.meter).aggregation in NEEDS_RECORDS:
            return False
        named, lo, hi = tally.attachment, tally.lo, tally.hi
        return self._attribution.resolve_span(tally.meter, named, lo, hi) is not None

    def _late(self, at: int) -> bool:
        return self._until is not None and at > self._until

    def _take(self, tally: HeaderTally) -> None:
        if self._late(tally.lo):
            return
        dimensions = tuple(sorted(tally.dimensions.items()))
        found = self._find(tally.meter, tally.attachment, tally.lo, dimensions)
        found.add(self._meter(tally.meter).aggregation, tally.quantity, tally.hi, tally.records)

    def _record(self, record: PackedRecord) -> None:
        if self._late(record.at):
            return
        meter = self._meter(record.meter)
        dimensions = dimension_values(record.properties, meter.dimensions)
        found = self._find(record.meter, record.attachment, record.at, dimensions)
        found.add(meter.aggregation, record.value, record.at)

    def _find(
        self, meter: str, named: str, at: int, dimensions: tuple[tuple[str, str], ...]
    ) -> Tally:
        attachment, price = self._attribution.resolve(meter, named, at)
        key = TallyKey(meter, attachment, price, dimensions)
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


def fold_usage(
    usage: UsageReader, attribution: Attribution, meter_of: MeterOf, until: int | None = None
) -> Tallies:
    """Everything a cycle's usage adds up to, or what had happened ``until`` an instant.

    Raises:
        NotFound: a record names a meter that was never defined.
    """
    fold = UsageFold(attribution, meter_of, until)
    for stretch in usage.read(fold.whole):
        fold.add(stretch)
    return fold.tallies
