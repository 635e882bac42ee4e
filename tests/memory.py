"""The ports in memory, held to the same rules as PostgreSQL: for fast tests and state machines."""

import copy
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import dropwhile
from uuid import UUID

from application.detached import NOTHING_DETACHED, Detached
from application.ports import CycleState, OpenBooks, Profile, Snapshot
from application.replays import CycleRecord
from domain.billing_cycle import OUTSTANDING, UNISSUED, BillingCycle, Status, opened
from domain.catalog import Catalog
from domain.errors import ConcurrentChange, NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.late import LateFactsBilled, LateFactsReopened
from domain.events.outcome import InvoiceVoided
from domain.events.usage import PackedRecord, UsageRecorded
from domain.identity import (
    catalog_stream,
    cycle_stream,
    organization_stream,
)
from domain.organization import Organization, registered
from domain.period import Period
from domain.usage import UsageRecord
from projections.replay import replay_control
from projections.usage_tally import UsageHistory
from tests.memory_books import MemoryOpenBooks, credits_used, state_of

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

    def read_together(self, streams: Collection[UUID]) -> list[Recorded]:
        return [each for each in self.events if each.stream in streams]

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
        books = MemoryOpenBooks(self, _organization(events), actor)
        organization = books.organization.id
        if organization in self.names:
            raise ConcurrentChange(f"organization {organization} exists already")
        stream = organization_stream(organization)
        self.append(stream, 0, events, actor=actor, at=self.now)
        books.open_first(period, full)
        return books.store()

    @contextmanager
    def change(
        self,
        organization: str,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[OpenBooks]:
        state = copy.deepcopy(self.organization(organization))
        books = MemoryOpenBooks(self, state, actor, cycle)
        books.lock(since)
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
        in_play = dropwhile(lambda each: not self._is_in_play(each.cycle), states)
        return Snapshot(
            organization=who,
            cycles=[each for each in states if each.cycle.status in UNISSUED],
            owing=[each for each in in_play if each.cycle.status not in UNISSUED],
            asked=asked,
            applied=credits_used(each.cycle for each in states),
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
        return [n for n in names if not unissued or self.cycle(n).status in UNISSUED]

    def detached(self, organization: str) -> Detached:
        return NOTHING_DETACHED

    def _is_in_play(self, cycle: BillingCycle) -> bool:
        return cycle.status in UNISSUED or self.late_open(cycle.id)

    def outstanding(self, organization: str) -> list[BillingCycle]:
        cycles = [self.cycle(name) for name in self.names.get(organization, [])]
        return [each for each in cycles if each.status in OUTSTANDING]

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
            usage=UsageHistory(history),
            version=history[-1].version,
            position=history[-1].position,
        )

    # What only tests need

    def cycle(self, name: str) -> BillingCycle:
        control = (e for e in self.history(name) if not isinstance(e.event, UsageRecorded))
        return replay_control(control)

    def _state(self, name: str) -> CycleState:
        history = self.history(name)
        usage = UsageHistory(history)
        return state_of(self.cycle(name), usage, history[-1].version, self.current())

    def late_open(self, name: str) -> bool:
        """Whether a cycle has late facts that nobody has billed."""
        first, *rest = self.history(name)
        assert isinstance(first.event, CycleOpened)
        cycle, open_ = opened(first.event, first.recorded_at), False
        for recorded in rest:
            match recorded.event:
                case UsageRecorded():
                    open_ = open_ or cycle.cutoff is not None
                    continue
                case LateFactsBilled() as event:
                    open_ = event.open
                case LateFactsReopened():
                    open_ = True
                case InvoiceVoided(mode="reissue" | "forgive"):
                    open_ = False
            before = len(cycle.late)
            cycle.apply(recorded.event)
            open_ = open_ or len(cycle.late) > before
        return open_

    def _has_duty(self, organization: str, now: datetime) -> bool:
        policy = self.organization(organization).policy
        grace = timedelta(seconds=int(str(policy("grace_s"))))
        return any(
            due is not None and due <= now
            for due in (
                self._duty(self.cycle(name), grace, str(policy("late_facts")))
                for name in self.names[organization]
            )
        )

    def _duty(self, cycle: BillingCycle, grace: timedelta, late_facts: str) -> datetime | None:
        match cycle.status:
            case Status.ACCRUING | Status.FINALIZING:
                return cycle.period.end
            case Status.CLOSING:
                return cycle.period.end + grace
            case Status.CLOSED:
                asked, given = cycle.approval, cycle.approved
                waits = asked and not (given and given.digest == asked.digest)
                return None if cycle.held or waits else cycle.period.end
        if late_facts == "credit_note_or_charge" and self.late_open(cycle.id):
            return cycle.period.end
        return cycle.issued.due_at if cycle.issued and cycle.status is Status.ISSUED else None

    # UsageFinder

    def find(self, source: str, id: str) -> tuple[str, PackedRecord] | None:
        known = self.accepted.get((source, id))
        names = self.names[known.organization] if known else []
        return next(
            (
                (name, record)
                for name in names
                for recorded in self.history(name)
                if isinstance(recorded.event, UsageRecorded)
                for record in recorded.event.records
                if (record.source, record.id) == (source, id)
            ),
            None,
        )


def _organization(events: Sequence[object]) -> Organization:
    first, *rest = events
    state = registered(first)  # type: ignore[arg-type]
    for event in rest:
        state.apply(event)
    return state


def _is_cycle(store: MemoryStore, name: str) -> bool:
    return any(name in names for names in store.names.values())
