"""Cycles whose sync fails, who was told of them, and what was told lately."""

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.database import Database
from adapters.postgres.notices import announce
from application.notices import Notice
from application.sync_troubles import SINGLY_MAX, WITHIN, Told, Trouble, hour

_TROUBLES = """
    WITH failing AS (
        SELECT cycle, parked, last_error, failed_at FROM sync_queue
        WHERE last_error IS NOT NULL AND failed_at IS NOT NULL),
    stuck AS (
        SELECT h.cycle, false, 'stripe_away: nothing is tried', %(away)s::timestamptz
        FROM cycle_head h WHERE %(away)s::timestamptz IS NOT NULL
            AND h.status IN ('closed', 'finalizing')
            AND NOT EXISTS (SELECT 1 FROM failing f WHERE f.cycle = h.cycle))
    SELECT coalesce(q.cycle, t.cycle), coalesce(t.since, q.failed_at), coalesce(q.parked, false),
        q.last_error,
        CASE WHEN h.status IN ('closed', 'finalizing') THEN to_timestamp(h.ends / 1e6) END,
        t.told_at, t.customer_told_at, t.cycle IS NOT NULL
    FROM (SELECT * FROM failing UNION ALL SELECT * FROM stuck) q
    FULL JOIN sync_trouble t ON t.cycle = q.cycle
    LEFT JOIN cycle_head h ON h.cycle = coalesce(q.cycle, t.cycle)
    ORDER BY 1
"""
_NAMES = ("cycle", "since", "parked", "error", "final", "told_at", "customer_told_at", "kept")
_KEEP = """
    INSERT INTO sync_trouble (cycle, since, told_at, customer_told_at)
    SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (cycle) DO UPDATE SET since = excluded.since, told_at = excluded.told_at,
        customer_told_at = excluded.customer_told_at
"""
_FORGET = "DELETE FROM sync_trouble WHERE cycle = ANY(%s)"
_SINGLY = """
    SELECT kind, count(*) FROM unnest(ARRAY['sync.failed', 'sync.recovered']) AS kind,
        LATERAL (
            SELECT at FROM notice WHERE notice.kind = kind.kind ORDER BY number DESC LIMIT %s) AS n
    WHERE n.at > %s GROUP BY kind
"""
_TOGETHER = "SELECT kind FROM notice WHERE occurrence = ANY(%s)"
_OUTAGE = """
    SELECT kind, at, data->>'since' FROM notice WHERE kind IN ('stripe.away', 'stripe.back')
    ORDER BY number DESC LIMIT 1
"""


class PostgresTroubles:
    """The ``TroubleWork`` port. mails: whether members are told by e-mail."""

    def __init__(self, database: Database, *, mails: bool) -> None:
        self._database = database
        self._mails = mails

    def troubles(self, away_since: datetime | None) -> Sequence[Trouble]:
        """Every cycle whose sync fails, or did when last looked."""
        with self._database.connection() as connection:
            rows = connection.execute(_TROUBLES, {"away": away_since}).fetchall()
        return [Trouble(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def told(self, now: datetime) -> Told:
        """What was told before."""
        together = [f"{kind}/{hour(now)}" for kind in ("syncs.failed", "syncs.recovered")]
        with self._database.connection() as connection:
            singly = dict(connection.execute(_SINGLY, [SINGLY_MAX, now - WITHIN]).fetchall())
            kinds = connection.execute(_TOGETHER, [together]).fetchall()
            outage = connection.execute(_OUTAGE).fetchone()
        kind, at, since = outage or (None, None, None)
        return Told(
            singly=singly,
            together=frozenset(kind for (kind,) in kinds),
            away_since=since if kind == "stripe.away" else None,
            back_at=at if kind == "stripe.back" else None,
        )

    def tell(self, notices: Sequence[Notice], troubles: Sequence[Trouble]) -> None:
        """Tell, remember who was told, and forget what is over."""
        over = [each.cycle for each in troubles if each.over]
        stay = [each for each in troubles if not each.over]
        columns = [
            [each.cycle for each in stay],
            [each.since for each in stay],
            [each.told_at for each in stay],
            [each.customer_told_at for each in stay],
        ]
        with self._database.connection() as connection, connection.transaction():
            announce(connection, notices, mails=self._mails)
            if over:
                connection.execute(_FORGET, [over])
            if stay:
                connection.execute(_KEEP, columns)
