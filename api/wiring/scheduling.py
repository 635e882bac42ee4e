"""Wiring of schedules: their queue of jobs, the log of their runs, and the list of workers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.jobs.queue import ProcrastinateJobs
from adapters.jobs.runner import JobRunner
from adapters.postgres.database import Database
from adapters.postgres.schedule_runs import PostgresCrew, PostgresRunLog
from adapters.postgres.syncs_ahead import SyncsAhead
from api import cron
from api.settings import Settings
from api.wiring.processor import sync_allowance
from application.schedule_ports import Crew, Jobs, RunLog
from application.schedules import Schedules, Times, cadences
from application.sweeping import ATTEMPTS_MAX, Sweeping
from application.worker import Lasting


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduling:
    """What a worker needs for schedules. loop: makes runs in the way it is given."""

    runs: RunLog
    jobs: Jobs
    crew: Crew
    syncs_ahead: SyncsAhead
    loop: Callable[[Sweeping], Lasting]


def scheduling(settings: Settings, database: Database) -> Scheduling:
    """Everything about schedules over one database."""
    known = cadences(settings.schedules, cron.is_cadence)

    def loop(sweeping: Sweeping) -> Lasting:
        made, broken_off = sweeping.carry_out, sweeping.interrupted
        return Lasting("schedules", JobRunner(database.conninfo, known, made, broken_off).run)

    return Scheduling(
        runs=PostgresRunLog(database),
        jobs=ProcrastinateJobs(database.connection, ATTEMPTS_MAX),
        crew=PostgresCrew(database),
        syncs_ahead=SyncsAhead(database, sync_allowance(settings)),
        loop=loop,
    )


def schedules(settings: Settings, parts: Scheduling, now: Callable[[], datetime]) -> Schedules:
    """What people see and ask of them."""
    known = cadences(settings.schedules, cron.is_cadence)
    times = Times(after=cron.after, before=cron.before)
    return Schedules(known, times, parts.runs, parts.jobs, parts.crew, now)
