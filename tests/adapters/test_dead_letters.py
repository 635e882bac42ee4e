"""Dead letters in PostgreSQL: kept once each, in one transaction, and never deleted."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.dead_letters import PostgresDeadLetters
from adapters.postgres.due_syncs import PostgresDueSyncs
from adapters.postgres.sync_queue import PostgresSyncQueue
from api.wiring import clock
from application.messages import Message, Poison
from domain.errors import StoreUnavailable
from tests.january import JANUARY


def poison(body: str, code: str = "invalid_record") -> Poison:
    message = Message(body=body.encode(), content_type="application/json", routing_key="fra")
    return Poison(message=message, code=code, detail="why", index=2)


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    with closing(Database(each_database_url, size=4)) as found:
        yield found


def test_a_letter_is_taken_as_it_was_sent(database: Database) -> None:
    store = PostgresDeadLetters(database)
    ids = store.add([poison("b"), poison("a")])
    taken = dict(store.take(ids))
    assert sorted(taken[each].body for each in ids) == [b"a", b"b"]
    assert all(each.content_type == "application/json" for each in taken.values())


def test_the_same_again_is_counted_with_its_new_reason_until_it_is_resolved(
    database: Database,
) -> None:
    store = PostgresDeadLetters(database)
    (first,) = store.add([poison("a")])
    assert store.add([poison("a", "in_the_future")]) == [first]
    (letter,) = store.list("open", 0, 10)
    assert (letter.times, letter.code) == (2, "in_the_future")
    assert store.resolve([first], "dropped", "a test", "ada") == 1
    assert store.resolve([first], "replayed", "again", "bob") == 0
    (second,) = store.add([poison("a")])
    assert second != first
    assert [each.resolved_by for each in store.list("dropped", 0, 10)] == ["ada"]
    assert store.count() == 1


def test_those_who_keep_the_same_letters_at_once_never_stand_in_each_others_way(
    database: Database,
) -> None:
    store = PostgresDeadLetters(database)
    letters = [poison(f"{number}") for number in range(200)]
    writers = [
        threading.Thread(target=store.add, args=(order,)) for order in (letters, letters[::-1]) * 2
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {each.times for each in store.list("open", 0, 500)} == {4}


def test_all_are_kept_or_none(database: Database) -> None:
    store = PostgresDeadLetters(database)
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("ALTER TABLE dead_letter ADD CONSTRAINT no_b CHECK (body <> 'b')")
        try:
            with pytest.raises((psycopg.errors.CheckViolation, StoreUnavailable)):
                store.add([poison("a"), poison("b"), poison("c")])
        finally:
            connection.execute("ALTER TABLE dead_letter DROP CONSTRAINT no_b")
    assert store.count() == 0


def test_due_syncs_are_those_that_somebody_could_take_now(database: Database) -> None:
    queue, syncs = PostgresSyncQueue(database), PostgresDueSyncs(database)
    for cycle in ("a", "b", "c"):
        queue.mark(f"{cycle}.2026-01-01", 1, JANUARY)
    queue.mark("later.2026-01-01", 1, clock().replace(year=2999))
    (claim,) = queue.claim(1)
    (other,) = queue.claim(1)
    queue.fail(other.token, "gone", park=True)
    left = {"a.2026-01-01", "b.2026-01-01", "c.2026-01-01"} - {claim.cycle, other.cycle}
    assert {each.cycle for each in syncs.due(10)} == left
    assert all(each.high for each in syncs.due(10))
