"""What waits, counted in the store; and the judgement of it in words."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from adapters.postgres.change_requests import PostgresChangeRequests
from adapters.postgres.database import Database
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.postgres.vitals import COUNTS, QUARANTINED, SYNCS, PostgresVitals
from application.kept_changes import LASTS, Asked, Stake
from application.vitals import WAITING

HOUR = timedelta(hours=1)


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    with closing(Database(each_database_url, size=4)) as found:
        yield found


@pytest.fixture
def queue(database: Database) -> PostgresSyncQueue:
    return PostgresSyncQueue(database)


@pytest.fixture
def vitals(database: Database) -> PostgresVitals:
    return PostgresVitals(database)


def test_everything_that_can_wait_is_counted(vitals: PostgresVitals) -> None:
    assert {*COUNTS, *SYNCS, QUARANTINED} == WAITING.keys()
    assert {name: each.count for name, each in vitals.count().waiting.items()} == dict.fromkeys(
        WAITING, 0
    )


def test_syncs_are_counted_by_what_they_wait_for(
    queue: PostgresSyncQueue, vitals: PostgresVitals
) -> None:
    now = datetime.now(UTC)
    for cycle, due in (("later", HOUR), ("due", -HOUR), ("failed", -HOUR), ("parked", -HOUR)):
        queue.mark(cycle, 1, now + due)
    claims = {each.cycle: each for each in queue.claim(4)}
    queue.fail(claims["failed"].token, "busy")
    queue.fail(claims["parked"].token, "broken", refused=True, park=True)
    queue.give_back(claims["due"].token, timedelta(seconds=-60))

    counted = vitals.count()

    counts = {name: counted[name].count for name in WAITING if name.startswith("syncs")}
    assert counts["syncs"] == 4
    assert (counts["syncs_failing"], counts["syncs_parked"]) == (1, 1)
    assert counts["syncs_under_way"] == 0
    assert counted["syncs_due"].age(counted.at) >= timedelta(seconds=60)


def test_a_draft_is_unproved_since_its_first_change_however_often_it_was_tried(
    queue: PostgresSyncQueue, vitals: PostgresVitals, each_database_url: str
) -> None:
    queue.mark("a", 1, datetime.now(UTC) - HOUR)
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        connection.execute("UPDATE sync_queue SET dirty_since = dirty_since - interval '2 hours'")
    (claim,) = queue.claim()
    queue.fail(claim.token, "busy")
    queue.mark("a", 2, datetime.now(UTC) - HOUR)

    tried = vitals.count()
    assert tried["syncs"].age(tried.at) >= 2 * HOUR

    (claim,) = queue.claim()
    queue.mark("a", 3, datetime.now(UTC))
    queue.done(claim)
    proved = vitals.count()
    assert proved["syncs"].count == 1, "it moved on meanwhile"
    assert proved["syncs"].age(proved.at) < HOUR


def test_workers_are_counted_by_role_while_they_say_so(
    vitals: PostgresVitals, each_database_url: str
) -> None:
    insert = (
        "INSERT INTO worker (id, host, pid, roles, beat_at, stopped_at)"
        " VALUES (gen_random_uuid(), 'h', 1, %s, clock_timestamp() - %s, %s)"
    )
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        connection.execute(insert, [["sync", "project"], timedelta(), None])
        connection.execute(insert, [["sync"], timedelta(), None])
        connection.execute(insert, [["notify"], HOUR, None])
        connection.execute(insert, [["intake"], timedelta(), datetime.now(UTC)])

    assert vitals.count().workers == {"project": 1, "sync": 2}


def test_a_change_that_was_approved_and_broke_off_counts_although_its_week_is_over(
    database: Database, vitals: PostgresVitals
) -> None:
    store, now = PostgresChangeRequests(database), datetime.now(UTC)
    asked = Asked(operation="add_item", path={}, query={}, body=None)
    _, begun = (store.add(asked, Stake(), 1, "key:a", now - LASTS) for _ in range(2))
    store.begin(begun, "key:b", None)
    waiting = [each.id for each in store.list("waiting", None, 9, now)]
    assert (waiting, vitals.count()["change_requests"].count) == ([begun], 1)
