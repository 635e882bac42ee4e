"""Cycles with very much usage, made quickly: many events of a chosen size in one transaction."""

from collections.abc import Sequence

from psycopg import Cursor

from adapters.postgres import arrays
from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.database import Rows
from adapters.postgres.event_log import INSERT_MANY, LOCK
from adapters.postgres.mapper import USAGE
from adapters.postgres.routing import Route
from adapters.postgres.tallies import TallyRows
from adapters.postgres.usage_event import PackedEvent
from adapters.postgres.usage_plan import Entry, Request
from adapters.postgres.usage_recorder import ADVANCE, DEDUP, HEADS
from benchmarks.books import ACTOR, NOW, Bench
from benchmarks.usage import only, records

AT_ONCE = 20_000


def fill(made: Bench, organization: str, count: int, each: int) -> None:
    """Give an organization's cycle usage records, some in each event.

    They are planned, packed, deduplicated and added up by the same code as any other; only the
    transactions are larger than requests would make them.
    """
    for first in range(0, count, AT_ONCE):
        last = min(count, first + AT_ONCE)
        share = first / count, last / count
        found = records(last - first, only(organization), seed=first + each, share=share)
        plan = made.planner.plan([Request(records=found, actor=ACTOR, now=NOW)])
        for route, entries in plan.groups.values():
            _append(made, route, entries, each)
    while Checkpoints(made.database, made.catalog).make():
        pass


def _append(made: Bench, route: Route, entries: Sequence[Entry], each: int) -> None:
    with made.database.connection() as connection, connection.transaction():
        cursor = connection.cursor(binary=True)
        heads = cursor.execute(HEADS, [arrays.uuids([route.cycle_id])]).fetchall()
        version: int = heads[0][1]
        parts = [entries[first : first + each] for first in range(0, len(entries), each)]
        events = [PackedEvent(route, part) for part in parts]
        for number, event in enumerate(events, start=version + 1):
            event.version = number
        _deduplicate(cursor, events)
        whole = PackedEvent(route, entries)
        whole.version = events[-1].version
        rows = TallyRows()
        whole.add_tallies(rows)
        rows.write(cursor)
        _advance(cursor, whole)
        _store(cursor, events)


def _deduplicate(cursor: Cursor[Rows], events: Sequence[PackedEvent]) -> None:
    rows = sorted(
        (entry.key, entry.content, event.route.cycle_no, event.version)
        for event in events
        for entry in event.entries
    )
    keys, contents, cycles, versions = zip(*rows, strict=True)
    columns = [arrays.uuids(keys), *map(arrays.bigints, (contents, cycles, versions))]
    cursor.execute(DEDUP, [*columns, len(rows)])


def _advance(cursor: Cursor[Rows], whole: PackedEvent) -> None:
    numbers = whole.version, len(whole.entries), whole.hi
    columns = [arrays.bigints([number]) for number in numbers]
    cursor.execute(ADVANCE, [arrays.uuids([whole.route.cycle_id]), *columns])


def _store(cursor: Cursor[Rows], events: Sequence[PackedEvent]) -> None:
    cursor.execute(LOCK)
    cursor.execute(
        INSERT_MANY,
        [
            arrays.uuids([event.route.cycle_id for event in events]),
            arrays.bigints([event.version for event in events]),
            arrays.texts([USAGE.encode()] * len(events)),
            arrays.byteas([event.state for event in events]),
        ],
    )
