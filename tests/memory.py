"""The ports in memory, held to the same rules as PostgreSQL: for fast tests and state machines."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from application.live import meters_in_force
from application.ports import Appended, CycleState, OpenBooks, Profile, Snapshot
from application.replays import CycleRecord
from domain.billing_cycle import UNISSUED, BillingCycle, Status, opened
from domain.catalog import Catalog
from domain.errors import ConcurrentChange, NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from domain.identity import (
    catalog_stream,
    cycle_stream,
    organization_stream,
)
from domain.organization import Organization, registered
from domain.period import Period
from domain.tally import Tallies, Tally, dimension_values
from domain.usage import CONFLICT, DUPLICATE, Outcome, Refusal, UsageRecord
from projections.replay import replay, replay_control
from projections.usage_tally import UsageEvents

TICK = timedelta(microseconds=1)


class MemoryStore:
    """Every port over one list of events. ``now`` is the clock; set it to travel in time."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.events: list[Recorded] = []
        self.names: dict[str, list[str]] = {}
        self.profiles: dict[str, Profile] = {}
        self.accepted: dict[tuple[str, str], UsageRecord] = {}
        self.quarantined: list[UsageRecord] = []
        self._catalog = Catalog()

    # EventLog

    def read(self, stream: UUID, after: int = 0) -> list[Recorded]:
        return [each for each in self.events if each.stream == stream and each.version > after]

    def append(
        self,
        stream: UUID,
        expected_version: int,
        events: Sequence[object],
        *,
        actor: str,
        at: datetime,
    ) -> int:
        if len(self.read(stream)) != expected_version:
            raise ConcurrentChange("it was changed by somebody else; read it again")
        for version, event in enumerate(events, start=expected_version + 1):
            last = self.events[-1].recorded_at if self.events else self.now - TICK
            self.events.append(
                Recorded(
                    stream=stream,
                    version=version,
                    position=len(self.events) + 1,
                    recorded_at=max(self.now, last + TICK),
                    occurred_at=getattr(event, "at", at),
                    actor=actor,
                    event=event,
                )
            )
        return len(self.events)

    # CatalogReader

    def current(self) -> Catalog:
        for recorded in self.read(catalog_stream(), after=self._catalog.version):
            self._catalog.apply(recorded)
        return self._catalog

    # Directory

    def get(self, organization: str) -> Profile:
        return self.profiles.get(organization, Profile(name="", emails={}))

    def put(self, organization: str, profile: Profile) -> None:
        self.profiles[organization] = profile

    def search(self, text: str, after: str, limit: int) -> list[tuple[str, str]]:
        found = ((id_, each.name) for id_, each in sorted(self.profiles.items()))
        wanted = [(i, n) for i, n in found if i > after and text.lower() in f"{i}\n{n}".lower()]
        return wanted[:limit]

    # Books

    def register(
        self, events: Sequence[object], period: Period, full: Period, *, actor: str
    ) -> int:
        books = MemoryOpenBooks(self, _organization(events), [], None, actor)
        organization = books.organization.id
        if organization in self.names:
            raise ConcurrentChange(f"organization {organization} exists already")
        stream = organization_stream(organization)
        self.append(stream, 0, events, actor=actor, at=self.now)
        books.open_first(period, full)
        return books.store()

    @contextmanager
    def change(
        self, organization: str, *, actor: str, cycle: str | None = None
    ) -> Iterator[OpenBooks]:
        state = self.organization(organization)
        cycles = [self._cycle(name) for name in self.names[organization]]
        asked = next((each for each in cycles if each.id == cycle), None)
        if cycle is not None and asked is None:
            raise NotFound(f"there is no billing cycle {cycle}")
        unissued = [each for each in cycles if each.status in UNISSUED]
        books = MemoryOpenBooks(self, copy.deepcopy(state), unissued, asked, actor)
        yield books
        books.store()

    def organization(self, organization: str) -> Organization:
        history = [each.event for each in self.read(organization_stream(organization))]
        if not history:
            raise NotFound(f"there is no organization {organization}")
        state = _organization(history)
        state.version = len(history)
        return state

    def snapshot(self, organization: str, cycle: str | None = None) -> Snapshot:
        who = self.organization(organization)
        states = [self._state(name) for name in self.names[organization]]
        asked = next((each for each in states if each.cycle.id == cycle), None)
        if cycle is not None and asked is None:
            raise NotFound(f"there is no billing cycle {cycle}")
        applied: dict[str, int] = {}
        for used in (credit for each in states for credit in each.cycle.credits.values()):
            applied[used.credit] = applied.get(used.credit, 0) + used.amount
        return Snapshot(
            organization=who,
            cycles=[each for each in states if each.cycle.status in UNISSUED],
            asked=asked,
            applied=applied,
            position=len(self.events),
            now=self.now,
        )

    def history(self, cycle: str, known_at: datetime | None = None) -> list[Recorded]:
        found = self.read(cycle_stream(cycle)) if _is_cycle(self, cycle) else []
        known = [each for each in found if known_at is None or each.recorded_at <= known_at]
        if not known:
            raise NotFound(f"there is no billing cycle {cycle}")
        return known

    def cycle_names(self, organization: str, *, unissued: bool = False) -> list[str]:
        names = self.names.get(organization, [])
        return [n for n in names if not unissued or self._cycle(n).status in UNISSUED]

    def due(self, now: datetime, limit: int) -> list[str]:
        return [each for each in sorted(self.names) if self._has_duty(each, now)][:limit]

    def wait_for(self, position: int, timeout_s: int) -> bool:
        return len(self.events) >= position

    # CycleRecords

    @contextmanager
    def opened(self, cycle: str, known_at: datetime | None = None) -> Iterator[CycleRecord]:
        history = self.history(cycle, known_at)
        yield CycleRecord(
            control=[each for each in history if not isinstance(each.event, UsageRecorded)],
            usage=UsageEvents(
                [each.event for each in history if isinstance(each.event, UsageRecorded)]
            ),
            version=history[-1].version,
            position=history[-1].position,
        )

    # What only tests need

    def _cycle(self, name: str) -> BillingCycle:
        control = (e for e in self.history(name) if not isinstance(e.event, UsageRecorded))
        return replay_control(control)

    def _state(self, name: str) -> CycleState:
        cycle, tallies, version = replay(self.history(name), self.current())
        return CycleState(cycle=cycle, tallies=tallies, version=version)

    def _has_duty(self, organization: str, now: datetime) -> bool:
        grace = timedelta(seconds=int(str(self.organization(organization).policy("grace_s"))))
        for cycle in map(self._cycle, self.cycle_names(organization, unissued=True)):
            waits = timedelta(0) if cycle.status is Status.ACCRUING else grace
            if cycle.held is None and now >= cycle.period.end + waits:
                return True
        return False


class MemoryOpenBooks:
    """The ``OpenBooks`` port: collects what a block appends, and stores it at the end."""

    def __init__(
        self,
        store: MemoryStore,
        organization: Organization,
        cycles: list[BillingCycle],
        asked: BillingCycle | None,
        actor: str,
    ) -> None:
        self.organization = organization
        self.cycles = cycles
        self.asked = asked
        self._store = store
        self._actor = actor
        self._added: list[tuple[UUID, object]] = []
        self._position = 0

    def is_first(self, cycle: BillingCycle) -> bool:
        return self._store.names[self.organization.id][0] == cycle.id

    def holder_of(self, item: str) -> BillingCycle | None:
        names = self._store.names[self.organization.id]
        issued = [self._store._state(name).cycle for name in names]
        return next((each for each in [*self.cycles, *issued] if item in each.items), None)

    def append(self, cycle: BillingCycle, events: Sequence[object]) -> None:
        for event in events:
            cycle.apply(event)
            self._added.append((cycle_stream(cycle.id), event))

    def append_organization(self, events: Sequence[object]) -> None:
        for event in events:
            self.organization.apply(event)
            self._added.append((organization_stream(self.organization.id), event))

    def open_first(self, period: Period, full: Period) -> BillingCycle:
        return self._open(self.organization.open(period, full))

    def _open(self, event: CycleOpened) -> BillingCycle:
        cycle = opened(event, self._store.now)
        self._added.append((cycle_stream(cycle.id), event))
        self.cycles.append(cycle)
        return cycle

    def open_cycle(self, period: Period, full: Period, carried_from: BillingCycle) -> BillingCycle:
        cycle = self._open(self.organization.open(period, full, after=carried_from.id))
        self.append(cycle, cycle.carry_from(carried_from))
        return cycle

    def version(self, cycle: BillingCycle) -> int:
        stream = cycle_stream(cycle.id)
        return len(self._store.read(stream)) + sum(stream == each for each, _ in self._added)

    def tallies(self, cycle: BillingCycle) -> Tallies:
        return self._store._state(cycle.id).tallies

    def position(self) -> int:
        return self._position or len(self._store.events)

    def store(self) -> int:
        for stream, event in self._added:
            if isinstance(event, CycleOpened):
                self._store.names.setdefault(event.organization, []).append(event.cycle)
            version = len(self._store.read(stream))
            self._position = self._store.append(
                stream, version, [event], actor=self._actor, at=self._store.now
            )
        return self._position


class MemoryUsageLog:
    """The ``UsageLog`` port: each record once, by (source, id) alone."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        refusals: dict[int, Refusal] = {}
        placed: dict[str, list[UsageRecord]] = {}
        for index, record in enumerate(records):
            known = self._store.accepted.get((record.source, record.id))
            cycle = self._accepting(record)
            if known is not None:
                refusals[index] = DUPLICATE if known == record else CONFLICT
            elif cycle is None:
                refusals[index] = Refusal(Outcome.QUARANTINED, "no_cycle", "it has no place")
                self._store.quarantined.append(record)
            else:
                self._store.accepted[record.source, record.id] = record
                placed.setdefault(cycle, []).append(record)
        position = len(self._store.events)
        for cycle, each in placed.items():
            stream = cycle_stream(cycle)
            event = self._pack(each, self._store._cycle(cycle))
            version = len(self._store.read(stream))
            position = self._store.append(stream, version, [event], actor=actor, at=now)
        return Appended(refusals=refusals, position=position)

    def _accepting(self, record: UsageRecord) -> str | None:
        for name in self._store.names.get(record.organization, []):
            cycle = self._store._cycle(name)
            takes = cycle.status in (Status.ACCRUING, Status.CLOSING)
            if takes and record.occurred_at in cycle.period:
                return name
        return None

    def _pack(self, records: Iterable[UsageRecord], cycle: BillingCycle) -> UsageRecorded:
        packed = [
            PackedRecord(
                source=each.source,
                id=each.id,
                meter=each.meter,
                attachment=each.attachment,
                value=each.value,
                at=micros(each.occurred_at),
                properties=dict(each.properties),
            )
            for each in records
        ]
        instants = [each.at for each in packed]
        return UsageRecorded(
            lo=min(instants),
            hi=max(instants),
            tallies=tuple(self._tallies(packed, cycle)),
            records=tuple(packed),
        )

    def _tallies(
        self, records: Iterable[PackedRecord], cycle: BillingCycle
    ) -> Iterator[HeaderTally]:
        """One for each meter, named attachment and dimension values, as first met."""
        meters = meters_in_force(self._store.current(), cycle)
        groups: dict[tuple[object, ...], list[PackedRecord]] = {}
        for each in records:
            dimensions = dimension_values(each.properties, meters[each.meter].dimensions)
            groups.setdefault((each.meter, each.attachment, dimensions), []).append(each)
        for (_, _, found), group in groups.items():
            tally, first = Tally(), group[0]
            for each in group:
                tally.add(meters[each.meter].aggregation, each.value, each.at)
            yield HeaderTally(
                meter=first.meter,
                attachment=first.attachment,
                dimensions=dict(found),  # type: ignore[call-overload]
                records=len(group),
                quantity=str(tally.quantity),
                lo=min(each.at for each in group),
                hi=max(each.at for each in group),
            )


def _organization(events: Sequence[object]) -> Organization:
    first, *rest = events
    state = registered(first)  # type: ignore[arg-type]
    for event in rest:
        state.apply(event)
    return state


def _is_cycle(store: MemoryStore, name: str) -> bool:
    return any(name in names for names in store.names.values())
