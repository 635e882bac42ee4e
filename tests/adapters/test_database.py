"""Connections to PostgreSQL: what goes wrong with one is told in our words, and gets over."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from adapters.postgres.database import Database
from domain.errors import StoreUnavailable
from tests.rabbitmq.relay import relay_to_database
from tests.scheduled import wait_until


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    with closing(Database(each_database_url, size=2)) as found:
        yield found


def answers(database: Database) -> bool:
    """Whether a connection can be had, and works."""
    try:
        with database.connection() as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except StoreUnavailable:
        return False


def test_a_connection_that_was_ended_went_away_and_the_next_is_another(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="went away"), database.connection() as connection:
        with psycopg.connect(database.conninfo, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        connection.execute("SELECT 1")
    assert answers(database)


def test_so_did_one_that_the_server_no_longer_waits_for(database: Database) -> None:
    with (
        pytest.raises(StoreUnavailable, match="went away"),
        database.connection() as connection,
        connection.transaction(),
    ):
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
        with psycopg.connect(database.conninfo, autocommit=True) as other:
            wait_until(lambda: not _is_there(other, connection.info.backend_pid))
        connection.execute("SELECT 1")
    assert answers(database)


def _is_there(other: psycopg.Connection[tuple[object, ...]], pid: int) -> bool:
    row = other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    return row is not None


def test_after_an_outage_of_many_tries_it_answers_again(each_database_url: str) -> None:
    with (
        relay_to_database(each_database_url) as (relay, url),
        closing(Database(url, size=2)) as database,
    ):
        assert answers(database)
        relay.cut()
        assert [answers(database) for _ in range(4)] == [False] * 4
        relay.mend()
        wait_until(lambda: answers(database))
