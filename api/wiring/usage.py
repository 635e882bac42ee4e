"""Wiring of the way of usage into the log."""

from collections.abc import Callable
from datetime import datetime

from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_rehearsal import PostgresRehearsals
from application.cycles import CycleOpener
from application.meters import MeteredUsageLog, Meters
from application.ports import Books, UsageLog
from application.quarantine import Quarantine
from application.recording import Recording
from application.replay_preview import ReplayPreviews


def usage_log(
    database: Database,
    catalog: PostgresCatalog,
    books: Books,
    meters: Meters | None,
    now: Callable[[], datetime],
) -> UsageLog:
    """Takes usage of this process; its outcomes are counted where somebody watches."""
    routes = Routes(catalog)
    planner = Planner(database, routes, CycleOpener(books, now))
    log = GroupCommit(UsageRecorder(database, routes, planner).append)
    return log if meters is None else MeteredUsageLog(log, meters)


def quarantine(database: Database, recording: Recording) -> Quarantine:
    """What could not be placed."""
    return Quarantine(PostgresQuarantine(database), recording)


def replay_previews(
    database: Database, catalog: PostgresCatalog, now: Callable[[], datetime]
) -> ReplayPreviews:
    """Shows what a replay of the quarantine would do."""
    rehearsals = PostgresRehearsals(database, catalog, now)
    return ReplayPreviews(PostgresQuarantine(database), rehearsals, catalog)
