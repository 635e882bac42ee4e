"""An organization's books in memory while they are locked for a change."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from application.cycles import follows
from application.issuing import is_past_due
from application.ports import CycleState
from domain.billing_cycle import UNISSUED, BillingCycle, opened
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.events.cycle import CycleOpened
from domain.events.usage import UsageRecorded, instant
from domain.identity import cycle_stream, organization_stream
from domain.organization import Organization
from domain.period import Period
from projections.replay import replay_late, replay_usage
from projections.usage_tally import UsageHistory

if TYPE_CHECKING:
    from tests.memory import MemoryStore


class MemoryOpenBooks:
    """The ``OpenBooks`` port: collects what a block appends, and stores it at the end."""

    def __init__(
        self, store: "MemoryStore", organization: Organization, actor: str, asked: str | None = None
    ) -> None:
        self.organization = organization
        self.cycles: list[BillingCycle] = []
        self.issued: list[BillingCycle] = []
        self.asked: BillingCycle | None = None
        self._asked = asked
        self._store = store
        self._actor = actor
        self._added: list[tuple[UUID, object]] = []
        self._position = 0

    def lock(self, since: datetime | None) -> None:
        """Take the cycles that are not issued, those asked for, and those with open late facts."""
        owing = False
        for name in self._store.names[self.organization.id]:
            cycle = self._store.cycle(name)
            if cycle.id == self._asked:
                self.asked = cycle
            if cycle.status in UNISSUED:
                self.cycles.append(cycle)
                owing = True
                continue
            owing = owing or self._store.late_open(name)
            past_due = is_past_due(cycle, self._store.now)
            after = since is not None and cycle.period.end > since
            if owing or past_due or after or cycle is self.asked:
                self.issued.append(cycle)
        if self.asked is None and self._asked is not None:
            raise NotFound(f"there is no billing cycle {self._asked}")

    def is_first(self, cycle: BillingCycle) -> bool:
        return self._store.names[self.organization.id][0] == cycle.id

    def holder_of(self, item: str) -> BillingCycle | None:
        return next((each for each in self._every() if item in each.items), None)

    def used_credits(self) -> dict[str, int]:
        return credits_used(self._every())

    def state(self, cycle: BillingCycle) -> CycleState:
        usage = UsageHistory(self._store.read(cycle_stream(cycle.id)))
        return state_of(cycle, usage, self.version(cycle), self._store.current())

    def _every(self) -> list[BillingCycle]:
        """All cycles, those that are locked as this change has made them."""
        locked = {each.id: each for each in [*self.issued, *self.cycles]}
        names = [each for each in self._store.names.get(self.organization.id, [])]
        rest = [self._store.cycle(name) for name in names if name not in locked]
        return [*rest, *locked.values()]

    def version(self, cycle: BillingCycle) -> int:
        stream = cycle_stream(cycle.id)
        return len(self._store.read(stream)) + sum(stream == each for each, _ in self._added)

    def last_usage(self, cycle: BillingCycle) -> Sequence[datetime]:
        history = self._store.read(cycle_stream(cycle.id))
        usage = [each.event.hi for each in history if isinstance(each.event, UsageRecorded)]
        return [instant(max(usage))] if usage else []

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
        continued = carried_from.full_period == full
        cycle = self._open(
            self.organization.open(period, full, after=carried_from.id, continued=continued)
        )
        if follows(carried_from, cycle):
            self.append(cycle, cycle.carry_from(carried_from))
        return cycle

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


def state_of(
    cycle: BillingCycle, usage: UsageHistory, version: int, catalog: Catalog
) -> CycleState:
    return CycleState(
        cycle=cycle,
        tallies=replay_usage(cycle, usage, catalog),
        version=version,
        late=replay_late(cycle, usage, catalog),
    )


def credits_used(cycles: Iterable[BillingCycle]) -> dict[str, int]:
    """What settled invoices have used of each credit."""
    used: dict[str, int] = {}
    for applied in (credit for cycle in cycles for credit in cycle.credits_used):
        used[applied.credit] = used.get(applied.credit, 0) + applied.amount
    return used
