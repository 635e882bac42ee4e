"""The usual append: all records new, all cycles as believed, stored by one statement."""

from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres import arrays
from adapters.postgres.database import Rows
from adapters.postgres.tallies import ADD, HIGHEST, LATEST, TallyRows
from adapters.postgres.usage_event import PackedEvent

MOVED, UNUSUAL = 0, -1
COLUMNS = 25
APPEND = f"SELECT append_usage({', '.join(['%b'] * COLUMNS)})"

Row = tuple[int, bytes, bytes, int, int]


def append_at_once(connection: Connection[Rows], events: Sequence[PackedEvent]) -> int:
    """Store events, sorted by cycle, in a transaction of their own; the last one's position.

    Having stored nothing it answers ``MOVED`` where a cycle was changed meanwhile, and
    ``UNUSUAL`` where a key is known or values have to be told apart first.
    """
    rows = TallyRows()
    for event in events:
        event.add_tallies(rows)
    if rows.values:
        return UNUSUAL
    columns = [*_events(events), *_keys(events), *_tallies(rows), *_points(rows)]
    row = connection.cursor(binary=True).execute(APPEND, columns, prepare=True).fetchone()
    return row[0] if row else UNUSUAL


def _events(events: Sequence[PackedEvent]) -> list[arrays.PackedArray]:
    return [
        arrays.uuids([event.route.cycle_id for event in events]),
        arrays.bigints([event.route.control_version for event in events]),
        arrays.bigints([len(event.entries) for event in events]),
        arrays.bigints([event.hi for event in events]),
        arrays.byteas([event.state for event in events]),
    ]


def _keys(events: Sequence[PackedEvent]) -> list[arrays.PackedArray]:
    """Sorted by key: one order for every writer, and neighbours in the index together."""
    claims = [
        (entry.key, entry.content, place)
        for place, event in enumerate(events, start=1)
        for entry in event.entries
    ]
    claims.sort()
    keys, contents, places = zip(*claims, strict=True)
    return [arrays.uuids(keys), arrays.bigints(contents), arrays.bigints(places)]


def _tallies(rows: TallyRows) -> list[arrays.PackedArray]:
    found: list[arrays.PackedArray] = []
    for statement in (ADD, HIGHEST, LATEST):
        these = rows.by_statement.get(statement, [])
        columns = _columns(these)
        found += columns if statement == LATEST else columns[:4]
    return found


def _columns(rows: Sequence[Row]) -> list[arrays.PackedArray]:
    cycles, names, quantities, records, instants = zip(*rows, strict=True) if rows else [()] * 5
    return [
        arrays.bigints(cycles),
        arrays.texts(names),
        arrays.texts(quantities),
        arrays.bigints(records),
        arrays.bigints(instants),
    ]


def _points(rows: TallyRows) -> list[arrays.PackedArray]:
    points = [(cycle, name, at, str(value).encode()) for cycle, name, at, value in rows.points]
    cycles, names, instants, values = zip(*points, strict=True) if points else [()] * 4
    return [
        arrays.bigints(cycles),
        arrays.texts(names),
        arrays.bigints(instants),
        arrays.texts(values),
    ]
