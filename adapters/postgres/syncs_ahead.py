"""Syncs before they are due: final ones ahead of the rush, and those that no mark asked for."""

from datetime import timedelta

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from application.schedule_ports import Tally
from domain.billing_cycle import UNISSUED, Status
from domain.sync_allowance import DAYS

_UNISSUED = ", ".join(f"'{status.value}'" for status in sorted(UNISSUED))

# Each cycle has its own place in the hours before its period ends, by a hash of its name; the last
# tenth is left for what fails.
_PLACE = """to_timestamp(h.ends / 1e6) - %(ahead)s
            * (1 - 0.9 * ('x' || left(md5(h.cycle), 8))::bit(32)::bigint / 4294967296)"""
# One that was synced since then has had its turn, and comes again when it would anyway.
# Taken in the order in which marks take them.
_SOON = f"""
    SELECT q.cycle FROM sync_queue q JOIN cycle_head h USING (cycle)
        LEFT JOIN last_sync l USING (cycle)
    WHERE h.status = '{Status.ACCRUING.value}'
        AND to_timestamp(h.ends / 1e6) BETWEEN clock_timestamp() AND clock_timestamp() + %(ahead)s
        AND coalesce(l.made_at, '-infinity') < {_PLACE}
    ORDER BY q.cycle FOR UPDATE OF q
"""
_BRING_FORWARD = f"""
    WITH soon AS (
        SELECT h.cycle, greatest(clock_timestamp(), {_PLACE}) AS place
        FROM cycle_head h WHERE h.cycle = ANY(%(cycles)s))
    UPDATE sync_queue q SET due_at = soon.place FROM soon
    WHERE q.cycle = soon.cycle AND q.due_at > soon.place
        AND q.lease_token IS NULL AND q.attempts = 0 AND NOT q.parked
"""
_IN_TIME = """
    SELECT count(*), count(*) FILTER (WHERE q.parked) FROM sync_queue q JOIN cycle_head h
        USING (cycle)
    WHERE q.cycle = ANY(%(cycles)s) AND (q.parked OR q.due_at > to_timestamp(h.ends / 1e6))
"""
# Changed and neither proved since nor queued: a mark that got lost. What is no news for Stripe
# looks the same, so that it is asked about once or twice and then left alone.
_UNMARKED = f"""
    INSERT INTO sync_queue (cycle, dirty_position, due_at)
    SELECT h.cycle, e.notification_id,
        greatest(clock_timestamp() + random() * interval '15 minutes', l.next_at)
    FROM cycle_head h LEFT JOIN last_sync l USING (cycle)
    JOIN cyclebook_events e ON e.originator_id = h.cycle_id AND e.originator_version = h.version
    JOIN invoice_summary s ON s.cycle_id = h.cycle_id
    WHERE h.status IN ({_UNISSUED}) AND e.recorded_at < clock_timestamp() - interval '10 minutes'
        AND (s.stripe_state IN ('pending', 'failed')
            OR (e.recorded_at > clock_timestamp() - interval '130 minutes'
                AND coalesce(s.proved_at, '-infinity') < e.recorded_at))
        AND NOT EXISTS (SELECT FROM sync_queue q WHERE q.cycle = h.cycle)
    ORDER BY h.cycle
    ON CONFLICT (cycle) DO NOTHING
"""
_FORGET = "DELETE FROM last_sync WHERE made_at < clock_timestamp() - %s"


class SyncsAhead:
    """Changes when drafts in the queue are due, and puts forgotten ones there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before_the_end(self, ahead: timedelta) -> Tally:
        """Spread the syncs of drafts whose period ends within ``ahead`` over that time."""
        with self._database.connection() as connection, connection.transaction():
            rows = connection.execute(_SOON.encode(), {"ahead": ahead}).fetchall()
            values = {"ahead": ahead, "cycles": [cycle for (cycle,) in rows]}
            connection.execute(_BRING_FORWARD.encode(), values)
            left, parked = _counted(connection, values)
        problem = f"{parked} wait for a person: see cyclebook syncs --parked" if parked else None
        return Tally(expected=len(rows), done=len(rows) - left, problem=problem)

    def unmarked(self) -> Tally:
        """Queue drafts that changed and were neither proved since nor queued."""
        with self._database.connection() as connection:
            queued = connection.execute(_UNMARKED).rowcount
        return Tally(expected=queued, done=queued)

    def forget(self) -> int:
        """Forget syncs so old that they say nothing about the next ones; how many."""
        with self._database.connection() as connection:
            return connection.execute(_FORGET, [DAYS]).rowcount


def _counted(connection: Connection[Rows], values: dict[str, object]) -> tuple[int, int]:
    row = connection.execute(_IN_TIME.encode(), values).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
