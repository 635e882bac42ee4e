"""Databases for tests: an empty one per process, migrated, and emptied again in between."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from adapters.postgres.migrate import migrate


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def new_database(server: str, name: str) -> str:
    """The URL of a database made anew, with nothing in it."""
    drop_database(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return with_database(server, name)


def drop_database(server: str, name: str) -> None:
    """Remove it, whoever is connected, if it is there."""
    with psycopg.connect(server, autocommit=True) as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))


def migrated_database(server: str, name: str) -> str:
    """The same, with all tables."""
    url = new_database(server, name)
    migrate(url)
    return url


def clean(url: str) -> None:
    """Empty every table and start every sequence again, as if just migrated."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        if used := _used(connection):
            connection.execute(f"truncate {', '.join(used)} cascade".encode())
        for sequence in _drawn_from(connection):
            connection.execute(f"alter sequence {sequence} restart".encode())
        # The one row that a migration writes.
        connection.execute("insert into log_clock default values on conflict do nothing")


def _used(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Tables with rows: emptying one costs much more than looking."""
    tables = [each for each in _named(connection, "r", "p") if each != "schema_migration"]
    looks = ", ".join(
        f"case when exists (select 1 from {each}) then '{each}' end" for each in tables
    )
    row = connection.execute(f"select array_remove(array[{looks}], null)".encode()).fetchone()
    assert row is not None
    return [str(name) for name in row[0]]  # type: ignore[attr-defined]


def _drawn_from(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = connection.execute(
        "select format('%I', sequencename) from pg_sequences"
        " where schemaname = 'public' and last_value is not null"
    )
    return [str(name) for (name,) in rows]


def _named(connection: psycopg.Connection[tuple[object, ...]], *kinds: str) -> list[str]:
    """Tables, partitioned tables or sequences; partitions go with what they are parts of."""
    rows = connection.execute(
        "select format('%%I', relname) from pg_class"
        " where relnamespace = 'public'::regnamespace"
        " and relkind::text = any(%s) and not relispartition",
        [list(kinds)],
    )
    return [str(name) for (name,) in rows]
