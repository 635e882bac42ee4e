"""The queue of syncs: claimed row by row, leased, retried with backoff, parked with a reason."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from adapters.postgres.database import Database
from application.projector import QueueCounts, QueuedSync, SyncClaim
from domain.sync_allowance import UNLIMITED, SyncAllowance

URGENT, HIGH, NORMAL = 20, 10, 0
"""Priorities: asked for by a person; policy ``high``; everything else."""

LEASE = timedelta(seconds=60)
ERROR_LENGTH_MAX = 1000

# The statement's own instant, for an index ends at it; by a clock that goes on all would be read.
CLAIM = """
    WITH due AS (
        SELECT cycle FROM sync_queue
        WHERE priority = %s AND due_at <= statement_timestamp() AND NOT parked
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
    UPDATE sync_queue q SET lease_token = gen_random_uuid(), due_at = clock_timestamp() + %s,
        priority = greatest(priority, again_priority), again_at = NULL, again_priority = NULL
    FROM due WHERE q.cycle = due.cycle
    RETURNING q.cycle, q.dirty_position, q.lease_token::text, q.attempts, q.refusals, q.priority
"""
_HEARTBEAT = "UPDATE sync_queue SET due_at = clock_timestamp() + %s WHERE lease_token = %s"
_LEAVE = (
    "DELETE FROM sync_queue WHERE lease_token = %s AND dirty_position <= %s AND again_at IS NULL"
)
_STAY = f"""
    UPDATE sync_queue q SET lease_token = NULL, due_at = CASE
            WHEN again_priority > {NORMAL} THEN again_at
            ELSE greatest(coalesce(again_at, clock_timestamp()), l.next_at) END,
        priority = coalesce(again_priority, {NORMAL}), again_at = NULL, again_priority = NULL,
        attempts = 0, refusals = 0, last_error = NULL, failed_at = NULL,
        dirty_since = clock_timestamp()
    FROM last_sync l WHERE q.lease_token = %s AND l.cycle = q.cycle
"""
# As ``SyncAllowance.next_at`` has it: the next one that nobody asks for.
_MADE = """
    INSERT INTO last_sync AS l (cycle, made_at, next_at)
    SELECT q.cycle, t.now, t.now - %(saving)s + %(every)s
    FROM sync_queue q, (SELECT clock_timestamp()) AS t(now) WHERE q.lease_token = %(token)s
    ON CONFLICT (cycle) DO UPDATE SET made_at = excluded.made_at, next_at = %(every)s
        + least(greatest(l.next_at, excluded.made_at - %(saving)s), excluded.made_at)
"""
# At most twice as long each time, from five seconds up to a quarter of an hour; how much of it is
# left to chance, so that what failed together does not come back together.
_FAIL = """
    UPDATE sync_queue SET lease_token = NULL, attempts = attempts + 1,
        priority = greatest(priority, again_priority), again_at = NULL, again_priority = NULL,
        refusals = refusals + %s::integer, last_error = %s, failed_at = clock_timestamp(),
        parked = %s, due_at = clock_timestamp() + random()
            * least(interval '15 minutes', interval '5 seconds' * power(2, least(attempts, 20)))
    WHERE lease_token = %s
"""
# Nothing of it was tried: it comes again as it was, at the earliest when told.
_GIVE_BACK = """
    UPDATE sync_queue SET lease_token = NULL,
        priority = greatest(priority, again_priority), again_at = NULL, again_priority = NULL,
        due_at = clock_timestamp() + (1 + random()) * %s
    WHERE lease_token = %s
"""
_MARK = f"""
    INSERT INTO sync_queue AS q (cycle, dirty_position, due_at, priority)
    VALUES (%(cycle)s, %(position)s, %(due_at)s, {URGENT})
    ON CONFLICT (cycle) DO UPDATE SET
        dirty_position = greatest(q.dirty_position, excluded.dirty_position),
        due_at = CASE WHEN q.lease_token IS NULL THEN least(q.due_at, excluded.due_at)
            ELSE q.due_at END,
        again_at = CASE WHEN q.lease_token IS NULL THEN NULL
            ELSE least(q.again_at, excluded.due_at) END,
        priority = CASE WHEN q.lease_token IS NULL THEN excluded.priority ELSE q.priority END,
        again_priority = CASE WHEN q.lease_token IS NOT NULL THEN excluded.priority END,
        parked = false
"""
_RETRY = """
    UPDATE sync_queue SET parked = false, attempts = 0, refusals = 0, due_at = clock_timestamp()
    WHERE parked AND (%(cycle)s::text IS NULL OR cycle = %(cycle)s)
"""
_LIST = """
    SELECT cycle, dirty_position, due_at, priority, attempts, lease_token IS NOT NULL, parked,
        last_error, failed_at
    FROM sync_queue WHERE cycle > %(after)s
        AND (%(parked)s::boolean IS NULL OR parked = %(parked)s)
        AND (attempts > 0 OR NOT %(failed_only)s)
    ORDER BY cycle LIMIT %(limit)s
"""
_QUEUED = (
    "cycle",
    "dirty_position",
    "due_at",
    "priority",
    "attempts",
    "leased",
    "parked",
    "last_error",
    "failed_at",
)
_COUNTS = """
    SELECT count(*) FILTER (WHERE lease_token IS NULL AND NOT parked),
        count(*) FILTER (WHERE lease_token IS NULL AND NOT parked AND due_at <= clock_timestamp()),
        count(*) FILTER (WHERE lease_token IS NOT NULL),
        count(*) FILTER (WHERE attempts > 0 AND NOT parked),
        count(*) FILTER (WHERE parked)
    FROM sync_queue
"""


class PostgresSyncQueue:
    """The ``SyncQueue`` port.

    allowance: how often a cycle is synced without anybody asking; as often as it changes without.
    """

    def __init__(
        self,
        database: Database,
        lease: timedelta = LEASE,
        *,
        allowance: SyncAllowance = UNLIMITED,
    ) -> None:
        self._database = database
        self._lease = lease
        self._allowance = allowance

    def claim(self, limit: int = 1, *, high_only: bool = False) -> Sequence[SyncClaim]:
        """Take due cycles. A lease that ran out is due again."""
        claims: list[SyncClaim] = []
        with self._database.connection() as connection:
            for priority in (URGENT, HIGH) if high_only else (URGENT, HIGH, NORMAL):
                if len(claims) < limit:
                    rows = connection.execute(
                        CLAIM, [priority, limit - len(claims), self._lease], prepare=True
                    )
                    claims += [
                        SyncClaim(
                            cycle=cycle,
                            dirty_position=position,
                            token=UUID(token),
                            attempts=attempts,
                            refusals=refusals,
                            high=priority > NORMAL,
                        )
                        for cycle, position, token, attempts, refusals, priority in rows
                    ]
        return claims

    def heartbeat(self, token: UUID) -> bool:
        """Prolong a lease."""
        with self._database.connection() as connection:
            return connection.execute(_HEARTBEAT, [self._lease, token]).rowcount > 0

    def done(self, claim: SyncClaim) -> bool:
        """Leave the queue unless the cycle moved on; then it is due at its own time."""
        allowance = self._allowance
        made = {"token": claim.token, "saving": allowance.saving, "every": allowance.every}
        with self._database.connection() as connection, connection.transaction():
            connection.execute(_MADE, made, prepare=True)
            left = connection.execute(_LEAVE, [claim.token, claim.dirty_position]).rowcount > 0
            if not left:
                connection.execute(_STAY, [claim.token])
        return left

    def fail(self, token: UUID, error: str, *, refused: bool = False, park: bool = False) -> bool:
        """Try again later, or never without a person."""
        with self._database.connection() as connection:
            values = [refused, error[:ERROR_LENGTH_MAX], park, token]
            return connection.execute(_FAIL, values).rowcount > 0

    def give_back(self, token: UUID, wait: timedelta) -> bool:
        """Let somebody have it again, not before ``wait`` is over."""
        with self._database.connection() as connection:
            return connection.execute(_GIVE_BACK, [wait, token]).rowcount > 0

    def mark(self, cycle: str, position: int, due_at: datetime) -> None:
        """Ask for a sync before all others."""
        with self._database.connection() as connection:
            connection.execute(_MARK, {"cycle": cycle, "position": position, "due_at": due_at})

    def retry_parked(self, cycle: str | None = None) -> int:
        """Try parked cycles again at once."""
        with self._database.connection() as connection:
            return connection.execute(_RETRY, {"cycle": cycle}).rowcount

    def list(
        self,
        *,
        parked: bool | None = None,
        failed_only: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[QueuedSync]:
        """What is in the queue."""
        wanted = {"parked": parked, "failed_only": failed_only, "after": after, "limit": limit}
        with self._database.connection() as connection:
            rows = connection.execute(_LIST, wanted)
            return [QueuedSync(**dict(zip(_QUEUED, row, strict=True))) for row in rows]

    def counts(self) -> QueueCounts:
        """How much is in the queue."""
        with self._database.connection() as connection:
            row = connection.execute(_COUNTS).fetchone()
        assert row is not None
        names = ("waiting", "due", "leased", "failing", "parked")
        return QueueCounts(**dict(zip(names, row, strict=True)))
