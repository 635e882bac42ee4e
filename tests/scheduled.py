"""A worker's jobs over a real database."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from adapters.jobs.queue import STALLED_AFTER, ProcrastinateJobs
from adapters.jobs.runner import JobRunner
from adapters.postgres.database import Database
from adapters.postgres.schedule_runs import PostgresCrew, PostgresRunLog
from application.recovering import Recovering
from application.schedule_ports import Run
from application.sweeping import ATTEMPTS_MAX, Sweep, Sweeping
from application.worker import Lasting, Loop, every

HEARTBEAT = timedelta(milliseconds=300)
QUICKLY = timedelta(seconds=5)
"""Not sooner, or a machine under load is taken for a dead one."""

LOOK_EVERY = timedelta(milliseconds=100)


class Desk:
    """The queue and the log of runs of one worker.

    stalled_after: so long after its last word another one is taken to be dead. store: the way to
    the database for all but the runner, where that is another.
    """

    def __init__(
        self, url: str, stalled_after: timedelta = STALLED_AFTER, store: str | None = None
    ) -> None:
        self.url, self.worker = url, uuid4()
        self.database = Database(store or url, size=6)
        self.runs = PostgresRunLog(self.database)
        self.crew = PostgresCrew(self.database)
        self.jobs = ProcrastinateJobs(self.database.connection, ATTEMPTS_MAX, stalled_after)

    def log(self, schedule: str = "audit") -> list[Run]:
        """Its runs, the first first."""
        return list(reversed(self.runs.list(schedule, None, 100)))

    def loops(
        self,
        sweeps: Mapping[str, Sweep],
        cadences: Mapping[str, str | None] | None = None,
        drain: timedelta = timedelta(seconds=5),
    ) -> list[Loop]:
        """What one worker runs."""
        sweeping = Sweeping(sweeps, self.runs, self.jobs, self.worker, lambda: datetime.now(UTC))
        runner = JobRunner(
            self.url,
            cadences or dict.fromkeys(sweeps),
            sweeping.carry_out,
            sweeping.interrupted,
            drain=drain,
            heartbeat=HEARTBEAT,
        )
        recovery = Loop("recovery", Recovering(self.jobs).step, every(LOOK_EVERY))
        return [Lasting("schedules", runner.run), recovery]


@contextmanager
def desk(
    url: str, stalled_after: timedelta = STALLED_AFTER, store: str | None = None
) -> Iterator[Desk]:
    """One over a database; let go afterwards."""
    found = Desk(url, stalled_after, store)
    try:
        yield found
    finally:
        found.database.close()


@contextmanager
def working(*loops: Loop) -> Iterator[None]:
    """Loops that run for as long as the block does, and end when they are asked to."""
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=[stop], daemon=True) for each in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(15)
        assert not any(thread.is_alive() for thread in threads)


def wait_until(holds: Callable[[], bool], within_s: int = 20) -> None:
    """Look until it holds."""
    pause = threading.Event()
    for _ in range(within_s * 50):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it never held")
