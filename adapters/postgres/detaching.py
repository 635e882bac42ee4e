"""A month leaves the log and comes back: one transaction each, so it is whole or not at all.

One order of locks: the heads of the month's cycles, its partition, and at the very end the log.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from adapters.postgres import detached
from adapters.postgres.database import Rows
from adapters.postgres.leaving import require_over
from adapters.postgres.stream_names import name_of
from application.archiving import Copy, Month
from application.detached import DetachedMonth
from domain.errors import NotFound, RuleViolation
from projections.chain import Row

COLUMNS = "originator_id, originator_version, notification_id, topic, state, recorded_at"
PAGE = 500
# Who reads or writes the log waits behind us while we wait for it: not for long.
_IMPATIENT = "SET LOCAL lock_timeout = '2s'"
_HEADS = (
    "SELECT cycle_id FROM cycle_head WHERE cycle_id >= %s AND cycle_id < %s"
    " ORDER BY cycle_id FOR UPDATE"
)
_PARTITION = "SELECT name FROM event_partition(%s) AS name WHERE to_regclass(name) IS NOT NULL"
_ROWS = (
    f"SELECT {COLUMNS} FROM cyclebook_events WHERE originator_id >= %s AND originator_id < %s"
    " ORDER BY notification_id"
)
_NOTE = f"""
    INSERT INTO detached_month (month, first_id, after_id, cycles, events, first_position,
        last_position, last_at, happened_at, seal, sha256, file, detached_by)
    SELECT %(month)s, %(first)s, %(after)s, %(cycles)s, count(*), min(notification_id),
        max(notification_id), max(recorded_at), max(CASE
            WHEN NOT starts_with(topic, 'UsageRecorded@')
            THEN (convert_from(state, 'UTF8')::json ->> 'occurred_at')::timestamptz END),
        %(seal)s, %(sha256)s, %(file)s, %(by)s
    FROM cyclebook_events WHERE originator_id >= %(first)s AND originator_id < %(after)s
    RETURNING {detached.COLUMNS}
"""
_ITEMS = """
    INSERT INTO detached_item (cycle_id, organization, item)
    SELECT h.cycle_id, h.organization, convert_from(e.state, 'UTF8')::json ->> 'item'
    FROM cycle_head h JOIN cyclebook_events e ON e.originator_id = h.cycle_id
        AND NOT starts_with(e.topic, 'UsageRecorded@')
    WHERE h.cycle_id >= %(first)s AND h.cycle_id < %(after)s
        AND starts_with(e.topic, 'OneOffItemAdded@')
    ON CONFLICT DO NOTHING
"""
_MARK = "UPDATE cycle_head SET detached = %s WHERE cycle_id >= %s AND cycle_id < %s"
_WHOLE_LOG = "LOCK TABLE ONLY cyclebook_events IN ACCESS EXCLUSIVE MODE"
_MARKED = "SELECT seal, events FROM detached_month WHERE month = %s FOR UPDATE"
_FORGET = "DELETE FROM detached_month WHERE month = %s"
_FORGET_ITEMS = "DELETE FROM detached_item WHERE cycle_id >= %s AND cycle_id < %s"


def detach(
    connection: Connection[Rows], copy: Copy, rows: Iterable[Row], *, by: str, now: datetime
) -> DetachedMonth:
    """Compare a copy with the log row by row and drop the month; see ``Archive``."""
    first, after = bounds(copy.month)
    connection.execute(_IMPATIENT)
    cycles = connection.execute(_HEADS, [first, after]).fetchall()
    part = _held_partition(connection, copy.month, first)
    require_over(connection, copy.month, (first, after), now)
    _require_equal(connection, copy, rows)
    values = {
        "month": str(copy.month),
        "first": first,
        "after": after,
        "cycles": len(cycles),
        "seal": copy.seal,
        "sha256": copy.sha256,
        "file": copy.file,
        "by": by,
    }
    noted = connection.execute(_NOTE.encode(), values).fetchone()
    assert noted is not None
    connection.execute(_ITEMS, values)
    connection.execute(_MARK, [True, first, after])
    connection.execute(_WHOLE_LOG)
    connection.execute(SQL("DROP TABLE {}").format(Identifier(part)))
    return detached.month(noted)


def bring_back(connection: Connection[Rows], copy: Copy, rows: Iterable[Row]) -> int:
    """Attach a detached month again; how many rows, 0 where it is not detached.

    Raises:
        RuleViolation: it was detached with another copy.
    """
    first, after = bounds(copy.month)
    marked = connection.execute(_MARKED, [str(copy.month)]).fetchone()
    if marked is None:
        return 0
    if marked != (copy.seal, copy.events):
        raise RuleViolation(
            f"{copy.month} was detached with another copy: {marked[1]} events sealed by "
            f"{marked[0]}, and this one has {copy.events} sealed by {copy.seal}",
            code="archive_differs",
        )
    connection.execute(_FORGET, [str(copy.month)])
    connection.execute(_FORGET_ITEMS, [first, after])
    connection.execute("SELECT prepare_event_partition(%s, %s)", [first, after])
    _copy_in(connection, first, rows)
    connection.execute(_HEADS, [first, after])
    connection.execute(_MARK, [False, first, after])
    connection.execute("SELECT attach_event_partition(%s, %s)", [first, after])
    return copy.events


def _held_partition(connection: Connection[Rows], month: Month, first: UUID) -> str:
    """The month's partition, kept from appends until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_PARTITION, [first]).fetchone()
    if row is None:
        known = any(each.month == str(month) for each in detached.months(connection))
        more = ": it is detached" if known else ""
        raise NotFound(f"the log does not hold {month}{more}", month=str(month))
    connection.execute(SQL("LOCK TABLE ONLY {} IN SHARE MODE").format(Identifier(row[0])))
    return str(row[0])


def _require_equal(connection: Connection[Rows], copy: Copy, rows: Iterable[Row]) -> None:
    """Compare, row by row and in order.

    Raises:
        RuleViolation: a row differs, or one of the two has more.
    """
    for ours, theirs in zip_longest(_logged(connection, copy.month), rows):
        if ours != theirs:
            known = ours or theirs
            raise RuleViolation(
                f"event {known.version} of {name_of(connection, known.stream)} is not the same in "
                f"the log and in {copy.file}; nothing was detached: archive {copy.month} anew, and "
                "see cyclebook verify --chain",
                code="archive_differs",
            )


def _logged(connection: Connection[Rows], month: Month) -> Iterator[Row]:
    with connection.cursor(name="month") as cursor:
        cursor.itersize = PAGE
        cursor.execute(_ROWS, bounds(month))
        yield from map(row_of, cursor)


def _copy_in(connection: Connection[Rows], first: UUID, rows: Iterable[Row]) -> None:
    row = connection.execute("SELECT event_partition(%s)", [first]).fetchone()
    assert row is not None
    statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(row[0]), SQL(COLUMNS))
    with connection.cursor().copy(statement) as copy:
        for each in rows:
            copy.write_row(
                (
                    each.stream,
                    each.version,
                    each.position,
                    each.topic,
                    each.state,
                    each.recorded_at,
                )
            )


def bounds(month: Month) -> tuple[UUID, UUID]:
    """The first id of a month's streams, and the first one after them."""
    year, number = month.year, month.month
    first, after = (f"{year:04x}{each:02x}{'0' * 26}" for each in (number, number + 1))
    return UUID(first), UUID(after)


def row_of(found: Rows) -> Row:
    """A row of the log, its columns in the order of ``COLUMNS``."""
    stream, version, position, topic, state, recorded_at = found
    return Row(
        stream=stream,
        version=version,
        position=position,
        topic=topic,
        state=bytes(state),
        recorded_at=recorded_at,
    )
