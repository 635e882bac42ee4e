"""One organization's books while its heads are locked: what a change appends, stored at its end."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg import Connection

from adapters.postgres import detached, event_log, heads, mapper, retally
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Rows
from adapters.postgres.folding import Layer
from adapters.postgres.moves import Moves
from adapters.postgres.sums import Sums
from application.ports import CycleState
from domain.billing_cycle import UNISSUED, BillingCycle, opened
from domain.events.amounts import CreditApplied
from domain.events.cycle import CycleOpened
from domain.events.organization import PolicyChanged
from domain.events.outcome import InvoiceVoided
from domain.events.usage import instant
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
CREDITS_USED = (
    "SELECT cycle, credit, amount FROM credit_use WHERE organization = %s ORDER BY cycle, credit"
)
FREE_CREDITS = "DELETE FROM credit_use WHERE organization = %s AND cycle = %s"
CREDIT_USE = "INSERT INTO credit_use (organization, cycle, credit, amount) VALUES (%s, %s, %s, %s)"


class PostgresOpenBooks:
    """The ``OpenBooks`` port, within one transaction of ``connection``."""

    def __init__(
        self,
        connection: Connection[Rows],
        sums: Sums,
        organization: Organization,
        locked: Sequence[heads.Head],
        cycles: Sequence[BillingCycle],
        actor: str,
    ) -> None:
        self.organization = organization
        by_start = sorted(cycles, key=lambda cycle: cycle.period.start)
        self.cycles = [cycle for cycle in by_start if cycle.status in UNISSUED]
        self.issued = [cycle for cycle in by_start if cycle.status not in UNISSUED]
        self.asked: BillingCycle | None = None
        self._connection = connection
        self._sums = sums
        self._catalog = sums.catalog
        self._actor = actor
        self._heads = {head.cycle: head for head in locked}
        self._versions = {head.cycle: head.version for head in locked}
        self._moves = {cycle.id: Moves.none(cycle, self._heads[cycle.id]) for cycle in cycles}
        self._added: dict[str, list[object]] = {}
        self._rescheduled = False
        self._rows: list[StoredEvent] = []
        self._position = 0

    def ask_for(self, cycle: str | None) -> None:
        """Point out one of the locked cycles, which may be an issued one."""
        locked = [*self.issued, *self.cycles]
        self.asked = next((each for each in locked if each.id == cycle), None)

    def is_first(self, cycle: BillingCycle) -> bool:
        """Whether a cycle is the first the organization ever had."""
        names = heads.names(self._connection, self.organization.id, open_only=False)
        return names[:1] == [cycle.id]

    def holder_of(self, item: str) -> BillingCycle | None:
        """The cycle whose invoice has a one-off item, be it issued or not.

        Raises:
            MonthArchived: that cycle is not in the log any more.
        """
        for cycle in self.cycles:
            if item in cycle.items:
                return cycle
        rows = self._connection.execute(ITEMS, [self.organization.id], binary=True)
        for cycle_id in dict.fromkeys(row[0] for row in rows.fetchall()):
            cycle = build_cycle(read_control(self._connection, cycle_id))
            if item in cycle.items:
                return cycle
        detached.require_no_item(self._connection, self.organization.id, item)
        return None

    def append(self, cycle: BillingCycle, events: Sequence[object]) -> None:
        """Add events to a cycle: applied at once, stored when the block ends."""
        book = self._catalog.current().book
        for event in events:
            self._moves[cycle.id].apply(cycle, event, book)
            self._versions[cycle.id] += 1
            self._add(cycle_stream(cycle.id), self._versions[cycle.id], event)
            self._added.setdefault(cycle.id, []).append(event)

    def append_organization(self, events: Sequence[object]) -> None:
        """Add events to the organization's own stream."""
        for event in events:
            self.organization.apply(event)
            self._append_to_organization(event)
            self._rescheduled |= isinstance(event, PolicyChanged)

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
        self._moves[cycle.id] = Moves()
        self._add(cycle_stream(cycle.id), 1, event)
        self._added[cycle.id] = [event]
        self.cycles.append(cycle)
        return cycle

    def open_cycle(self, period: Period, full: Period, carried_from: BillingCycle) -> BillingCycle:
        """Open the cycle that begins where the newest one ends; what runs is carried over."""
        continued = carried_from.full_period == full
        cycle = self._open(
            self.organization.open(period, full, after=carried_from.id, continued=continued)
        )
        if cycle.period.start == carried_from.period.end:
            self.append(cycle, cycle.carry_from(carried_from))
        return cycle

    def state(self, cycle: BillingCycle) -> CycleState:
        """A cycle with what its usage adds up to, under the lock, this change included."""
        late = self._moves[cycle.id].has_late
        return CycleState(
            cycle=cycle,
            tallies=self._tallies(cycle, Layer.BASE),
            version=self._versions[cycle.id],
            late=self._tallies(cycle, Layer.LATE) if late else None,
        )

    def _tallies(self, cycle: BillingCycle, layer: Layer) -> Tallies:
        head = self._heads.get(cycle.id)
        if head is None:
            return {}
        if cycle.id not in self._added:
            kept = self._sums.kept(self._connection, [head])
            return self._sums.of(self._connection, head, cycle, layer, kept)
        moved = self._moves[cycle.id].stale(layer, head)
        return self._sums.changed(self._connection, head, cycle, layer, moved=moved)

    def last_usage(self, cycle: BillingCycle) -> Sequence[datetime]:
        """The latest instant of a cycle's usage; none where it has none."""
        head = self._heads.get(cycle.id)
        return [instant(head.usage_hi)] if head and head.records else []

    def version(self, cycle: BillingCycle) -> int:
        """The version of a cycle's last event, this change's included."""
        return self._versions[cycle.id]

    def used_credits(self) -> Mapping[str, int]:
        """What settled invoices have used of each credit, this change included."""
        used: dict[str, int] = {}
        rows = self._connection.execute(CREDITS_USED, [self.organization.id]).fetchall()
        kept = [(credit, amount) for cycle, credit, amount in rows if cycle not in self._added]
        changed = [each for each in [*self.issued, *self.cycles] if each.id in self._added]
        now = [(each.credit, each.amount) for cycle in changed for each in cycle.credits_used]
        for credit, amount in [*kept, *now]:
            used[credit] = used.get(credit, 0) + amount
        return used

    def position(self) -> int:
        """Position of the last event stored by this change, or of the log if it stored none."""
        return self._position

    def store(self, log: event_log.LogWriter = event_log.LOG) -> None:
        """Write everything this change added."""
        for cycle in [*self.issued, *self.cycles]:
            if cycle.id in self._added:
                self._keep(cycle)
            elif self._rescheduled:
                heads.reschedule(self._connection, cycle, self.organization, self._heads[cycle.id])
        if self._rows:
            cursor: Any = self._connection.cursor(binary=True)
            log.insert(cursor, self._rows)
            self._position = max(row[0] for row in cursor.fetchall())
            # Meters count by the version in force when the log recorded the opening.
            opened = [cycle_stream(cycle.id) for cycle in self.cycles if self._is_new(cycle)]
            if opened:
                self._connection.execute(OPENED_AT, [opened])
        else:
            self._position = event_log.last_position(self._connection)

    def _is_new(self, cycle: BillingCycle) -> bool:
        return cycle.id in self._added and cycle.id not in self._heads

    def _keep(self, cycle: BillingCycle) -> None:
        """Write a changed cycle's head, and what hangs on it."""
        version, moves = self._versions[cycle.id], self._moves[cycle.id]
        if self._is_new(cycle):
            heads.insert(self._connection, cycle, version, self.organization)
        else:
            heads.update(
                self._connection,
                cycle,
                version,
                self.organization,
                late_open=moves.late_open,
                usage_hi=moves.usage_hi,
            )
            head, catalog = self._heads[cycle.id], self._catalog.current()
            retally.after_change(self._connection, cycle, catalog, head, moves)
        self._note_credits(cycle)

    def _note_credits(self, cycle: BillingCycle) -> None:
        """What the invoice uses of credits now; one that was taken back uses nothing."""
        kinds = {type(event) for event in self._added[cycle.id]}
        if kinds.isdisjoint({CreditApplied, InvoiceVoided}):
            return
        self._connection.execute(FREE_CREDITS, [cycle.organization, cycle.id])
        for used in cycle.credits_used:
            values = [cycle.organization, cycle.id, used.credit, used.amount]
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
