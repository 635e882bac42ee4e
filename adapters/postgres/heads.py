"""Heads of billing cycles: the rows that place cycles in time, and are locked for every change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection, DatabaseError

from adapters.postgres.database import Rows
from adapters.postgres.detached import refusal
from adapters.postgres.duties import next_duty
from application.detached import in_archive, month_named
from domain.billing_cycle import ACCEPTS_USAGE, OUTSTANDING, UNISSUED, BillingCycle
from domain.events.usage import EPOCH, micros
from domain.identity import cycle_stream
from domain.organization import Organization

_FIELDS = (
    "cycle_id",
    "cycle_no",
    "cycle",
    "version",
    "control_version",
    "records",
    "usage_hi",
    "tallies_stale",
    "has_late",
    "late_stale",
    "late_open",
    "detached",
)
_COLUMNS = ", ".join(_FIELDS)
_UNISSUED = ", ".join(f"'{status.value}'" for status in sorted(UNISSUED))
_ISSUED = ", ".join(f"'{status.value}'" for status in sorted(OUTSTANDING))
# All from the oldest cycle on that is not issued, or has late facts nobody has billed; and those
# whose due date has passed. What is detached has nothing to come.
_IN_PLAY = (
    "NOT detached AND (starts >= (SELECT min(owing.starts) FROM cycle_head owing"
    " WHERE owing.organization = %(organization)s"
    f" AND (owing.late_open OR owing.status IN ({_UNISSUED})))"
    f" OR next_duty_at <= clock_timestamp() AND status IN ({_ISSUED}))"
)
OUTSTANDING_HEADS = (
    f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %s AND status IN ({_ISSUED})"
    " ORDER BY starts"
)
IN_PLAY_HEADS = (
    f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %(organization)s AND {_IN_PLAY}"
    " ORDER BY cycle_id"
)
HEADS_TO_CHANGE = (
    f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %(organization)s AND ({_IN_PLAY}"
    " OR cycle = %(cycle)s OR ends > %(since)s) ORDER BY cycle_id FOR UPDATE"
)
ONE_HEAD = f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %s AND cycle = %s"
# Nobody can hold a head that is not there yet: the partition keeps its month in the log.
PARTITION = "SELECT ensure_event_partition(%s, %s), hold_event_partition(%s)"
INSERT = (
    "INSERT INTO cycle_head (cycle_id, cycle, organization, starts, ends, opened_at, status,"
    " next_duty_at, version, control_version)"
    " VALUES (%s, %s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s)"
)
UPDATE = (
    "UPDATE cycle_head SET status = %s, accepts_usage = %s, next_duty_at = %s, ends = %s,"
    " version = %s, control_version = %s, late_open = %s,"
    " usage_hi = greatest(usage_hi, %s) WHERE cycle_id = %s"
)
RESCHEDULE = "UPDATE cycle_head SET next_duty_at = %s WHERE cycle_id = %s"
DUE = (
    "SELECT organization FROM cycle_head WHERE next_duty_at <= %s"
    " GROUP BY organization ORDER BY min(next_duty_at) LIMIT %s"
)
DETACHED = "CB024"
"""What the database answers where a cycle would begin in a detached month."""
NAMES = "SELECT cycle FROM cycle_head WHERE organization = %s{} ORDER BY starts"


@dataclass(slots=True, kw_only=True)
class Head:
    """A cycle's row. usage_hi: the latest instant of its usage, microseconds since 1970.

    has_late: its late layer of tallies is kept. late_open: with late facts nobody has billed.
    detached: its events are in an archive, and not in the log.
    """

    cycle_id: bytes
    cycle_no: int
    cycle: str
    version: int
    control_version: int
    records: int
    usage_hi: int
    tallies_stale: bool
    has_late: bool
    late_stale: bool
    late_open: bool
    detached: bool


def in_play(connection: Connection[Rows], organization: str) -> list[Head]:
    """An organization's heads whose invoice is not issued, or may have late facts to bill."""
    values = {"organization": organization}
    rows = connection.execute(IN_PLAY_HEADS, values, binary=True, prepare=True)
    return [_head(row) for row in rows]


def outstanding(connection: Connection[Rows], organization: str) -> list[Head]:
    """An organization's heads whose invoice is issued, and neither paid nor void."""
    rows = connection.execute(OUTSTANDING_HEADS, [organization], binary=True, prepare=True)
    return [_head(row) for row in rows]


def one(
    connection: Connection[Rows], organization: str, cycle: str, *, lock: bool = False
) -> Head | None:
    """One cycle's head, whatever its status."""
    query = ONE_HEAD + (" FOR UPDATE" if lock else "")
    row = connection.execute(query, [organization, cycle], binary=True, prepare=True).fetchone()
    return _head(row) if row else None


def lock_all(
    connection: Connection[Rows],
    organization: str,
    cycle: str | None = None,
    since: datetime | None = None,
) -> list[Head]:
    """Lock all heads in play. While they are held no cycle of the organization can open.

    Waiting for one lock may reveal a cycle that opened meanwhile, so it looks until nothing
    new appears. cycle: one more to lock, whatever its status; since: those that end after this
    instant as well; all in the one order of locks.

    Raises:
        MonthArchived: one that is asked for so is detached. Where all are asked for (since the
            beginning), those are left out that are, unless the newest is among them.
    """
    heads = _lock(connection, organization, cycle, since)
    while True:
        again = _lock(connection, organization, cycle, since)
        if [head.cycle_id for head in again] == [head.cycle_id for head in heads]:
            return _here(connection, again, cycle, since)
        heads = again


def _here(
    connection: Connection[Rows],
    locked: Sequence[Head],
    cycle: str | None,
    since: datetime | None,
) -> list[Head]:
    gone = {head.cycle for head in locked if head.detached}
    if gone and (cycle in gone or since != EPOCH or max(each.cycle for each in locked) in gone):
        raise refusal(connection, map(month_named, gone))
    return [head for head in locked if not head.detached]


def _lock(
    connection: Connection[Rows], organization: str, cycle: str | None, since: datetime | None
) -> list[Head]:
    values = {
        "organization": organization,
        "cycle": cycle,
        "since": None if since is None else micros(since),
    }
    rows = connection.execute(HEADS_TO_CHANGE, values, binary=True, prepare=True)
    return [_head(row) for row in rows]


def _head(row: Rows) -> Head:
    return Head(**dict(zip(_FIELDS, row, strict=True)))


def insert(
    connection: Connection[Rows], cycle: BillingCycle, version: int, organization: Organization
) -> None:
    """The head of a cycle just opened.

    Raises:
        MonthArchived: the month it would be kept in is detached.
    """
    stream = cycle_stream(cycle.id)
    try:
        row = connection.execute(
            PARTITION, [int.from_bytes(stream.bytes[:2], "big"), stream.bytes[2], stream]
        ).fetchone()
    except DatabaseError as error:
        if error.sqlstate != DETACHED:
            raise
        # The transaction is over, so that the file's name cannot be looked up.
        raise in_archive([month_named(cycle.id)]) from error
    if row is None or not row[1]:
        raise refusal(connection, [month_named(cycle.id)])
    connection.execute(
        INSERT,
        [
            stream,
            cycle.id,
            cycle.organization,
            micros(cycle.period.start),
            micros(cycle.period.end),
            cycle.status.value,
            next_duty(cycle, organization, late_open=False),
            version,
            version,
        ],
    )


def update(
    connection: Connection[Rows],
    cycle: BillingCycle,
    version: int,
    organization: Organization,
    *,
    late_open: bool,
    usage_hi: int,
) -> None:
    """The head of a cycle after control events."""
    connection.execute(
        UPDATE,
        [
            cycle.status.value,
            cycle.status in ACCEPTS_USAGE,
            next_duty(cycle, organization, late_open=late_open),
            micros(cycle.period.end),
            version,
            version,
            late_open,
            usage_hi,
            cycle_stream(cycle.id),
        ],
        prepare=True,
    )


def reschedule(
    connection: Connection[Rows], cycle: BillingCycle, organization: Organization, head: Head
) -> None:
    """When a cycle's life goes on, by the organization's policies as they are now."""
    duty = next_duty(cycle, organization, late_open=head.late_open)
    connection.execute(RESCHEDULE, [duty, cycle_stream(cycle.id)], prepare=True)


def due(connection: Connection[Rows], now: datetime, limit: int) -> Sequence[str]:
    """Organizations whose cycles have a duty by ``now``, the longest waiting first."""
    return [row[0] for row in connection.execute(DUE, [now, limit])]


def names(connection: Connection[Rows], organization: str, *, open_only: bool) -> Sequence[str]:
    """An organization's cycles, oldest first."""
    among = f" AND status IN ({_UNISSUED})" if open_only else ""
    return [row[0] for row in connection.execute(NAMES.format(among), [organization])]
