"""Connections to PostgreSQL: what goes wrong with one is told in our words, and gets over."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.pool import TRUSTED_S
from application.outage import STORE
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


def test_connections_that_ended_while_nobody_used_them_are_noticed_by_nobody(
    each_database_url: str,
) -> None:
    """As when the server was killed and is back: without that, each would fail one user."""
    STORE.answered()  # whatever was before
    now = [0.0]
    with closing(Database(each_database_url, size=8, clock=lambda: now[0])) as database:
        pids = _in_use_at_once(database, 4)
        with psycopg.connect(each_database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [pids])
            for pid in pids:
                wait_until(lambda pid=pid: not _is_there(other, pid))
        now[0] += TRUSTED_S

        assert not set(_in_use_at_once(database, 4)) & set(pids)
        assert not STORE.under_way


def test_one_that_was_in_use_just_now_is_not_asked(each_database_url: str) -> None:
    now = [0.0]
    with closing(Database(each_database_url, size=1, clock=lambda: now[0])) as database:
        for pause, asked in ((0.0, False), (TRUSTED_S / 2, False), (TRUSTED_S, True)):
            assert answers(database)
            now[0] += pause
            assert (_last_statement(database) == "") == asked, pause


def _last_statement(database: Database) -> str:
    """What the connection that is lent next did last, as the server saw it once it was lent."""
    with (
        database.connection() as connection,
        psycopg.connect(database.conninfo, autocommit=True) as other,
    ):
        seen = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        row = other.execute(seen, [connection.info.backend_pid]).fetchone()
        assert row is not None
        return str(row[0])


def _in_use_at_once(database: Database, count: int) -> list[int]:
    """The processes of so many connections, which are idle afterwards."""
    with ExitStack() as lent:
        found = [lent.enter_context(database.connection()) for _ in range(count)]
        for connection in found:
            connection.execute("SELECT 1")
        return [connection.info.backend_pid for connection in found]


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
