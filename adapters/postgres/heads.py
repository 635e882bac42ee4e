"""Heads of billing cycles: the rows that place cycles in time, and are locked for every change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from adapters.postgres.database import Rows
from domain.billing_cycle import ACCEPTS_USAGE, UNISSUED, BillingCycle, Status
from domain.events.usage import micros
from domain.identity import cycle_stream

_COLUMNS = "cycle_id, cycle_no, cycle, version, control_version, records, usage_hi, tallies_stale"
UNISSUED_HEADS = (
    f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %s AND status = ANY(%s)"
    " ORDER BY cycle_id"
)
HEADS_TO_CHANGE = (
    f"SELECT {_COLUMNS} FROM cycle_head"
    " WHERE organization = %s AND (status = ANY(%s) OR cycle = %s) ORDER BY cycle_id FOR UPDATE"
)
ONE_HEAD = f"SELECT {_COLUMNS} FROM cycle_head WHERE organization = %s AND cycle = %s"
INSERT = (
    "INSERT INTO cycle_head (cycle_id, cycle, organization, starts, ends, opened_at, status,"
    " next_duty_at, version, control_version)"
    " VALUES (%s, %s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s)"
)
UPDATE = (
    "UPDATE cycle_head SET status = %s, accepts_usage = %s, next_duty_at = %s, ends = %s,"
    " version = %s, control_version = %s WHERE cycle_id = %s"
)
DUE = (
    "SELECT organization FROM cycle_head WHERE next_duty_at <= %s"
    " GROUP BY organization ORDER BY min(next_duty_at) LIMIT %s"
)
NAMES = "SELECT cycle FROM cycle_head WHERE organization = %s{} ORDER BY starts"


@dataclass(slots=True, kw_only=True)
class Head:
    """A cycle's row. usage_hi: the latest instant of its usage, microseconds since 1970."""

    cycle_id: bytes
    cycle_no: int
    cycle: str
    version: int
    control_version: int
    records: int
    usage_hi: int
    tallies_stale: bool


def unissued(connection: Connection[Rows], organization: str) -> list[Head]:
    """An organization's heads whose invoice is not issued."""
    statuses = [status.value for status in UNISSUED]
    rows = connection.execute(UNISSUED_HEADS, [organization, statuses], binary=True, prepare=True)
    return [_head(row) for row in rows]


def one(
    connection: Connection[Rows], organization: str, cycle: str, *, lock: bool = False
) -> Head | None:
    """One cycle's head, whatever its status."""
    query = ONE_HEAD + (" FOR UPDATE" if lock else "")
    row = connection.execute(query, [organization, cycle], binary=True, prepare=True).fetchone()
    return _head(row) if row else None


def lock_all(
    connection: Connection[Rows], organization: str, cycle: str | None = None
) -> list[Head]:
    """Lock all unissued heads. While they are held no cycle of the organization can open.

    Waiting for one lock may reveal a cycle that opened meanwhile, so it looks until nothing
    new appears. cycle: one more to lock, whatever its status; all in the one order of locks.
    """
    heads = _lock(connection, organization, cycle)
    while True:
        again = _lock(connection, organization, cycle)
        if [head.cycle_id for head in again] == [head.cycle_id for head in heads]:
            return again
        heads = again


def _lock(connection: Connection[Rows], organization: str, cycle: str | None) -> list[Head]:
    values = [organization, [status.value for status in UNISSUED], cycle]
    rows = connection.execute(HEADS_TO_CHANGE, values, binary=True, prepare=True)
    return [_head(row) for row in rows]


def _head(row: Rows) -> Head:
    names = ("cycle_id", "cycle_no", "cycle", "version", "control_version", "records")
    values = dict(zip((*names, "usage_hi", "tallies_stale"), row, strict=True))
    return Head(**values)


def insert(
    connection: Connection[Rows], cycle: BillingCycle, version: int, grace: timedelta
) -> None:
    """The head of a cycle just opened."""
    stream = cycle_stream(cycle.id)
    connection.execute(
        "SELECT ensure_event_partition(%s, %s)",
        [int.from_bytes(stream.bytes[:2], "big"), stream.bytes[2]],
    )
    connection.execute(
        INSERT,
        [
            stream,
            cycle.id,
            cycle.organization,
            micros(cycle.period.start),
            micros(cycle.period.end),
            cycle.status.value,
            next_duty(cycle, grace),
            version,
            version,
        ],
    )


def update(
    connection: Connection[Rows], cycle: BillingCycle, version: int, grace: timedelta
) -> None:
    """The head of a cycle after control events."""
    connection.execute(
        UPDATE,
        [
            cycle.status.value,
            cycle.status in ACCEPTS_USAGE,
            next_duty(cycle, grace),
            micros(cycle.period.end),
            version,
            version,
            cycle_stream(cycle.id),
        ],
        prepare=True,
    )


def next_duty(cycle: BillingCycle, grace: timedelta) -> datetime | None:
    """When a cycle's life goes on by itself; ``None`` while only a person or Stripe moves it."""
    match cycle.status:
        case Status.ACCRUING:
            return cycle.period.end
        case Status.CLOSING:
            return cycle.period.end + grace
        case Status.CLOSED if cycle.held is None:
            return cycle.period.end + grace
        case Status.FINALIZING:
            return cycle.period.end + grace
        case _:
            return None


def due(connection: Connection[Rows], now: datetime, limit: int) -> Sequence[str]:
    """Organizations whose cycles have a duty by ``now``, the longest waiting first."""
    return [row[0] for row in connection.execute(DUE, [now, limit])]


def names(connection: Connection[Rows], organization: str, *, open_only: bool) -> Sequence[str]:
    """An organization's cycles, oldest first."""
    if open_only:
        statuses = [status.value for status in UNISSUED]
        query = NAMES.format(" AND status = ANY(%s)")
        return [row[0] for row in connection.execute(query, [organization, statuses])]
    return [row[0] for row in connection.execute(NAMES.format(""), [organization])]
