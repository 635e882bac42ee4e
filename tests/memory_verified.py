"""The store in memory as a verification reads it: what it keeps is folded by the everyday code."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from application.detached import NOTHING_DETACHED
from application.verified_store import Page, Remembered, StoredCycle
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.usage import UsageRecorded, micros
from domain.identity import catalog_stream, cycle_stream, organization_stream, stripe_stream
from domain.tally import Tallies
from projections.checks.broken import Broken
from projections.checks.counting import Heap, HeapKey, Heaps
from tests.memory import MemoryStore


@dataclass
class MemoryVerifiedStore:
    """The ``VerifiedStore`` port."""

    store: MemoryStore

    def organizations(self) -> Sequence[str]:
        return sorted(self.store.names)

    def size(self, organization: str | None) -> int:
        names = [organization] if organization else self.organizations()
        return len(self.store.accepted) + sum(len(self.store.names[each]) for each in names)

    @contextmanager
    def opened(self, organization: str) -> Iterator["OrganizationInMemory"]:
        if organization not in self.store.names:
            raise NotFound(f"there is no organization {organization}")
        yield OrganizationInMemory(self.store, organization)

    def whole(self, invariant: int, organization: str | None, now: datetime) -> Iterator[Broken]:
        yield from ()


class OrganizationInMemory:
    """The ``StoredOrganization`` port."""

    def __init__(self, store: MemoryStore, organization: str) -> None:
        self._store = store
        self.history: Sequence[Recorded] = store.read(organization_stream(organization))
        self.catalog: Sequence[Recorded] = store.read(catalog_stream())
        snapshot = store.snapshot(organization)
        known = {each.cycle.id: each for each in [*snapshot.owing, *snapshot.cycles]}
        names = store.names[organization]
        self._states = {
            name: known.get(name) or store.snapshot(organization, name).asked for name in names
        }
        self.detached = NOTHING_DETACHED
        self.cycles: Sequence[StoredCycle] = [
            self._cycle(name, number) for number, name in enumerate(names, start=1)
        ]

    def usage(self, cycle: StoredCycle) -> Iterator[Page]:
        for each in self._store.read(cycle_stream(cycle.cycle)):
            if isinstance(each.event, UsageRecorded):
                records = each.event.records
                marks = [(f"{r.source}/{r.id}".encode(), hash(str(r))) for r in records]
                yield Page(version=each.version, records=records, marks=marks)

    def remembered(self, keys: Sequence[bytes]) -> Mapping[bytes, Remembered]:
        return {
            key: Remembered(content=content, number=cycle.number, version=page.version)
            for cycle in self.cycles
            for page in self.usage(cycle)
            for key, content in page.marks
            if key in keys
        }

    def tallies(self, cycle: StoredCycle, *, late: bool) -> Heaps:
        state = self._states[cycle.cycle]
        assert state is not None
        return _heaps((state.late or {}) if late else state.tallies)

    def _cycle(self, name: str, number: int) -> StoredCycle:
        state = self._states[name]
        assert state is not None
        history = self._store.read(cycle_stream(name))
        usage = [each.event for each in history if isinstance(each.event, UsageRecorded)]
        return StoredCycle(
            cycle=name,
            number=number,
            starts=micros(state.cycle.period.start),
            ends=micros(state.cycle.period.end),
            records=sum(len(each.records) for each in usage),
            stale=False,
            has_late=state.late is not None,
            late_stale=False,
            pending=True,
            control=[each for each in history if not isinstance(each.event, UsageRecorded)],
            stripe=self._store.read(stripe_stream(name)),
        )


def _heaps(tallies: Tallies) -> Heaps:
    return {
        HeapKey(*key): Heap(
            records=tally.records,
            quantity=tally.quantity,
            latest_at=tally.latest_at,
            values={value: (seen.at, seen.removed) for value, seen in tally.values.items()},
            points=tally.points or {},
        )
        for key, tally in tallies.items()
    }
