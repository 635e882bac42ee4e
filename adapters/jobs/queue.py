"""The queue of scheduled runs, in procrastinate's tables."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.schedule_ports import BY_ITSELF, Asked, DeadJob

Rows = tuple[Any, ...]
Connect = Callable[[], AbstractContextManager[Connection[Rows]]]

QUEUE = "schedules"
STALLED_AFTER = timedelta(seconds=30)
"""A worker that was not heard of for so long is gone, and its jobs are made again."""

UNSAID_AFTER = timedelta(seconds=30)
"""A run that ended so long ago is over, though its worker could not say so of its job."""

UNNOTED = "the database was away when it should have been noted; made again by itself"
UNHEARD = "its worker is not heard of; made again by itself"

# One that waits is due at once; the number of its attempt is that of the newest trouble.
_FORWARD = (
    "UPDATE procrastinate_jobs SET scheduled_at = NULL, args = args || %s"
    " WHERE queueing_lock = %s AND status = 'todo' RETURNING id"
)
_BACKWARD = (
    "UPDATE procrastinate_jobs SET scheduled_at = clock_timestamp() + %s,"
    " args = args || jsonb_build_object('attempt', %s::integer)"
    " WHERE queueing_lock = %s AND status = 'todo'"
)
_FAILURES = "DELETE FROM procrastinate_jobs WHERE task_name = %s AND status = 'failed'"
_DROP_FAILED = (
    "DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'failed' AND queue_name = %s"
    " RETURNING task_name"
)
_ATTEMPT = "coalesce((j.args->>'attempt')::integer, 1)"
_ASKED = f"{_ATTEMPT}, coalesce(j.args->>'asked_by', %(itself)s)"
# The library calls each job failed whose run raised anything. It is given up only where its last
# run says so: one of which nothing could be written down, because the database was away, is not.
_GIVEN_UP = f"""
    (j.status = 'failed' AND {_ATTEMPT} >= %(attempts_max)s AND EXISTS (SELECT FROM schedule_run r
        WHERE r.job = j.id AND r.outcome IN ('failed', 'lost')))
"""
# Under way by its state, though by nobody: its worker is gone, or could not say that it is over.
_STALLED = f"""
    j.queue_name = %(queue)s AND (j.status = 'failed' AND NOT {_GIVEN_UP}
        OR j.status = 'doing' AND (
            NOT EXISTS (SELECT FROM procrastinate_workers w
                WHERE w.id = j.worker_id AND w.last_heartbeat >= clock_timestamp() - %(stalled)s)
            OR EXISTS (SELECT FROM schedule_run r
                WHERE r.job = j.id AND r.ended_at < clock_timestamp() - %(unsaid)s)))
"""
# An attempt counts where its run failed, or killed the process that was at it. A process that
# lives was merely cut off from the database.
_LOST = f"""
    SELECT j.id, j.task_name, {_ASKED},
        r.outcome IS NOT NULL AND r.outcome IN ('done', 'incomplete'),
        r.id IS NOT NULL AND CASE WHEN r.outcome IS NOT NULL THEN r.outcome = 'failed'
            ELSE j.status = 'doing' AND NOT EXISTS (SELECT FROM worker w WHERE w.id = r.worker
                AND w.stopped_at IS NULL AND w.beat_at >= clock_timestamp() - %(stalled)s) END
    FROM procrastinate_jobs j LEFT JOIN LATERAL (
        SELECT * FROM schedule_run r WHERE r.job = j.id ORDER BY id DESC LIMIT 1
    ) r ON true
    WHERE {_STALLED} ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
"""
_GIVE_UP = "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s"
_DROP = "DELETE FROM procrastinate_jobs WHERE id = %s"
_NOTE_LOST = (
    "UPDATE schedule_run SET ended_at = clock_timestamp(), outcome = 'lost',"
    " error = 'its worker was not heard of any more' WHERE job = %s AND ended_at IS NULL"
)
_DEAD = f"""
    SELECT j.id, j.task_name, CASE WHEN {_GIVEN_UP} THEN 'failed' ELSE 'stalled' END,
        {_ASKED}, r.ended_at, CASE WHEN {_GIVEN_UP} THEN coalesce(r.error, 'no reason was kept')
            WHEN j.status = 'failed' THEN %(unnoted)s ELSE %(unheard)s END
    FROM procrastinate_jobs j LEFT JOIN LATERAL (
        SELECT ended_at, error FROM schedule_run r WHERE r.job = j.id ORDER BY id DESC LIMIT 1
    ) r ON true
    WHERE (j.status = 'failed' AND j.queue_name = %(queue)s) OR ({_STALLED})
    ORDER BY j.id DESC LIMIT 200
"""
# Not by the age of the events alone: a job that waits or runs is kept however old it is.
_OLD = """
    DELETE FROM procrastinate_jobs j
    WHERE j.queue_name = %(queue)s AND j.status NOT IN ('todo', 'doing') AND NOT EXISTS (
        SELECT FROM procrastinate_events e
        WHERE e.job_id = j.id AND e.at >= clock_timestamp() - %(age)s)
"""
_OLD_WORKERS = (
    "DELETE FROM procrastinate_workers w WHERE last_heartbeat < clock_timestamp() - %(age)s"
    " AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.worker_id = w.id"
    " AND j.status = 'doing')"
)


class ProcrastinateJobs:
    """The ``Jobs`` port. connect: lends connections. stalled_after, unsaid_after: see above.

    The library's own retries are not used: they put a job back among those that wait, which fails
    for ever where another with the same queueing lock waits already.
    """

    def __init__(
        self,
        connect: Connect,
        attempts_max: int,
        stalled_after: timedelta = STALLED_AFTER,
        unsaid_after: timedelta = UNSAID_AFTER,
    ) -> None:
        self._connect = connect
        self._attempts_max = attempts_max
        self._app = App(connector=SyncPsycopgConnector())
        self._known = {
            "queue": QUEUE,
            "itself": BY_ITSELF,
            "stalled": stalled_after,
            "unsaid": unsaid_after,
            "attempts_max": attempts_max,
            "unnoted": UNNOTED,
            "unheard": UNHEARD,
        }

    def ask(self, schedule: str, actor: str) -> int:
        """Have one made at once, or bring forward the one that waits; its number."""
        with self._connect() as connection, connection.transaction():
            return self._ask(connection, schedule, actor)

    def again(self, asked: Asked, wait: timedelta) -> None:
        """Have one made again after a while; one that waits already takes its place."""
        with self._connect() as connection, connection.transaction():
            self._again(connection, asked, wait)

    def settled(self, schedule: str) -> None:
        """Forget the failures of a schedule: a newer run tells more."""
        with self._connect() as connection:
            connection.execute(_FAILURES, [schedule])

    def dead(self) -> list[DeadJob]:
        """Those that failed for good, and those whose worker is gone."""
        names = ("id", "schedule", "status", "attempt", "asked_by", "at", "error")
        with self._connect() as connection:
            rows = connection.execute(_DEAD.encode(), self._known).fetchall()
        return [DeadJob(**dict(zip(names, row, strict=True))) for row in rows]

    def retry(self, job: int, actor: str) -> int | None:
        """Make a dead one anew; the new number, or ``None`` where it is not dead."""
        with self._connect() as connection, connection.transaction():
            row = connection.execute(_DROP_FAILED, [job, QUEUE]).fetchone()
            return None if row is None else self._ask(connection, row[0], actor)

    def recover(self) -> int:
        """Take jobs from workers that are gone, and have them made again; how many."""
        with self._connect() as connection, connection.transaction():
            lost = connection.execute(_LOST.encode(), self._known).fetchall()
            for job, schedule, attempt, asked_by, was_made, counted in lost:
                connection.execute(_NOTE_LOST, [job])
                if counted and attempt >= self._attempts_max:
                    connection.execute(_GIVE_UP, [job])
                    continue
                connection.execute(_DROP, [job])
                if not was_made:
                    number = attempt + 1 if counted else attempt
                    asked = Asked(schedule=schedule, job=job, attempt=number, asked_by=asked_by)
                    self._again(connection, asked, timedelta())
        return len(lost)

    def forget(self, older_than: timedelta) -> int:
        """Delete finished jobs, and the ids of workers that are gone; how many."""
        values = self._known | {"age": older_than}
        with self._connect() as connection:
            jobs = connection.execute(_OLD, values).rowcount
            connection.execute(_OLD_WORKERS, values)
        return jobs

    def _ask(self, connection: Connection[Rows], schedule: str, actor: str) -> int:
        asked = Asked(schedule=schedule, job=0, asked_by=actor)
        told = Jsonb({"attempt": asked.attempt, "asked_by": actor})
        while True:
            new = self._put(connection, asked, None)
            if new is not None:
                return new
            row = connection.execute(_FORWARD, [told, schedule]).fetchone()
            if row is not None:  # otherwise it began between the two statements
                return int(row[0])

    def _again(self, connection: Connection[Rows], asked: Asked, wait: timedelta) -> None:
        if self._put(connection, asked, wait) is None:
            connection.execute(_BACKWARD, [wait, asked.attempt, asked.schedule])

    def _put(
        self, connection: Connection[Rows], asked: Asked, wait: timedelta | None
    ) -> int | None:
        """Put one into the queue; ``None`` where one waits. Within the caller's transaction."""
        deferrer = self._app.configure_task(
            asked.schedule,
            queue=QUEUE,
            lock=asked.schedule,
            queueing_lock=asked.schedule,
            schedule_in=None if not wait else {"seconds": int(wait.total_seconds())},
            connection=connection,
        )
        try:
            # A duplicate would abort the whole transaction: a savepoint keeps the rest of it.
            with connection.transaction():
                return deferrer.defer(attempt=asked.attempt, asked_by=asked.asked_by)
        except AlreadyEnqueued:
            return None
