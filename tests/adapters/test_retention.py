"""What is forgotten by itself: what ended long ago; and each table is told of."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from api.settings import Settings
from api.sweeps import sweeps
from api.wiring import wire

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "retention.md"

OF_THE_PAGES: dict[str, tuple[LiteralString, LiteralString, timedelta]] = {
    "sign_in_request": (
        "INSERT INTO sign_in_request (client, at) VALUES (%(name)s, %(at)s)",
        "SELECT client FROM sign_in_request",
        timedelta(days=1),
    ),
    "web_session": (
        "INSERT INTO web_session (digest, actor, role, expires_at)"
        " VALUES (convert_to(%(name)s, 'UTF8'), %(name)s, 'support', %(at)s)",
        "SELECT actor FROM web_session",
        timedelta(days=30),
    ),
    "sign_in_link": (
        "INSERT INTO sign_in_link (link, made_by, actor, role, expires_at)"
        " VALUES (%(name)s, 'cli', 'staff:jane', 'support', %(at)s)",
        "SELECT link FROM sign_in_link",
        timedelta(days=400),
    ),
}
"""How a row that ended at an instant is made, and found; and how long it stays."""


@pytest.mark.parametrize("table", OF_THE_PAGES)
def test_what_people_left_behind_at_the_pages_goes(database_url: str, table: str) -> None:
    make, find, kept = OF_THE_PAGES[table]
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for name, at in (("old", now - kept - timedelta(hours=1)), ("new", now - kept / 2)):
            connection.execute(make, {"name": name, "at": at})

        assert forgotten(database_url, now) == 1
        assert rows(connection, find) == [("new",)]


def test_there_may_be_more_than_is_deleted_at_once(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sign_in_request (client, at)"
            " SELECT 'c', now() - interval '2 days' FROM generate_series(1, 12000)"
        )
        assert forgotten(database_url, datetime.now(UTC)) == 12_000
        assert rows(connection, "SELECT client FROM sign_in_request") == []


def test_every_table_is_told_of_once(worker_database: str) -> None:
    with psycopg.connect(worker_database) as connection:
        found = {
            name
            for (name,) in rows(
                connection,
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition",
            )
        }
    told = [
        name
        for line in re.findall(r"^\| (`.*?) \|", REFERENCE.read_text("utf-8"), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", line)
    ]
    assert found - set(told) == set(), "say in docs/reference/retention.md how long it is kept"
    assert sorted(told) == sorted(found)


def forgotten(database_url: str, now: datetime) -> int:
    """Run the schedule; how many rows it deleted."""
    settings = Settings.from_environment({"DATABASE_URL": database_url})
    with wire(settings, database_url) as wired:
        done = sweeps(wired)["retention"](now).done
    assert done is not None
    return done


def rows(connection: psycopg.Connection[Any], query: LiteralString) -> Sequence[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
