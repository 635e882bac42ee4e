"""Runs scheduled jobs: procrastinate's worker on an event loop of its own, in a thread."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import psycopg_pool
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from adapters.jobs.queue import QUEUE
from application.outage import STORE
from application.schedule_ports import BY_ITSELF, Asked
from domain.errors import StoreUnavailable

AT_ONCE = 4
"""Runs that a worker makes at the same time, each of another schedule."""

MISSED_WITHIN = timedelta(days=40)
"""A time that nobody was there for is made up for once, if it is not longer ago than this."""

POLL_S = 2.0
LOOK_FOR_STOP_S = 0.1
CONNECT_TIMEOUT_S = 3

log = logging.getLogger(__name__)


class JobRunner:
    """Makes runs when their time has come, and those that are asked for, one of a kind at a time.

    cadences: cron by schedule, in UTC; ``None``: only when asked for. carry_out: makes a run; it
    has a thread to itself. interrupted: told of one that did not end within ``drain`` of a stop.
    heartbeat: how often it says that it lives.
    """

    def __init__(
        self,
        conninfo: str,
        cadences: Mapping[str, str | None],
        carry_out: Callable[[Asked], None],
        interrupted: Callable[[Asked], None],
        *,
        drain: timedelta = timedelta(seconds=7),
        heartbeat: timedelta = timedelta(seconds=10),
    ) -> None:
        self._conninfo = conninfo
        self._cadences = cadences
        self._carry_out = carry_out
        self._interrupted = interrupted
        self._drain_s = drain.total_seconds()
        self._heartbeat_s = heartbeat.total_seconds()

    def run(self, stop: threading.Event, up: Callable[[], None] = lambda: None) -> None:
        """Work until ``stop`` is set; runs under way are finished first, if they end in time.

        up: told once that it works.

        Raises:
            StoreUnavailable: the database went away; begin again.
        """
        try:
            asyncio.run(self._work(stop, up))
        except (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout) as error:
            STORE.failed(error.__cause__ or error)
            raise StoreUnavailable("the database went away from the jobs; try again") from error
        if not stop.is_set():
            raise StoreUnavailable("the jobs lost their database; try again")

    async def _work(self, stop: threading.Event, up: Callable[[], None]) -> None:
        asyncio.get_running_loop().set_exception_handler(_untold)
        serving = asyncio.create_task(self._serve(up))
        while not stop.is_set() and not serving.done():
            await asyncio.wait({serving}, timeout=LOOK_FOR_STOP_S)
        serving.cancel()
        with suppress(asyncio.CancelledError):  # this is how its end is asked for
            await serving

    async def _serve(self, up: Callable[[], None]) -> None:
        app = self._app()
        async with self._connections() as pool, app.open_async(pool):
            up()
            await app.run_worker_async(
                queues=[QUEUE],
                concurrency=AT_ONCE,
                delete_jobs="successful",
                install_signal_handlers=False,
                shutdown_graceful_timeout=self._drain_s,
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=self._heartbeat_s,
                stalled_worker_timeout=3 * self._heartbeat_s,
            )

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[psycopg_pool.AsyncConnectionPool]:
        """Those of the library, which would wait for the database with pauses that grow."""
        pool = psycopg_pool.AsyncConnectionPool(
            self._conninfo,
            min_size=1,
            max_size=4,
            timeout=CONNECT_TIMEOUT_S,
            reconnect_timeout=CONNECT_TIMEOUT_S,
            kwargs={"connect_timeout": CONNECT_TIMEOUT_S},
            check=psycopg_pool.AsyncConnectionPool.check_connection,
            open=False,
        )
        try:
            await pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
            yield pool
        finally:
            await pool.close()

    def _app(self) -> App:
        days = MISSED_WITHIN.total_seconds()
        app = App(connector=PsycopgConnector(), periodic_defaults={"max_delay": days})
        for schedule, cadence in self._cadences.items():
            task = app.task(
                name=schedule,
                queue=QUEUE,
                lock=schedule,
                queueing_lock=schedule,
                pass_context=True,
            )(self._make)
            if cadence is not None:
                app.periodic(cron=cadence, periodic_id=schedule)(task)
        return app

    async def _make(
        self,
        context: JobContext,
        timestamp: int | None = None,
        attempt: int = 1,
        asked_by: str = BY_ITSELF,
    ) -> None:
        job = context.job
        assert job.id is not None
        asked = Asked(schedule=job.task_name, job=job.id, attempt=attempt, asked_by=asked_by)
        try:
            await _in_a_thread(asked.schedule, lambda: self._carry_out(asked))
        except asyncio.CancelledError:
            self._interrupted(asked)
            raise


def _untold(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say that the queue could not be told what became of a job; another has it made again."""
    error = context.get("exception")
    if isinstance(error, ConnectorException):
        why = error.__cause__ or error
        log.warning("the queue was not told of the end of a job: %s", why, extra={"trouble": error})
    else:
        loop.default_exception_handler(context)


async def _in_a_thread(name: str, work: Callable[[], None]) -> None:
    """Do it in a thread that does not keep the process from ending, as those of a pool would."""
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name=f"schedule {name}", daemon=True).start()
    await asyncio.wrap_future(done)
