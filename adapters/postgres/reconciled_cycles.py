"""The cycles that a reconciliation looks at, their projected rows and their place in the queue."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.projector import TRACKED, lock_tracking
from application.reconciling.ports import Asked, Extent
from domain.events.usage import instant, micros
from domain.identity import cycle_stream, stripe_stream
from projections.invoice_summary import InvoiceSummary
from projections.reconciliation import Projected

_NAMES = tuple(each.name for each in fields(InvoiceSummary))
_COLUMNS = ", ".join(_NAMES)
_WINDOW = (
    "(%(start)s::bigint IS NULL OR ends > %(start)s)"
    " AND (%(end)s::bigint IS NULL OR starts < %(end)s) AND NOT detached"
)
_EXTENT = (
    f"SELECT count(*), min(starts), coalesce(max(cycle_no), 0) FROM cycle_head WHERE {_WINDOW}"
)
_PAGE = (
    f"SELECT cycle FROM cycle_head WHERE {_WINDOW} AND cycle_no <= %(newest)s"
    " AND cycle > %(after)s ORDER BY cycle LIMIT %(limit)s"
)
_PROJECTED = f"""
    SELECT (SELECT coalesce(max(notification_id), 0) FROM projection_tracking
            WHERE application_name = %(tracked)s),
        CASE WHEN q.parked THEN NULL ELSE q.due_at END, q.last_error,
        {", ".join(f"s.{name}" for name in _NAMES)}
    FROM (SELECT %(cycle)s::text AS cycle) AS asked
    LEFT JOIN sync_queue q USING (cycle) LEFT JOIN invoice_summary s USING (cycle)
"""
_MEND = (
    f"INSERT INTO invoice_summary (cycle_id, stripe_id, {_COLUMNS})"
    f" VALUES ({', '.join(['%s'] * (2 + len(_NAMES)))}) ON CONFLICT (cycle_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
)


class PostgresSweptCycles:
    """The ``SweptCycles`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def extent(self, asked: Asked) -> Extent:
        """How many cycles a window holds, and when the earliest of them begins."""
        with self._database.connection() as connection:
            row = connection.execute(_EXTENT, _window(asked)).fetchone()
        assert row is not None
        count, earliest, newest = row
        first = None if earliest is None else instant(earliest)
        return Extent(cycles=count, earliest=first, newest=newest)

    def names(self, asked: Asked, extent: Extent, after: str, limit: int) -> Sequence[str]:
        """The next cycles after a name, by name."""
        values = {**_window(asked), "newest": extent.newest, "after": after, "limit": limit}
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(_PAGE, values)]

    def projected(self, cycle: str) -> Projected:
        """What projections say of a cycle, and when a sync of it is due."""
        values = {"tracked": TRACKED, "cycle": cycle}
        with self._database.connection() as connection:
            row = connection.execute(_PROJECTED, values, prepare=True).fetchone()
        assert row is not None
        position, due_at, problem, *summary = row
        return Projected(
            summary=_summary(summary), position=position, due_at=due_at, problem=problem
        )

    def mend(self, cycle: str, row_at: Callable[[str, int], InvoiceSummary]) -> None:
        """Put the row that the log comes to in the place of what is there."""
        with self._database.connection() as connection, connection.transaction():
            row = row_at(cycle, lock_tracking(connection, wait=True) or 0)
            values = [getattr(row, name) for name in _NAMES]
            connection.execute(_MEND, [cycle_stream(cycle), stripe_stream(cycle), *values])


def _window(asked: Asked) -> dict[str, int | None]:
    return {"start": _micros(asked.start), "end": _micros(asked.end)}


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _summary(values: Sequence[Any]) -> InvoiceSummary | None:
    known = dict(zip(_NAMES, values, strict=True))
    return None if known["cycle"] is None else InvoiceSummary(**known)
