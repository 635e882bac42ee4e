"""Brings a database to the tables this code needs: numbered SQL files, in order, once each."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from domain.errors import RuleViolation, StoreUnavailable

#: The files of this release: ``0001_name.sql`` and so on.
MIGRATIONS = Path(__file__).with_name("migrations")

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK = 0x6379636C65  # any number that nothing else in the database locks

_TABLE = """
    create table if not exists schema_migration (
        number int primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default clock_timestamp()
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, applied in one transaction. Never edited once released; add another."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """By which an edit after the fact is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


def migrate(conninfo: str, folder: Path = MIGRATIONS) -> list[Migration]:
    """Apply what is pending, one process at a time, and return it.

    A file that fails leaves those before it applied and nothing of itself.

    Raises:
        RuleViolation: this database is not one that these files can continue (see ``pending``).
        StoreUnavailable: the database does not answer.
    """
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"the database does not answer: {error}") from error
    with connection:
        # Of this session: dropped when we end, however we end.
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        connection.execute("set client_min_messages to warning")
        connection.execute(_TABLE)
        todo = pending(connection, folder)
        for migration in todo:
            _apply(connection, migration)
    return todo


def pending(
    connection: psycopg.Connection[tuple[object, ...]], folder: Path = MIGRATIONS
) -> list[Migration]:
    """What this database still lacks, in order. Changes nothing.

    Raises:
        RuleViolation: an applied file was edited, the database is newer than the code, or a file
            was added before one that is applied.
    """
    files = migrations_in(folder)
    applied = _applied(connection)
    _refuse_unknown(applied, files)
    todo = [each for each in files if each.number not in applied]
    last = max(applied, default=0)
    for migration in todo:
        if migration.number < last:
            raise RuleViolation(
                f"migration {migration} comes before {last:04}, which is applied; renumber it",
                code="migration_out_of_order",
            )
    return todo


def migrations_in(folder: Path) -> list[Migration]:
    """The files of a folder in order.

    Raises:
        RuleViolation: there are none, one has an odd name, or two have one number.
    """
    found: dict[int, Migration] = {}
    for file in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            raise RuleViolation(f"{file.name} is no migration: call it NNNN_name.sql")
        migration = Migration(int(match[1]), match[2], file.read_text("utf-8"))
        if migration.number in found:
            raise RuleViolation(
                f"{migration} and {found[migration.number]} have the same number; renumber one"
            )
        found[migration.number] = migration
    if not found:
        raise RuleViolation(f"there are no migrations in {folder}; the installation is incomplete")
    return list(found.values())


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql.encode())
        connection.execute(
            "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )


def _applied(connection: psycopg.Connection[tuple[object, ...]]) -> dict[int, tuple[str, str]]:
    """Name and checksum of every applied migration, by number."""
    found = connection.execute("select to_regclass('schema_migration')").fetchone()
    if found == (None,):
        return {}
    rows = connection.execute("select number, name, checksum from schema_migration").fetchall()
    return {int(str(number)): (str(name), str(checksum)) for number, name, checksum in rows}


def _refuse_unknown(applied: dict[int, tuple[str, str]], files: Sequence[Migration]) -> None:
    known = {migration.number: migration for migration in files}
    for number, (name, checksum) in sorted(applied.items()):
        if number not in known:
            raise RuleViolation(
                f"the database is newer than this code: it has migration {number:04}_{name}; "
                "start the release that made it, or a later one",
                code="database_newer_than_code",
            )
        if known[number].checksum != checksum:
            raise RuleViolation(
                f"migration {known[number]} was changed after it was applied; "
                "restore the file and put the change into a new one",
                code="migration_changed",
            )
