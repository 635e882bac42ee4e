"""What no event tells, as tables tell it: ends of periods, marked invoices, the quarantine."""

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.database import Database
from application.noticing import Changed

_ENDING = """
    SELECT h.cycle FROM cycle_head h
    WHERE h.status = 'accruing' AND h.next_duty_at > %(now)s AND h.next_duty_at <= %(until)s
        AND NOT EXISTS (
            SELECT 1 FROM notice n WHERE n.occurrence = 'invoice.upcoming/' || h.cycle)
    ORDER BY h.next_duty_at, h.cycle LIMIT %(limit)s
"""
_CHANGED = """
    WITH due AS (
        SELECT cycle FROM invoice_update WHERE due_at <= %s
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
    UPDATE invoice_update u SET due_at = %s FROM due WHERE u.cycle = due.cycle
    RETURNING u.cycle, u.marks, u.digest
"""
_LOOKED = """
    UPDATE invoice_update SET told_at = %s, digest = %s,
        due_at = CASE WHEN marks = %s THEN NULL ELSE %s END
    WHERE cycle = %s
"""
_QUARANTINED = """
    SELECT count(*) FROM (SELECT received_at FROM quarantine WHERE status = 'open'
        ORDER BY id DESC LIMIT %s) AS newest WHERE received_at >= %s
"""
_FORGET = """
    DELETE FROM invoice_update u USING cycle_head h WHERE h.cycle = u.cycle
        AND h.status NOT IN ('accruing', 'closing', 'closed', 'finalizing')
"""


class PostgresNoticeWork:
    """The ``NoticeWork`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ending(self, now: datetime, until: datetime, limit: int) -> Sequence[str]:
        """Accruing cycles that end by then, and of which nothing was told."""
        values = {"now": now, "until": until, "limit": limit}
        with self._database.connection() as connection:
            return [cycle for (cycle,) in connection.execute(_ENDING, values)]

    def changed(self, now: datetime, until: datetime, limit: int) -> Sequence[Changed]:
        """Cycles to look at now, kept from others for a while."""
        with self._database.connection() as connection:
            rows = connection.execute(_CHANGED, [now, limit, until]).fetchall()
        return [Changed(cycle=row[0], marks=row[1], digest=row[2]) for row in rows]

    def looked(self, changed: Changed, digest: str, now: datetime, again: datetime) -> None:
        """Keep the digest, and what was marked meanwhile."""
        with self._database.connection() as connection:
            connection.execute(_LOOKED, [now, digest, changed.marks, again, changed.cycle])

    def quarantined(self, since: datetime, limit: int) -> int:
        """How many were quarantined since an instant and are still."""
        with self._database.connection() as connection:
            row = connection.execute(_QUARANTINED, [limit, since]).fetchone()
        return int(row[0]) if row else 0

    def prune(self) -> int:
        """Forget the marks of invoices that are issued; how many."""
        with self._database.connection() as connection:
            return connection.execute(_FORGET).rowcount
