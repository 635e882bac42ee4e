"""Wiring to a database: one that answers and is up to date."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.postgres.database import Database
from adapters.postgres.migrate import migrate, pending
from adapters.postgres.reaching import await_database
from api.settings import Settings
from domain.errors import InvalidInput, RuleViolation

WAIT = timedelta(minutes=1)
"""A database that starts is usually up by then; otherwise whoever started us does so again."""

if TYPE_CHECKING:
    from adapters.postgres.embedded import EmbeddedPostgres
    from adapters.postgres.listening import LogGrowth


@contextmanager
def attached(
    settings: Settings, *, up_to_date: bool = True, keep_running: bool = False
) -> Iterator[str]:
    """The URL of the database: ``DATABASE_URL``, or the embedded one, started.

    up_to_date: whether the embedded one is migrated first, and another is required to be.
    keep_running: for a process that goes on: it waits ``WAIT`` for ``DATABASE_URL``, and starts
    the embedded one again, should it die meanwhile. Such a process, and whoever migrates, makes
    the embedded one where there is none. For all others an empty one would answer that all is
    well, in a folder that was named by mistake.

    Raises:
        InvalidInput: there is no embedded one, and this command makes none.
        StoreUnavailable: the database does not answer.
        StoreMisconfigured: it refuses what ``DATABASE_URL`` says.
        RuleViolation: it lacks migrations, or is newer than this code.
    """
    if settings.database_url is not None:
        await_database(settings.database_url, WAIT if keep_running else timedelta())
        if up_to_date:
            _require_migrated(settings.database_url)
        yield settings.database_url
        return
    from adapters.postgres.embedded import EmbeddedPostgres
    from adapters.postgres.keeping import kept_running

    server = EmbeddedPostgres(settings.cyclebook_home, programs=settings.postgres_programs)
    if up_to_date and not keep_running:
        _require_made(server)
    with server as url:
        if up_to_date:
            migrate(url)
        with kept_running(server) if keep_running else nullcontext():
            yield url


def migrated(conninfo: str) -> list[str]:
    """Bring a database up to date; the migrations that were applied."""
    return [str(each) for each in migrate(conninfo)]


def lacking(database: Database) -> list[str]:
    """The migrations that a database lacks."""
    with database.connection() as connection:
        return [str(each) for each in pending(connection)]


def log_growth(conninfo: str) -> "LogGrowth":
    """Tells when the log grows."""
    from adapters.postgres.listening import LogGrowth

    return LogGrowth(conninfo)


def _require_made(server: "EmbeddedPostgres") -> None:
    if not server.is_made():
        raise InvalidInput(
            f"there is no database in {server.home}: name its folder in CYCLEBOOK_HOME, or its "
            "address in DATABASE_URL; cyclebook up makes one here, and so does cyclebook migrate",
            field="CYCLEBOOK_HOME",
        )


def _require_migrated(conninfo: str) -> None:
    database = Database(conninfo, size=1)
    try:
        missing = lacking(database)
    finally:
        database.close()
    if missing:
        raise RuleViolation(
            f"the database lacks {', '.join(missing)}: run cyclebook migrate",
            code="migrations_pending",
        )
