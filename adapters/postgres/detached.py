"""Detached months: what the database still says of them, and the refusal to read them as empty."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from adapters.postgres.database import Rows
from application.detached import (
    NOTHING_DETACHED,
    Detached,
    DetachedMonth,
    in_archive,
    month_name,
)
from domain.errors import MonthArchived

COLUMNS = (
    "month, cycles, events, first_position, last_position, last_at, happened_at, seal, sha256,"
    " file, detached_at, detached_by"
)
_NAMES = COLUMNS.replace(" ", "").split(",")
_MONTHS = f"SELECT {COLUMNS} FROM detached_month ORDER BY month"
_CYCLES = """
    SELECT h.cycle, m.happened_at, m.last_at, m.month, m.file FROM cycle_head h
    JOIN detached_month m ON h.cycle_id >= m.first_id AND h.cycle_id < m.after_id
    WHERE h.organization = %s AND h.detached
"""
_FILES = "SELECT month, file FROM detached_month WHERE month = ANY(%s)"
_APPLIED = (
    "SELECT credit, sum(amount)::bigint FROM credit_use WHERE cycle = ANY(%s) AND organization = %s"
    " GROUP BY credit"
)
_ITEM = "SELECT cycle_id FROM detached_item WHERE organization = %s AND item = %s"
# By the partition and not by the mark: it is gone for everybody at once, whatever a transaction
# that began before sees of rows. A month in which nothing ever began has none either.
_GONE = """
    SELECT stream FROM unnest(%s::uuid[]) AS asked(stream)
    WHERE to_regclass(event_partition(stream)) IS NULL
        AND (EXISTS (SELECT FROM cycle_head WHERE cycle_id = stream)
            OR EXISTS (SELECT FROM invoice_summary WHERE stripe_id = stream))
"""


def months(connection: Connection[Rows]) -> list[DetachedMonth]:
    """All that are not in the log, oldest first."""
    return [month(row) for row in connection.execute(_MONTHS)]


def month(row: Rows) -> DetachedMonth:
    """A row of the table, its columns in the order of ``COLUMNS``."""
    return DetachedMonth(**dict(zip(_NAMES, row, strict=True)))


def of_organization(connection: Connection[Rows], organization: str) -> Detached:
    """An organization's cycles whose events are in archives."""
    rows = connection.execute(_CYCLES, [organization], prepare=True).fetchall()
    if not rows:
        return NOTHING_DETACHED
    cycles, happened, recorded, names, files = zip(*rows, strict=True)
    applied = connection.execute(_APPLIED, [list(cycles), organization]).fetchall()
    return Detached(
        cycles=frozenset(cycles),
        happened_by=max(happened),
        recorded_by=max(recorded),
        applied=dict(applied),
        files=dict(zip(names, files, strict=True)),
    )


def refusal(connection: Connection[Any], months: Iterable[str]) -> MonthArchived:
    """What is said where events of these months are needed, with the files that hold them."""
    named = list(months)
    with connection.cursor(row_factory=tuple_row) as cursor:
        return in_archive(named, dict(cursor.execute(_FILES, [named]).fetchall()))


def require_here(connection: Connection[Rows], streams: Iterable[UUID]) -> None:
    """Called where streams were found empty: whether that is because their month is detached.

    Raises:
        MonthArchived: it is.
    """
    asked = [each for each in streams if any(each.bytes[:3])]
    if not asked:
        return
    gone = connection.execute(_GONE, [asked], prepare=True).fetchall()
    if gone:
        raise refusal(connection, (month_of_stream(stream) for (stream,) in gone))


def require_no_item(connection: Connection[Rows], organization: str, item: str) -> None:
    """Whether a one-off item is on no invoice of a detached month.

    Raises:
        MonthArchived: it is.
    """
    found = connection.execute(_ITEM, [organization, item]).fetchone()
    if found is not None:
        raise refusal(connection, [month_of_stream(found[0])])


def month_of_stream(stream: UUID) -> str:
    """The month that a stream is kept in."""
    return month_name(int.from_bytes(stream.bytes[:2], "big"), stream.bytes[2])
