"""Syncs before they are due: final ones ahead of the rush, and those that no mark asked for."""

from datetime import timedelta

from adapters.postgres.database import Database
from adapters.postgres.sync_queue import NORMAL
from application.schedule_ports import Tally
from domain.billing_cycle import UNISSUED, Status
from domain.sync_allowance import DAYS, SyncAllowance

_UNISSUED = ", ".join(f"'{status.value}'" for status in sorted(UNISSUED))

# Each cycle has its own place in the hours before its period ends, by a hash of its name; the last
# tenth is left for what fails.
_PLACE = """to_timestamp(h.ends / 1e6) - %(ahead)s
            * (1 - 0.9 * ('x' || left(md5(h.cycle), 8))::bit(32)::bigint / 4294967296)"""
# One that was synced since then has had its turn, and comes again when it would anyway.
_SOON = f"""sync_queue q JOIN cycle_head h USING (cycle) LEFT JOIN last_sync l USING (cycle)
    WHERE h.status = '{Status.ACCRUING.value}'
        AND to_timestamp(h.ends / 1e6) BETWEEN clock_timestamp() AND clock_timestamp() + %(ahead)s
        AND coalesce(l.made_at, '-infinity') < {_PLACE}
"""
# Only what moves is locked, in the order in which marks take them.
_BRING_FORWARD = f"""
    WITH soon AS (
        SELECT q.cycle, greatest(clock_timestamp(), {_PLACE}) AS place FROM {_SOON}
            AND q.due_at > greatest(clock_timestamp(), {_PLACE})
            AND q.lease_token IS NULL AND q.attempts = 0 AND NOT q.parked
        ORDER BY q.cycle FOR UPDATE OF q)
    UPDATE sync_queue q SET due_at = soon.place FROM soon WHERE q.cycle = soon.cycle
"""
_IN_TIME = f"""
    SELECT count(*),
        count(*) FILTER (WHERE NOT q.parked AND q.due_at <= to_timestamp(h.ends / 1e6)),
        count(*) FILTER (WHERE q.parked)
    FROM {_SOON}
"""
_HALF_DONE = "s.stripe_state IN ('pending', 'failed')"
# What a sync left half done outside the queue, which does not wait for its allowance. And what
# changed and is neither proved since nor queued: a mark that got lost. What is no news for Stripe
# looks the same, so that it is asked about once or twice and then left alone.
_UNMARKED = f"""
    INSERT INTO sync_queue AS q (cycle, dirty_position, due_at)
    SELECT h.cycle, e.notification_id,
        greatest(clock_timestamp() + random() * interval '15 minutes',
            CASE WHEN NOT {_HALF_DONE} THEN l.next_at END)
    FROM cycle_head h LEFT JOIN last_sync l USING (cycle)
    JOIN cyclebook_events e ON e.originator_id = h.cycle_id AND e.originator_version = h.version
    JOIN invoice_summary s ON s.cycle_id = h.cycle_id
    WHERE h.status IN ({_UNISSUED}) AND ({_HALF_DONE}
        OR (e.recorded_at < clock_timestamp() - interval '10 minutes'
            AND e.recorded_at > clock_timestamp() - interval '130 minutes'
            AND coalesce(s.proved_at, '-infinity') < e.recorded_at
            AND NOT EXISTS (SELECT FROM sync_queue q WHERE q.cycle = h.cycle)))
    ORDER BY h.cycle
    ON CONFLICT (cycle) DO UPDATE SET due_at = excluded.due_at
    WHERE q.due_at > excluded.due_at AND q.lease_token IS NULL AND q.attempts = 0 AND NOT q.parked
"""
# More reads are allowed than when these were synced: nobody waits as long as it was then.
_SOONER = f"""
    WITH sooner AS (
        UPDATE last_sync SET next_at = made_at + %(every)s WHERE next_at > made_at + %(every)s
        RETURNING cycle, next_at),
    waiting AS (
        SELECT q.cycle, next_at FROM sync_queue q JOIN sooner USING (cycle)
        WHERE q.priority = {NORMAL} AND q.due_at > next_at
            AND q.lease_token IS NULL AND q.attempts = 0 AND NOT q.parked
        ORDER BY q.cycle FOR UPDATE OF q)
    UPDATE sync_queue q
    SET due_at = greatest(clock_timestamp() + random() * interval '15 minutes', w.next_at)
    FROM waiting w WHERE q.cycle = w.cycle
"""
_FORGET = "DELETE FROM last_sync WHERE made_at < clock_timestamp() - %s"


class SyncsAhead:
    """Changes when drafts in the queue are due, and puts forgotten ones there.

    allowance: as the queue has it now.
    """

    def __init__(self, database: Database, allowance: SyncAllowance) -> None:
        self._database = database
        self._every = allowance.every

    def before_the_end(self, ahead: timedelta) -> Tally:
        """Spread the syncs of drafts whose period ends within ``ahead`` over that time."""
        values = {"ahead": ahead}
        with self._database.connection() as connection:
            connection.execute(_BRING_FORWARD.encode(), values)
            ((soon, in_time, parked),) = connection.execute(_IN_TIME.encode(), values).fetchall()
        problem = f"{parked} wait for a person: see cyclebook syncs --parked" if parked else None
        return Tally(expected=soon, done=in_time, problem=problem)

    def unmarked(self) -> Tally:
        """Queue drafts that are half done, or changed and were neither proved since nor queued.

        Those that wait by an allowance of before come when they do by today's.
        """
        with self._database.connection() as connection:
            queued = connection.execute(_UNMARKED).rowcount
            queued += connection.execute(_SOONER, {"every": self._every}).rowcount
        return Tally(expected=queued, done=queued)

    def forget(self) -> int:
        """Forget syncs so old that they say nothing about the next ones; how many."""
        with self._database.connection() as connection:
            return connection.execute(_FORGET, [DAYS]).rowcount
