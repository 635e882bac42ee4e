"""One usage event in the making: the new records of a cycle, packed under a header."""

from collections.abc import Iterator, Sequence

import msgspec

from adapters.postgres.routing import Route
from adapters.postgres.tallies import TallyRows
from adapters.postgres.usage_plan import Entry
from domain.attribution import Attribution
from domain.catalog import Meter
from domain.events.usage import HeaderTally, instant
from domain.tally import Tally, TallyKey

_encode = msgspec.json.Encoder().encode


class Part:
    """Records of one event that share meter, named attachment and dimension values."""

    __slots__ = ("attachment", "dimensions", "entries", "hi", "lo", "meter", "tally")

    def __init__(self, entries: list[Entry]) -> None:
        first = entries[0]
        self.meter: Meter = first.meter
        self.attachment = first.attachment
        self.dimensions = first.dimensions
        self.entries = entries
        self.lo = self.hi = first.at
        self.tally = Tally()
        aggregation = self.meter.aggregation
        for entry in entries:
            at = entry.at
            if at < self.lo:
                self.lo = at
            elif at > self.hi:
                self.hi = at
            self.tally.add(aggregation, entry.value, at)

    def header(self) -> HeaderTally:
        """Its line in the event's header."""
        tally = self.tally
        return HeaderTally(
            self.meter.id,
            self.attachment,
            dict(self.dimensions),
            tally.records,
            str(tally.quantity),
            self.lo,
            self.hi,
        )

    def attributed(self, attribution: Attribution) -> Iterator[tuple[TallyKey, Tally]]:
        """Its tallies by what rates them: one, unless a boundary lies among its records."""
        name = self.meter.id
        rated = attribution.resolve_span(name, self.attachment, self.lo, self.hi)
        if rated is not None:
            yield TallyKey(name, *rated, self.dimensions), self.tally
            return
        found: dict[TallyKey, Tally] = {}
        for entry in self.entries:
            rated = attribution.resolve(name, self.attachment, entry.at)
            tally = found.setdefault(TallyKey(name, *rated, self.dimensions), Tally())
            tally.add(self.meter.aggregation, entry.value, entry.at)
        yield from found.items()


class PackedEvent:
    """All new records of one cycle, about to become one event."""

    def __init__(self, route: Route, version: int, entries: Sequence[Entry]) -> None:
        self.route = route
        self.version = version
        self.entries = entries
        self._parts = _parts(entries)
        self.lo = min(part.lo for part in self._parts)
        self.hi = max(part.hi for part in self._parts)

    def add_tallies(self, rows: TallyRows) -> None:
        """Add what the records come to, by what rates them."""
        found: dict[TallyKey, tuple[str, Tally]] = {}
        for part in self._parts:
            aggregation = part.meter.aggregation
            for key, tally in part.attributed(self.route.attribution):
                if key in found:
                    both = Tally()
                    both.merge(aggregation, found[key][1])
                    both.merge(aggregation, tally)
                    tally = both
                found[key] = aggregation, tally
        for key, (aggregation, tally) in found.items():
            rows.add(self.route.cycle_no, key, aggregation, tally)

    def state(self) -> bytes:
        """The event's body, header first; the records are encoded already."""
        actors = {entry.request.actor for entry in self.entries}
        return b'{"occurred_at":%b,"actor":%b,"lo":%d,"hi":%d,"tallies":%b,"records":[%b]}' % (
            _encode(instant(self.lo)),
            _encode(" ".join(sorted(actors))),
            self.lo,
            self.hi,
            _encode([part.header() for part in self._parts]),
            b",".join([entry.body for entry in self.entries]),
        )


def _parts(entries: Sequence[Entry]) -> list[Part]:
    if len(entries) == 1:
        return [Part(list(entries))]
    parts: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Entry]] = {}
    for entry in entries:
        place = (entry.meter.id, entry.attachment, entry.dimensions)
        if place in parts:
            parts[place].append(entry)
        else:
            parts[place] = [entry]
    return [Part(group) for group in parts.values()]
