"""Recorded usage read back: by key without a scan, or cycle by cycle with headers first."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres import detached, mapper, usage_headers
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Database, Rows
from adapters.postgres.usage_keys import dedup_key
from application.usage_records import Place, StoredUsage, Wanted
from domain.billing_cycle import BillingCycle
from domain.errors import NotFound
from domain.events.usage import PackedRecord, micros

PAGE = 500

_KNOWN = "SELECT 1 FROM cycle_head WHERE organization = %s LIMIT 1"
_CYCLES = (
    "SELECT cycle_id FROM cycle_head WHERE organization = %(organization)s"
    " AND (%(start)s::bigint IS NULL OR ends > %(start)s)"
    " AND (%(end)s::bigint IS NULL OR starts < %(end)s)"
    " AND (%(cycle)s::text IS NULL OR cycle >= %(cycle)s) ORDER BY starts"
)
_EVENTS = (
    f"SELECT originator_version, recorded_at, {usage_headers.BEGINNING} FROM cyclebook_events"
    f" WHERE originator_id = %s AND originator_version >= %s AND {usage_headers.IS_USAGE}"
    " ORDER BY originator_version LIMIT %s"
)
_BODY = "SELECT state FROM cyclebook_events WHERE originator_id = %s AND originator_version = %s"
_RECORD = (
    "SELECT h.cycle, e.state, h.cycle_id FROM usage_dedup d"
    " JOIN cycle_head h ON h.cycle_no = d.cycle_no"
    " LEFT JOIN cyclebook_events e"
    " ON e.originator_id = h.cycle_id AND e.originator_version = d.version WHERE d.key = %s"
)
_HOLDING = (
    "SELECT h.cycle_id, d.version, e.recorded_at, e.state FROM usage_dedup d"
    " JOIN cycle_head h ON h.cycle_no = d.cycle_no"
    " LEFT JOIN cyclebook_events e"
    " ON e.originator_id = h.cycle_id AND e.originator_version = d.version WHERE d.key = %s"
)


class PostgresUsageArchive:
    """The ``UsageArchive`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def search(self, wanted: Wanted, begin: Place | None) -> Iterator[Iterator[StoredUsage]]:
        """An organization's usage events in order from a place on, that one included."""
        with self._database.connection() as connection:
            if connection.execute(_KNOWN, [wanted.organization]).fetchone() is None:
                raise NotFound(f"there is no organization {wanted.organization}")
            yield _search(connection, wanted, begin)

    def holding(self, source: str, identity: str) -> StoredUsage | None:
        """The event that holds the record accepted under (source, id)."""
        key = UUID(bytes=dedup_key(source, identity))
        with self._database.connection() as connection:
            row = connection.execute(_HOLDING, [key], binary=True, prepare=True).fetchone()
            if row is None:
                return None
            cycle_id, version, recorded_at, state = row
            cycle = _cycle(connection, cycle_id)
            if state is None:
                return None
            return StoredUsage(
                cycle=cycle,
                version=version,
                recorded_at=recorded_at,
                records=mapper.decode_records(state),
            )


class PostgresUsageFinder:
    """The ``UsageFinder`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, source: str, id: str) -> tuple[str, PackedRecord] | None:
        """The cycle that holds the record of (source, id), and the record as recorded."""
        key = UUID(bytes=dedup_key(source, id))
        with self._database.connection() as connection:
            row = connection.execute(_RECORD, [key], binary=True, prepare=True).fetchone()
            if row is not None and row[1] is None:
                detached.require_here(connection, [UUID(bytes=row[2])])
        if row is None or row[1] is None:
            return None
        cycle, state, _ = row
        records = mapper.decode_records(state)
        return cycle, next(each for each in records if (each.source, each.id) == (source, id))


def _search(
    connection: Connection[Rows], wanted: Wanted, begin: Place | None
) -> Iterator[StoredUsage]:
    values = {
        "organization": wanted.organization,
        "start": _micros(wanted.start),
        "end": _micros(wanted.end),
        "cycle": begin.cycle if begin else None,
    }
    for (cycle_id,) in connection.execute(_CYCLES, values, binary=True).fetchall():
        cycle = _cycle(connection, cycle_id)
        version = begin.version if begin and begin.cycle == cycle.id else 0
        yield from _events(connection, cycle_id, cycle, wanted, version)


def _events(
    connection: Connection[Rows], cycle_id: bytes, cycle: BillingCycle, wanted: Wanted, version: int
) -> Iterator[StoredUsage]:
    """A cycle's usage events from a version on."""
    stream = UUID(bytes=cycle_id)
    rows = True
    while rows:
        values = [stream, version, PAGE]
        page = connection.execute(_EVENTS, values, binary=True, prepare=True).fetchall()
        if not page:  # none are left, or the month has left between two pages
            detached.require_here(connection, [stream])
        for found, recorded_at, beginning in page:
            yield StoredUsage(
                cycle=cycle,
                version=found,
                recorded_at=recorded_at,
                records=_records(connection, stream, found, beginning, wanted),
            )
            version = found + 1
        rows = len(page) == PAGE


def _records(
    connection: Connection[Rows], stream: UUID, version: int, beginning: bytes, wanted: Wanted
) -> tuple[PackedRecord, ...]:
    """An event's records, unless its header says that none is wanted."""
    header = usage_headers.header(beginning)
    if header is not None and not wanted.may_be_among(header.tallies):
        return ()
    if len(beginning) < usage_headers.PREFIX:
        return mapper.decode_records(beginning)
    row = connection.execute(_BODY, [stream, version], binary=True, prepare=True).fetchone()
    if row is None:
        detached.require_here(connection, [stream])
    assert row is not None, "events leave the log by months alone"
    return mapper.decode_records(row[0])


def _cycle(connection: Connection[Rows], cycle_id: bytes) -> BillingCycle:
    return build_cycle(read_control(connection, cycle_id))


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)
