"""The inbox's table: each webhook once, claimed by one worker at a time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.postgres.database import Database
from adapters.postgres.inbox import PostgresCursor, PostgresInbox
from application.inbox import Message
from tests.january import JANUARY

MESSAGE = Message(
    id="evt_1",
    type="invoice.paid",
    object_id="in_1",
    cycle="acme.2026-01-01",
    organization="acme",
)
LEASE = timedelta(minutes=5)


@pytest.fixture
def inbox(each_database_url: str) -> Iterator[PostgresInbox]:
    database = Database(each_database_url)
    yield PostgresInbox(database)
    database.close()


def claim(inbox: PostgresInbox, now: datetime = JANUARY) -> list[Message]:
    return list(inbox.claim(now, now + LEASE, 10))


def test_a_webhook_is_stored_once(inbox: PostgresInbox) -> None:
    assert [inbox.add(MESSAGE, b"{}") for _ in range(2)] == [True, False]
    assert inbox.get("evt_1") == MESSAGE
    assert inbox.get("evt_2") is None


def test_a_claimed_event_comes_up_again_only_after_its_lease(inbox: PostgresInbox) -> None:
    inbox.add(MESSAGE, b"{}")
    assert claim(inbox) == [MESSAGE]
    assert claim(inbox) == []
    assert claim(inbox, JANUARY + LEASE) == [MESSAGE]


def test_what_is_handled_is_kept_and_never_comes_up_again(inbox: PostgresInbox) -> None:
    inbox.add(MESSAGE, b"{}")
    inbox.handled("evt_1")
    assert (claim(inbox), inbox.get("evt_1"), inbox.add(MESSAGE, b"{}")) == ([], None, False)


def test_what_failed_waits_for_its_time_or_for_a_person(inbox: PostgresInbox) -> None:
    inbox.add(MESSAGE, b"{}")
    inbox.failed("evt_1", "busy: again", JANUARY + LEASE)
    assert claim(inbox) == []
    assert claim(inbox, JANUARY + LEASE) == [replace(MESSAGE, attempts=1)]
    inbox.failed("evt_1", "not_found: no", None)
    assert claim(inbox, JANUARY + timedelta(days=99)) == []


def test_the_oldest_comes_first_and_no_more_than_asked_for(inbox: PostgresInbox) -> None:
    for number in range(3):
        inbox.add(replace(MESSAGE, id=f"evt_{number}", cycle=None), b"{}")
    found = inbox.claim(JANUARY, JANUARY + LEASE, 2)
    assert [message.id for message in found] == ["evt_0", "evt_1"]


def test_what_failed_is_listed_with_its_reason_until_it_is_handled(inbox: PostgresInbox) -> None:
    for number in range(4):
        inbox.add(replace(MESSAGE, id=f"evt_{number}"), b"{}")
    for number in range(3):
        inbox.failed(f"evt_{number}", f"busy: {number}", JANUARY + LEASE)
    inbox.failed("evt_1", "not_found: no", None)
    inbox.handled("evt_0")
    first, second = inbox.unhandled("", 9)
    assert first.message == replace(MESSAGE, id="evt_1", attempts=2)
    assert (first.error, first.due_at) == ("not_found: no", None)
    assert (second.error, second.due_at) == ("busy: 2", JANUARY + LEASE)
    assert inbox.unhandled("evt_1", 9) == [second]
    assert inbox.unhandled("", 1) == [first]


def test_a_person_has_one_or_all_tried_again(inbox: PostgresInbox) -> None:
    for number in range(3):
        inbox.add(replace(MESSAGE, id=f"evt_{number}"), b"{}")
    for number in range(2):
        inbox.failed(f"evt_{number}", "not_found: no", None)
    claim(inbox)
    assert [inbox.retry("evt_0"), inbox.retry("evt_2"), inbox.retry("evt_9")] == [1, 0, 0]
    assert claim(inbox) == [replace(MESSAGE, id="evt_0")]
    assert inbox.unhandled("", 1)[0].due_at == JANUARY + LEASE
    assert inbox.retry(None) == 2


def test_the_cursor_never_goes_back(each_database_url: str) -> None:
    database = Database(each_database_url)
    cursor = PostgresCursor(database)
    assert cursor.seen_at() is None
    for at in (JANUARY, JANUARY + LEASE, JANUARY):
        cursor.move(at)
    assert cursor.seen_at() == JANUARY + LEASE
    database.close()
