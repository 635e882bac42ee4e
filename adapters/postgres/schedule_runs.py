"""Runs of schedules, and the workers that make them, as rows."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters.postgres.database import Database, Rows
from application.schedule_ports import Asked, LoopSeen, Run, Tally, WorkerSeen

ERROR_LENGTH_MAX = 1000
SILENT_AFTER = timedelta(seconds=30)
REPLACED_AFTER = timedelta(minutes=15)
"""A silent worker all of whose roles others have is no trouble any more after that."""

_RUN = (
    "id, schedule, started_at, ended_at, coalesce(outcome, 'running'), expected, done, error,"
    " attempt, asked_by, worker::text"
)
_BEGIN = (
    "INSERT INTO schedule_run (schedule, attempt, asked_by, job, worker)"
    " VALUES (%s, %s, %s, %s, %s) RETURNING id"
)
_END = (
    "UPDATE schedule_run SET ended_at = clock_timestamp(), outcome = %s, expected = %s, done = %s,"
    " error = %s WHERE id = %s AND ended_at IS NULL"
)
_BREAK_OFF = (
    "UPDATE schedule_run SET ended_at = clock_timestamp(), outcome = 'interrupted'"
    " WHERE job = %s AND ended_at IS NULL"
)
# From one name to the next by the index: there are many runs, and few schedules.
_LATEST = f"""
    WITH RECURSIVE named (name) AS (
        SELECT min(schedule) FROM schedule_run
        UNION ALL SELECT (SELECT min(schedule) FROM schedule_run WHERE schedule > name)
        FROM named WHERE name IS NOT NULL)
    SELECT {_RUN} FROM named CROSS JOIN LATERAL (SELECT * FROM schedule_run
        WHERE schedule = name ORDER BY schedule, id DESC LIMIT 1) AS run
"""
_LIST = (
    f"SELECT {_RUN} FROM schedule_run WHERE schedule = %(schedule)s"
    " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s"
)
_FORGET = """
    DELETE FROM schedule_run r WHERE started_at < clock_timestamp() - %s
        AND EXISTS (SELECT FROM schedule_run newer
            WHERE newer.schedule = r.schedule AND newer.id > r.id)
"""
_BEAT = """
    INSERT INTO worker (id, host, pid, roles, loops) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp(), loops = excluded.loops
"""
_LEAVE = "UPDATE worker SET stopped_at = clock_timestamp() WHERE id = %s"
_WORKERS = """
    SELECT id::text, host, pid, roles, started_at, beat_at, stopped_at, loops::text,
        CASE WHEN stopped_at IS NOT NULL THEN 'stopped'
            WHEN beat_at >= clock_timestamp() - %(silent)s THEN 'working'
            WHEN beat_at < clock_timestamp() - %(replaced)s AND roles <@ (
                SELECT array_agg(role) FROM worker at_work, unnest(at_work.roles) AS role
                WHERE at_work.stopped_at IS NULL
                    AND at_work.beat_at >= clock_timestamp() - %(silent)s) THEN 'replaced'
            ELSE 'silent' END
    FROM worker WHERE stopped_at IS NULL OR %(stopped)s
    ORDER BY stopped_at IS NOT NULL, started_at DESC, id
"""
_FORGET_WORKERS = "DELETE FROM worker WHERE beat_at < clock_timestamp() - %s"


class PostgresRunLog:
    """The ``RunLog`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, asked: Asked, worker: UUID) -> int:
        """Note that a run begins; its number."""
        values = [asked.schedule, asked.attempt, asked.asked_by, asked.job, worker]
        with self._database.connection() as connection:
            row = connection.execute(_BEGIN, values).fetchone()
        assert row is not None
        return int(row[0])

    def end(self, run: int, outcome: str, tally: Tally | None, error: str | None) -> bool:
        """Note how it ended; whether it was still open."""
        counts = [None, None] if tally is None else [tally.expected, tally.done]
        told = error if error is None else error[:ERROR_LENGTH_MAX]
        with self._database.connection() as connection:
            return connection.execute(_END, [outcome, *counts, told, run]).rowcount > 0

    def break_off(self, job: int) -> None:
        """Note that the run of a job is interrupted, if it is still open."""
        with self._database.connection() as connection:
            connection.execute(_BREAK_OFF, [job])

    def latest(self) -> Mapping[str, Run]:
        """The newest run of each schedule."""
        with self._database.connection() as connection:
            runs = map(_run, connection.execute(_LATEST).fetchall())
            return {each.schedule: each for each in runs}

    def list(self, schedule: str, before: int | None, limit: int) -> Sequence[Run]:
        """The newest runs of one, before a number."""
        values = {"schedule": schedule, "before": before, "limit": limit}
        with self._database.connection() as connection:
            return [_run(row) for row in connection.execute(_LIST, values).fetchall()]

    def forget(self, older_than: timedelta) -> int:
        """Delete what is older, but never a schedule's newest run; how many."""
        with self._database.connection() as connection:
            return connection.execute(_FORGET, [older_than]).rowcount


class PostgresCrew:
    """The ``Crew`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker: UUID, roles: Sequence[str], loops: Sequence[LoopSeen]) -> None:
        """Say that this process works, and how."""
        told = Jsonb([asdict(each) for each in loops])
        values = [worker, socket.gethostname(), os.getpid(), list(roles), told]
        with self._database.connection() as connection:
            connection.execute(_BEAT, values)

    def leave(self, worker: UUID) -> None:
        """Say that it stopped."""
        with self._database.connection() as connection:
            connection.execute(_LEAVE, [worker])

    def list(self, *, stopped: bool = False) -> Sequence[WorkerSeen]:
        """The workers seen lately, the newest first; last, if asked for, those that stopped."""
        asked = {"silent": SILENT_AFTER, "replaced": REPLACED_AFTER, "stopped": stopped}
        with self._database.connection() as connection:
            rows = connection.execute(_WORKERS, asked).fetchall()
        return [_worker(row) for row in rows]

    def forget(self, older_than: timedelta) -> int:
        """Delete those not seen since; how many."""
        with self._database.connection() as connection:
            return connection.execute(_FORGET_WORKERS, [older_than]).rowcount


def _run(row: Rows) -> Run:
    id_, schedule, started_at, ended_at, outcome, expected, done, error, *more = row
    attempt, asked_by, worker = more
    return Run(
        id=id_,
        schedule=schedule,
        started_at=started_at,
        ended_at=ended_at,
        outcome=outcome,
        expected=expected,
        done=done,
        error=error,
        attempt=attempt,
        asked_by=asked_by,
        worker=UUID(worker),
    )


def _worker(row: Rows) -> WorkerSeen:
    id_, host, pid, roles, started_at, beat_at, stopped_at, loops, state = row
    return WorkerSeen(
        id=UUID(id_),
        host=host,
        pid=pid,
        roles=roles,
        state=state,
        started_at=started_at,
        beat_at=beat_at,
        stopped_at=stopped_at,
        loops=[LoopSeen(**each) for each in json.loads(loops)],
    )
