"""One organization's books while its heads are locked: what a change appends, stored at its end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg import Connection

from adapters.postgres import event_log, heads, mapper, retally, tallies
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Rows
from application.ports import CatalogReader
from domain.billing_cycle import UNISSUED, BillingCycle, opened
from domain.events.cycle import CreditApplied, CycleOpened
from domain.identity import cycle_stream, organization_stream
from domain.organization import Organization
from domain.period import Period
from domain.tally import Tallies

OPENED_AT = (
    "UPDATE cycle_head SET opened_at = (SELECT last FROM log_clock) WHERE cycle_id = ANY(%s)"
)
ITEMS = (
    "SELECT e.originator_id FROM cycle_head h JOIN cyclebook_events e"
    " ON e.originator_id = h.cycle_id AND NOT starts_with(e.topic, 'UsageRecorded@')"
    " WHERE h.organization = %s AND starts_with(e.topic, 'OneOffItemAdded@')"
)
CREDIT_USE = "INSERT INTO credit_use (organization, cycle, credit, amount) VALUES (%s, %s, %s, %s)"


class PostgresOpenBooks:
    """The ``OpenBooks`` port, within one transaction of ``connection``."""

    def __init__(
        self,
        connection: Connection[Rows],
        catalog: CatalogReader,
        organization: Organization,
        locked: Sequence[heads.Head],
        cycles: Sequence[BillingCycle],
        actor: str,
    ) -> None:
        self.organization = organization
        by_start = sorted(cycles, key=lambda cycle: cycle.period.start)
        self.cycles = [cycle for cycle in by_start if cycle.status in UNISSUED]
        self.asked: BillingCycle | None = None
        self._locked = by_start
        self._connection = connection
        self._catalog = catalog
        self._actor = actor
        self._heads = {head.cycle: head for head in locked}
        self._versions = {head.cycle: head.version for head in locked}
        self._known = {cycle.id: frozenset(cycle.attachments) for cycle in cycles}
        self._added: dict[str, list[object]] = {}
        self._rows: list[StoredEvent] = []
        self._position = 0

    def ask_for(self, cycle: str | None) -> None:
        """Point out one of the locked cycles, which may be an issued one."""
        self.asked = next((each for each in self._locked if each.id == cycle), None)

    def is_first(self, cycle: BillingCycle) -> bool:
        """Whether a cycle is the first the organization ever had."""
        names = heads.names(self._connection, self.organization.id, open_only=False)
        return names[:1] == [cycle.id]

    def holder_of(self, item: str) -> BillingCycle | None:
        """The cycle whose invoice has a one-off item, be it issued or not."""
        for cycle in self.cycles:
            if item in cycle.items:
                return cycle
        rows = self._connection.execute(ITEMS, [self.organization.id], binary=True)
        for cycle_id in dict.fromkeys(row[0] for row in rows.fetchall()):
            cycle = build_cycle(read_control(self._connection, cycle_id))
            if item in cycle.items:
                return cycle
        return None

    def append(self, cycle: BillingCycle, events: Sequence[object]) -> None:
        """Add events to a cycle: applied at once, stored when the block ends."""
        for event in events:
            cycle.apply(event)
            self._versions[cycle.id] += 1
            self._add(cycle_stream(cycle.id), self._versions[cycle.id], event)
            self._added.setdefault(cycle.id, []).append(event)

    def append_organization(self, events: Sequence[object]) -> None:
        """Add events to the organization's own stream."""
        for event in events:
            self.organization.apply(event)
            self._append_to_organization(event)

    def append_organization_first(self, events: Sequence[object]) -> None:
        """Start the organization's stream; its state is made of these events already."""
        for event in events:
            self._append_to_organization(event)

    def _append_to_organization(self, event: object) -> None:
        self.organization.version += 1
        stream = organization_stream(self.organization.id)
        self._add(stream, self.organization.version, event)

    def open_first(self, period: Period, full: Period) -> BillingCycle:
        """Open the organization's first cycle."""
        return self._open(self.organization.open(period, full))

    def _open(self, event: CycleOpened) -> BillingCycle:
        cycle = opened(event, datetime.now(UTC))
        self._versions[cycle.id] = 1
        self._known[cycle.id] = frozenset()
        self._add(cycle_stream(cycle.id), 1, event)
        self._added[cycle.id] = [event]
        self.cycles.append(cycle)
        return cycle

    def open_cycle(self, period: Period, full: Period, carried_from: BillingCycle) -> BillingCycle:
        """Open the cycle that begins where the newest one ends; what runs is carried over."""
        cycle = self._open(self.organization.open(period, full, after=carried_from.id))
        self.append(cycle, cycle.carry_from(carried_from))
        return cycle

    def version(self, cycle: BillingCycle) -> int:
        """The version of a cycle's last event, this change's included."""
        return self._versions[cycle.id]

    def tallies(self, cycle: BillingCycle) -> Tallies:
        """What a cycle's usage adds up to, under the lock."""
        head = self._heads.get(cycle.id)
        if head is None:
            return {}
        if head.tallies_stale or cycle.id in self._added:
            return retally.folded(self._connection, cycle, self._catalog.current())
        return tallies.read(self._connection, [head.cycle_no])[head.cycle_no]

    def position(self) -> int:
        """Position of the last event stored by this change, or of the log if it stored none."""
        return self._position

    def store(self) -> None:
        """Write everything this change added."""
        grace = timedelta(seconds=int(str(self.organization.policy("grace_s"))))
        issued = [self.asked] if self.asked and self.asked not in self.cycles else []
        for cycle in [*issued, *self.cycles]:
            if cycle.id not in self._added:
                continue
            version = self._versions[cycle.id]
            if not self._is_new(cycle):
                heads.update(self._connection, cycle, version, grace)
                self._keep_tallies(cycle)
            else:
                heads.insert(self._connection, cycle, version, grace)
            self._note_credits(cycle)
        if self._rows:
            cursor: Any = self._connection.cursor(binary=True)
            event_log.insert_events(cursor, self._rows)
            self._position = max(row[0] for row in cursor.fetchall())
            # Meters count by the version in force when the log recorded the opening.
            opened = [cycle_stream(cycle.id) for cycle in self.cycles if self._is_new(cycle)]
            if opened:
                self._connection.execute(OPENED_AT, [opened])
        else:
            self._position = event_log.last_position(self._connection)

    def _is_new(self, cycle: BillingCycle) -> bool:
        return cycle.id in self._added and cycle.id not in self._heads

    def _keep_tallies(self, cycle: BillingCycle) -> None:
        head = self._heads[cycle.id]
        events = self._added[cycle.id]
        catalog = self._catalog.current()
        new = frozenset(cycle.attachments) - self._known[cycle.id]
        moved = retally.moved_from(events, new, catalog)
        place = head.cycle_no, head.records, head.usage_hi
        retally.after_change(self._connection, cycle, catalog, place, moved)

    def _note_credits(self, cycle: BillingCycle) -> None:
        for event in self._added[cycle.id]:
            if isinstance(event, CreditApplied):
                values = [cycle.organization, cycle.id, event.credit, event.amount]
                self._connection.execute(CREDIT_USE, values)

    def _add(self, stream: UUID, version: int, event: object) -> None:
        now = datetime.now(UTC)
        self._rows.append(
            StoredEvent(
                originator_id=stream,
                originator_version=version,
                topic=mapper.topic(event),
                state=mapper.encode(event, self._actor, now),
            )
        )
