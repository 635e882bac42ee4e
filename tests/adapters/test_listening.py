"""Hearing of the log's growth, whatever becomes of the connection."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.listening import LogGrowth


@pytest.fixture
def growth(each_database_url: str) -> Iterator[LogGrowth]:
    listener = LogGrowth(each_database_url)
    assert not listener.wait(0.01)
    yield listener
    listener.close()


def say(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_growth_is_heard_at_once(each_database_url: str, growth: LogGrowth) -> None:
    threading.Timer(0.05, say, [each_database_url, "NOTIFY cyclebook_events"]).start()
    assert growth.wait(10)
    assert not growth.wait(0.01)


def test_a_lost_connection_is_made_anew(each_database_url: str, growth: LogGrowth) -> None:
    say(
        each_database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    )
    assert not growth.wait(0.3)
    assert not growth.wait(0.3)
    threading.Timer(0.05, say, [each_database_url, "NOTIFY cyclebook_events"]).start()
    assert growth.wait(10)


def test_where_there_is_no_database_it_merely_waits() -> None:
    nowhere = LogGrowth("postgresql://127.0.0.1:1/none")
    assert not nowhere.wait(0.01)
    assert not nowhere.wait(0.01)
    nowhere.close()
