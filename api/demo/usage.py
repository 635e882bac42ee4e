"""The demo's usage records: some tens of thousands, the same ones for the same seed and day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from api.demo.calendar import TwoCycles
from api.demo.cast import Attached, Customer
from api.instants import format_instant

SEED = 20_260_101
RECORDS = 36_000
"""How many records are spread over all organizations and both cycles."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """What reports one meter of one attachment, and when it does."""

    organization: str
    attached: Attached
    meter: str
    weight: int
    start: datetime
    end: datetime

    @property
    def share(self) -> int:
        """How much of all records it sends, relative to the others."""
        return self.weight * int((self.end - self.start).total_seconds())


METERED: dict[str, tuple[tuple[str, int], ...]] = {
    "machine": (("cpu_seconds", 4),),
    "database": (("connections", 2),),
    "volume": (("stored_gib", 1),),
    "network": (("egress_gb", 3),),
    "team": (("active_users", 2), ("deploys", 1)),
}
"""The meters of each service, and how often each reports, relative to the others."""

ORGANIZATION_WIDE = ("egress_gb",)
"""Meters whose records name no attachment."""


def month(stories: Sequence[tuple[Customer, TwoCycles]]) -> list[Record]:
    """All records until now, by time."""
    random = Random(SEED)
    sources = [source for customer, cycles in stories for source in _sources(customer, cycles)]
    whole = sum(source.share for source in sources)
    found: list[tuple[datetime, Record]] = []
    for source in sources:
        found += _reports(source, max(1, RECORDS * source.share // whole), random)
    return [record for _, record in sorted(found, key=lambda each: each[0])]


def uuid7(at: datetime, random: Random) -> str:
    """A UUIDv7: ids that are made in order keep the index that finds duplicates small."""
    milliseconds = int(at.timestamp() * 1000)
    bits = milliseconds << 80 | 7 << 76 | random.getrandbits(12) << 64
    return str(UUID(int=bits | 2 << 62 | random.getrandbits(62)))


def _sources(customer: Customer, cycles: TwoCycles) -> Iterator[_Source]:
    for attached in customer.attached:
        start = cycles.at(attached.since)
        end = cycles.at(attached.until) if attached.until else cycles.current.end
        for meter, weight in METERED[attached.service]:
            yield _Source(customer.id, attached, meter, weight, start, end)


def _reports(source: _Source, count: int, random: Random) -> Iterator[tuple[datetime, Record]]:
    value = _VALUES[source.meter](source, count, random)
    every = (source.end - source.start) / count
    for number in range(count):
        at = source.start + every * number + every * random.random()
        yield at, _record(source, at, next(value), random)


def _record(source: _Source, at: datetime, value: str, random: Random) -> Record:
    record = {
        "source": f"{source.attached.region}-meter",
        "id": uuid7(at, random),
        "organization": source.organization,
        "meter": source.meter,
        "value": value,
        "occurred_at": format_instant(at),
        "properties": {"region": source.attached.region},
    }
    if source.meter not in ORGANIZATION_WIDE:
        record["attachment"] = source.attached.id
    return record


def _cpu(source: _Source, count: int, random: Random) -> Iterator[str]:
    """Seconds of work since the last report."""
    every = (source.end - source.start) / count
    busy = timedelta(seconds=int(every.total_seconds()) * source.attached.size)
    while True:
        yield str(int(busy.total_seconds()) * random.randint(10, 90) // 100)


def _egress(source: _Source, count: int, random: Random) -> Iterator[str]:
    while True:
        megabytes = random.randint(5, 2_000) * source.attached.size
        yield f"{megabytes // 1000}.{megabytes % 1000:03d}"


def _connections(source: _Source, count: int, random: Random) -> Iterator[str]:
    while True:
        yield str(random.randint(3, 12 * (1 + source.attached.size)))


def _stored(source: _Source, count: int, random: Random) -> Iterator[str]:
    level = 20 * source.attached.size
    while True:
        yield str(level)
        level = max(1, level + random.randint(-1, 2))


def _user(source: _Source, count: int, random: Random) -> Iterator[str]:
    while True:
        yield f"user-{random.randint(1, 4 * source.attached.size)}"


def _one(source: _Source, count: int, random: Random) -> Iterator[str]:
    while True:
        yield "1"


_VALUES: dict[str, Callable[[_Source, int, Random], Iterator[str]]] = {
    "cpu_seconds": _cpu,
    "egress_gb": _egress,
    "connections": _connections,
    "stored_gib": _stored,
    "active_users": _user,
    "deploys": _one,
}
