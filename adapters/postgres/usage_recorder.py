"""The usage path: many records over many cycles, stored exactly once, in one transaction.

One order of locks everywhere: heads of cycles (sorted), deduplication keys (sorted), the log.
Whether a cycle takes usage, and what attributes it, is decided under its head's lock.
"""

import logging
from collections.abc import Sequence

from psycopg import Connection, Cursor

from adapters.postgres import arrays
from adapters.postgres.database import Database, Rows
from adapters.postgres.event_log import LOG, LogWriter, last_position
from adapters.postgres.late_usage import LateUsage
from adapters.postgres.mapper import USAGE
from adapters.postgres.routing import Route, Routes
from adapters.postgres.tallies import TallyRows
from adapters.postgres.usage_aside import keep_conflicts, keep_quarantined, known, without_known
from adapters.postgres.usage_at_once import MOVED, UNUSUAL, append_at_once
from adapters.postgres.usage_event import PackedEvent
from adapters.postgres.usage_plan import IN_ARCHIVE, Entry, Plan, Planner, Quarantined, Request
from domain.errors import Busy, StoreUnavailable
from domain.usage import CONFLICT, DUPLICATE, Refusal

ATTEMPTS_MAX = 5
ANY_VERSION = -1

# Planning anew for each batch costs as much as storing a small one; all of these go by key.
PLAN_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
HEADS = (
    "SELECT cycle_id, version, control_version, accepts_usage, detached FROM cycle_head"
    " WHERE cycle_id = ANY(%b) ORDER BY cycle_id FOR UPDATE"
)
# Null where every key was new, which is the usual case: no traffic for each row. An aggregate
# over no rows is null too, hence the coalesce: without it a batch of duplicates looks all new.
DEDUP = (
    "WITH fresh AS (INSERT INTO usage_dedup (key, content, cycle_no, version)"
    " SELECT * FROM unnest(%b, %b, %b, %b) ON CONFLICT DO NOTHING RETURNING key)"
    " SELECT CASE WHEN count(*) = %s THEN NULL ELSE coalesce(array_agg(key), '{}') END FROM fresh"
)
ADVANCE = (
    "UPDATE cycle_head h SET version = x.version, records = h.records + x.records,"
    " usage_hi = greatest(h.usage_hi, x.hi) FROM unnest(%b, %b, %b, %b)"
    " AS x(id, version, records, hi) WHERE h.cycle_id = x.id"
)
log = logging.getLogger(__name__)


class _Moved(Exception):
    """A cycle is no longer where the plan believed it to be: plan again."""


class UsageRecorder:
    """Stores requests for one group commit at a time.

    log: how events get there, where that is not the usual way; then none is stored at once.
    """

    def __init__(
        self, database: Database, routes: Routes, planner: Planner, log: LogWriter = LOG
    ) -> None:
        self._database = database
        self._log = log
        self._routes = routes
        self._planner = planner

    def append(self, requests: Sequence[Request]) -> None:
        """Store some requests in one transaction; each then knows its refusals and position.

        Raises:
            StoreUnavailable: nothing is known to be stored; sending it again is safe.
        """
        attempted: dict[int, int] = {}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            plan = self._planner.plan(requests)
            try:
                self._store(plan, attempted, hurry=attempt < ATTEMPTS_MAX and self._log is LOG)
                self._place_quiet(requests)
                return
            except (_Moved, Busy) as again:
                if attempt == ATTEMPTS_MAX:
                    raise StoreUnavailable("many changes at once; try again") from again
            except StoreUnavailable:
                if attempt > 1:
                    raise
                # The commit may have happened: the same batch again finds its own keys.
                log.warning("the database went away during an append; trying once more")

    def _store(self, plan: Plan, attempted: dict[int, int], *, hurry: bool) -> None:
        """hurry: try by one statement first, and look again without a lock if a cycle moved."""
        groups = sorted(plan.groups.values(), key=lambda group: group[0].cycle_id)
        events = [PackedEvent(route, entries) for route, entries in groups]
        with self._database.connection() as connection:
            if hurry and plan.usual and self._store_at_once(connection, events, attempted):
                return
            append = _Append(connection, self._routes, plan, events, attempted, self._log)
            # All in one pipeline: a round trip only where an answer is needed to go on.
            with connection.pipeline(), connection.transaction():
                append.run()
            append.report()

    def _place_quiet(self, requests: Sequence[Request]) -> None:
        """Tell requests that stored nothing where the log stands: what they sent is before it."""
        if quiet := [request for request in requests if not request.position]:
            with self._database.connection() as connection:
                position = last_position(connection)
            for request in quiet:
                request.position = position

    def _store_at_once(
        self, connection: Connection[Rows], events: Sequence[PackedEvent], attempted: dict[int, int]
    ) -> bool:
        """Store by one statement; whether that was possible."""
        # Should its answer be lost, whatever is found there may be ours.
        attempted |= {event.route.cycle_no: ANY_VERSION for event in events}
        position = append_at_once(connection, events)
        for event in events:
            del attempted[event.route.cycle_no]
        if position == MOVED:
            self._routes.reload_moved(connection, [event.route for event in events])
            raise _Moved
        if position == UNUSUAL:
            return False
        for event in events:
            for entry in event.entries:
                entry.request.position = position
        return True


class _Append:
    """One transaction, step by step: some records are known, late, or have no place yet."""

    def __init__(
        self,
        connection: Connection[Rows],
        routes: Routes,
        plan: Plan,
        events: Sequence[PackedEvent],
        attempted: dict[int, int],
        log: LogWriter,
    ) -> None:
        self._connection = connection
        self._log = log
        self._cursor: Cursor[Rows] = connection.cursor(binary=True)
        self._last: Cursor[Rows] = connection.cursor(binary=True)
        self._routes = routes
        self._plan = plan
        self._planned = {event.route.cycle_id: event for event in events}
        self._attempted = attempted
        self._late = LateUsage(connection, routes)
        self._events: list[PackedEvent] = []
        self._refused: list[tuple[Entry, Refusal]] = []
        self._conflicts: list[tuple[Entry, int, int]] = []

    def run(self) -> None:
        self._cursor.execute(PLAN_ONCE, prepare=True)
        if self._planned:
            self._lock_heads()
            self._deduplicate()
        keep_conflicts(self._cursor, self._conflicts)
        keep_quarantined(self._cursor, without_known(self._cursor, self._plan.quarantined))
        if self._events:
            self._add_tallies()
            self._append_events()

    def report(self) -> None:
        """Tell each request where the log stood after it."""
        row = self._last.fetchone() if self._events else None
        for event in self._events:
            for entry in event.entries:
                entry.request.position = row[0] if row else 0
                entry.request.late += event.late

    def _lock_heads(self) -> None:
        """Take the heads; tell what comes late, and what of that is not taken."""
        wanted = arrays.uuids(sorted(self._planned))
        heads = self._cursor.execute(HEADS, [wanted], prepare=True).fetchall()
        if len(heads) < len(self._planned):
            self._forget_cycles()
        for cycle_id, version, control_version, accepts, detached in heads:
            event = self._planned[cycle_id]
            route = event.route
            if detached:
                self._refuse(event, IN_ARCHIVE)
                continue
            if control_version != route.control_version or not route.loaded:
                event = PackedEvent(self._reload(route), event.entries)
            event.version, event.late = version + 1, not accepts
            refusal = self._too_late(event) if event.late else None
            if refusal is None:
                self._events.append(event)
            else:
                self._refuse(event, refusal)

    def _refuse(self, event: PackedEvent, refusal: Refusal) -> None:
        self._refused += [(entry, refusal) for entry in event.entries]

    def _too_late(self, event: PackedEvent) -> Refusal | None:
        return self._late.refusal(event.route, max(e.request.now for e in event.entries))

    def _forget_cycles(self) -> None:
        """The cache knows cycles that this database does not: it is another, or was restored."""
        for event in self._planned.values():
            self._routes.forget(event.route.organization)
        raise _Moved

    def _reload(self, route: Route) -> Route:
        fresh = self._routes.reload(self._connection, route)
        if (fresh.starts, fresh.ends) != (route.starts, route.ends):
            self._routes.forget(route.organization)
            raise _Moved
        return fresh

    def _deduplicate(self) -> None:
        """Claim the keys; what was there already is a duplicate or a conflict."""
        rows = [
            (entry.key, entry.content, event.route.cycle_no, event.version, entry)
            for event in self._events
            for entry in event.entries
        ]
        fresh = self._claim(sorted(rows)) if rows else None
        too_late = {entry.key: refusal for entry, refusal in self._refused}
        doubtful = [*(entry for entry, _ in self._refused), *self._plan.twins]
        if fresh is not None:
            doubtful += [row[4] for row in rows if row[0] not in fresh]
        if not doubtful:
            return
        taken = known(self._cursor, doubtful)
        refused = {id(entry) for entry in doubtful if self._judge(entry, taken)}
        # Twins of what comes too late come too late as well: their key is nowhere.
        late = [entry for entry in doubtful if id(entry) not in refused]
        if fresh is not None:
            kept = [event.without(refused) for event in self._events]
            self._events = [event for event in kept if event is not None]
        self._plan.quarantined += [
            Quarantined(entry.request, entry.index, entry.key, entry.content, too_late[entry.key])
            for entry in late
        ]

    def _claim(self, rows: list[tuple[bytes, int, int, int, Entry]]) -> set[bytes] | None:
        """The keys that are new, or ``None`` if all are."""
        keys, contents, cycles, versions, _ = zip(*rows, strict=True)
        answer = self._cursor.execute(
            DEDUP,
            [arrays.uuids(keys), *map(arrays.bigints, (contents, cycles, versions)), len(rows)],
            prepare=True,
        ).fetchone()
        return None if answer is None or answer[0] is None else set(answer[0])

    def _judge(self, entry: Entry, taken: dict[bytes, tuple[int, int, int]]) -> bool:
        """Whether an entry is refused for what the log holds already."""
        row = taken.get(entry.key)
        if row is None:
            return False
        content, cycle_no, version = row
        if content == entry.content:
            ours = self._attempted.get(cycle_no) in (version, ANY_VERSION)
            if not ours or entry in self._plan.twins:
                entry.request.refusals[entry.index] = DUPLICATE
        else:
            entry.request.refusals[entry.index] = CONFLICT
            self._conflicts.append((entry, cycle_no, version))
        return True

    def _add_tallies(self) -> None:
        rows = TallyRows()
        for event in self._events:
            if event.late:
                self._late.begin(event.route)
            event.add_tallies(rows)
        rows.count_values(self._cursor)
        rows.write(self._cursor)

    def _append_events(self) -> None:
        cursor, packed = self._cursor, self._events
        cursor.execute(
            ADVANCE,
            [
                arrays.uuids([event.route.cycle_id for event in packed]),
                arrays.bigints([event.version for event in packed]),
                arrays.bigints([len(event.entries) for event in packed]),
                arrays.bigints([event.hi for event in packed]),
            ],
            prepare=True,
        )
        for event in packed:
            self._attempted[event.route.cycle_no] = event.version
        columns = [
            arrays.bigints([event.version for event in packed]),
            arrays.texts([USAGE.encode()] * len(packed)),
            arrays.byteas([event.state for event in packed]),
        ]
        streams = [event.route.cycle_id for event in packed]
        self._log.insert_many(cursor, self._last, streams, columns)
