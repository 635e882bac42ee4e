"""One usage event in the making: the new records of a cycle, packed under a header."""

from collections.abc import Container, Iterable, Sequence

import msgspec

from adapters.postgres.folding import Layer
from adapters.postgres.routing import Route
from adapters.postgres.tallies import TallyRows, encode_key
from adapters.postgres.usage_plan import Entry
from domain.attribution import Attribution
from domain.catalog import Meter
from domain.events.usage import HeaderTally, instant
from domain.tally import Tally, TallyKey, removes

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
        for entry in entries:
            at = entry.at
            if at < self.lo:
                self.lo = at
            elif at > self.hi:
                self.hi = at
        _add(self.tally, self.meter.aggregation, entries)

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

    def attributed(self, attribution: Attribution) -> Iterable[tuple[TallyKey, Tally]]:
        """Its tallies by what rates them: one, unless a boundary lies among its records."""
        name = self.meter.id
        rated = attribution.resolve_span(name, self.attachment, self.lo, self.hi)
        if rated is not None:
            return [(TallyKey(name, rated[0], rated[1], self.dimensions), self.tally)]
        found: dict[TallyKey, Tally] = {}
        for entry in self.entries:
            rated = attribution.resolve(name, self.attachment, entry.at)
            tally = found.setdefault(TallyKey(name, *rated, self.dimensions), Tally())
            _add(tally, self.meter.aggregation, [entry])
        return found.items()


class PackedEvent:
    """All new records of one cycle, about to become one event.

    It is made before the cycle's head is locked, while nobody waits for it. version, and
    whether it is late: known under the lock. state: its body, header first; the records are
    encoded already.
    """

    __slots__ = ("entries", "hi", "late", "lo", "route", "state", "tallies", "version")

    def __init__(self, route: Route, entries: Sequence[Entry]) -> None:
        parts = _parts(entries)
        self.route = route
        self.version = 0
        self.late = False
        self.entries = entries
        self.lo = min([part.lo for part in parts]) if len(parts) > 1 else parts[0].lo
        self.hi = max([part.hi for part in parts]) if len(parts) > 1 else parts[0].hi
        self.state = self._state(parts)
        self.tallies = self._tallies(parts)

    def add_tallies(self, rows: TallyRows) -> None:
        """Add what the records come to, by what rates them."""
        layer = Layer.LATE if self.late else Layer.BASE
        cycle_no = layer.number(self.route.cycle_no)
        for name, aggregation, tally in self.tallies:
            rows.add(cycle_no, name, aggregation, tally)

    def without(self, refused: Container[int]) -> "PackedEvent | None":
        """The event without the refused entries, by their ``id()``; ``None`` if none remain."""
        kept = [entry for entry in self.entries if id(entry) not in refused]
        if len(kept) == len(self.entries):
            return self
        if not kept:
            return None
        smaller = PackedEvent(self.route, kept)
        smaller.version, smaller.late = self.version, self.late
        return smaller

    def _state(self, parts: Iterable[Part]) -> bytes:
        header = {
            "occurred_at": instant(self.lo),
            "actor": _actor(self.entries),
            "lo": self.lo,
            "hi": self.hi,
            "tallies": [part.header() for part in parts],
        }
        # In the order of the header's lines: among records of one instant the later one counts,
        # and whoever adds up lines must find the same as who adds up records.
        records = b",".join([entry.body for part in parts for entry in part.entries])
        return b'%b,"records":[%b]}' % (_encode(header)[:-1], records)

    def _tallies(self, parts: Sequence[Part]) -> list[tuple[bytes, str, Tally]]:
        """Name, aggregation and sum of each tally that the records add to."""
        if len(parts) == 1:  # nothing to merge
            aggregation = parts[0].meter.aggregation
            found_once = parts[0].attributed(self.route.attribution)
            return [(encode_key(key), aggregation, tally) for key, tally in found_once]
        found: dict[TallyKey, tuple[str, Tally]] = {}
        for part in parts:
            aggregation = part.meter.aggregation
            for key, tally in part.attributed(self.route.attribution):
                if key in found:
                    both = Tally()
                    both.merge(aggregation, found[key][1])
                    both.merge(aggregation, tally)
                    tally = both
                found[key] = aggregation, tally
        return [(encode_key(key), *each) for key, each in found.items()]


def _add(tally: Tally, aggregation: str, entries: Iterable[Entry]) -> None:
    if aggregation != "unique":  # by far the most
        for entry in entries:
            tally.add(aggregation, entry.value, entry.at)
        return
    for entry in entries:
        removed = removes(entry.request.records[entry.index].properties)
        tally.add(aggregation, entry.value, entry.at, removed=removed)


def _actor(entries: Sequence[Entry]) -> str:
    if len(entries) == 1:
        return entries[0].request.actor
    return " ".join(sorted({entry.request.actor for entry in entries}))


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
