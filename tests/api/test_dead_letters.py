"""What came in messages and could not be recorded: listed, recorded again, or given up."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from adapters.postgres.database import Database
from adapters.postgres.dead_letters import PostgresDeadLetters
from api.wiring import Wired
from application.messages import Message, Poison
from tests.api.conftest import Caller
from tests.api.test_life import done
from tests.api.test_usage import record

WHY = {"reason": "the clock is right now"}


def kept(wired: Wired, *sent: Any) -> list[int]:
    """Dead letters, as if each had been refused for a reason of its time; their numbers."""
    with closing(Database(wired.settings.database_url or "", size=1)) as database:
        store = PostgresDeadLetters(database)
        ids: list[int] = []
        for each in sent:
            body = each if isinstance(each, bytes) else json.dumps(each).encode()
            message = Message(body=body, exchange="cyclebook.usage", routing_key="fra")
            poison = Poison(message=message, code="in_the_future", detail="too early", index=3)
            ids += store.add([poison])
        return ids


def letters(admin: Caller, status: str = "open") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done(admin("GET", f"/v1/dead-letters?status={status}"))["data"]
    return found


def test_a_letter_tells_what_was_sent_where_and_why_it_was_refused(
    wired: Wired, admin: Caller
) -> None:
    kept(wired, b'{"id": \xff}' + b" " * 3_000)
    (letter,) = letters(admin)
    assert letter["beginning"].startswith('{"id": \ufffd}')
    assert (letter["size"], len(letter["beginning"])) == (3_009, 2_000)
    assert (letter["code"], letter["detail"]) == ("in_the_future", "too early")
    assert (letter["exchange"], letter["routing_key"]) == ("cyclebook.usage", "fra")
    assert (letter["index"], letter["times"], letter["status"]) == (3, 1, "open")


def test_the_same_again_is_counted_and_not_kept_twice(wired: Wired, admin: Caller) -> None:
    assert kept(wired, b"x", b"x", b"y") == [1, 1, 3]
    assert [(each["beginning"], each["times"]) for each in letters(admin)] == [("x", 2), ("y", 1)]


def test_a_text_that_postgresql_cannot_hold_is_kept_all_the_same(
    wired: Wired, admin: Caller
) -> None:
    with closing(Database(wired.settings.database_url or "", size=1)) as database:
        strange = Message(body=b"\0", content_type="a\0", routing_key="\ud800")
        poison = Poison(message=strange, code="invalid_record", detail="field \0: unknown")
        PostgresDeadLetters(database).add([poison])
    (letter,) = letters(admin)
    assert (letter["content_type"], letter["routing_key"]) == ("a\ufffd", "?")


def test_a_replay_records_what_it_can_and_keeps_the_rest(
    wired: Wired, admin: Caller, acme: str
) -> None:
    good, mixed = record("k1"), [record("k2"), {"id": "k3"}]
    kept(wired, good, mixed, b"no JSON", record("k4", meter="disk"))
    assert done(admin("POST", "/v1/dead-letters/replay", WHY)) == {
        "replayed": 3,
        "still_dead": 1,
        "accepted": 2,
        "duplicates": 0,
        "conflicts": 0,
        "quarantined": 1,
    }
    left = {(each["code"], each["beginning"], each["times"]) for each in letters(admin)}
    assert left == {("malformed_request", "no JSON", 1), ("invalid_record", '{"id": "k3"}', 1)}
    assert [each["resolution"] for each in letters(admin, "replayed")] == [WHY["reason"]] * 3


def test_deliveries_are_counted_and_replays_are_not(wired: Wired, admin: Caller) -> None:
    kept(wired, b"no JSON", b"no JSON")
    (before,) = letters(admin)
    for _ in range(2):
        assert done(admin("POST", "/v1/dead-letters/replay", WHY))["still_dead"] == 1
    (after,) = letters(admin)
    assert (after["times"], after["last_at"]) == (2, before["last_at"])
    kept(wired, b"no JSON")
    assert letters(admin)[0]["times"] == 3


def test_one_is_replayed_twice_and_counts_once(wired: Wired, admin: Caller, acme: str) -> None:
    kept(wired, record("k1"), record("k2"))
    for _ in range(2):
        (first, *_) = letters(admin) or [{"id": 1}]
        admin("POST", "/v1/dead-letters/replay", {"ids": [first["id"]], **WHY})
    kept(wired, record("k1"))
    again = admin("POST", "/v1/dead-letters/replay", WHY).get_json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)


def test_a_dropped_letter_stays_listed_with_the_reason(wired: Wired, admin: Caller) -> None:
    kept(wired, b"x", b"y")
    assert done(admin("POST", "/v1/dead-letters/drop", {"ids": [2], **WHY})) == {"dropped": 1}
    assert [each["beginning"] for each in letters(admin)] == ["x"]
    (dropped,) = letters(admin, "dropped")
    assert (dropped["beginning"], dropped["resolution"]) == ("y", WHY["reason"])
    assert kept(wired, b"y") == [3]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("replay", {"ids": [9], **WHY}, 404, id="nothing of that number to replay"),
        pytest.param("drop", {"ids": [9], **WHY}, 404, id="nothing of that number to drop"),
        pytest.param("drop", WHY, 422, id="everything at once is not dropped"),
        pytest.param("replay", {"reason": " "}, 422, id="no reason"),
        pytest.param("replay", {}, 422, id="no reason at all"),
    ],
)
def test_what_is_refused(
    admin: Caller, wired: Wired, path: str, body: dict[str, Any], status: int
) -> None:
    kept(wired, b"x")
    assert admin("POST", f"/v1/dead-letters/{path}", body).status_code == status
    assert len(letters(admin)) == 1


def test_the_list_goes_on_page_by_page(wired: Wired, admin: Caller) -> None:
    kept(wired, *(f"{number}".encode() for number in range(5)))
    found: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = done(admin("GET", f"/v1/dead-letters?limit=2&cursor={cursor}"))
        found += [each["beginning"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert found == ["0", "1", "2", "3", "4"]


def test_the_command_lists_replays_and_drops(
    wired: Wired, acme: str, run: Callable[..., tuple[int, str, str]]
) -> None:
    kept(wired, record("k1"), b"\x1b[2J")
    status, said, _ = run("intake", "dead", "--json")
    assert (status, json.loads(said)["left"]) == (1, 2)
    status, said, _ = run("intake", "dead", "--replay", "all", "--reason", "mended")
    assert (status, "1 replayed, 1 still dead, 1 accepted" in said) == (1, True)
    assert "malformed_request" in said and "1 dead letters" in said
    assert "\x1b" not in said
    status, said, _ = run("intake", "dead", "--drop", "2", "--reason", "a test")
    assert (status, "1 dropped" in said, "0 dead letters" in said) == (0, True, True)


def test_the_command_drops_all_that_are_open(
    wired: Wired, run: Callable[..., tuple[int, str, str]]
) -> None:
    kept(wired, b"one", b"two", b"three")
    run("intake", "dead", "--drop", "2", "--reason", "a test")
    status, said, _ = run("intake", "dead", "--drop", "all", "--reason", "tests, too")
    assert (status, "2 dropped" in said, "0 dead letters" in said) == (0, True, True)
    status, said, _ = run("intake", "dead", "--drop", "all", "--reason", "tests, too")
    assert (status, "0 dropped" in said) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--drop", "all"),
        ("--replay", "all"),
        ("--replay", "x", "--reason", "y"),
        ("--drop", "x", "--reason", "y"),
    ],
    ids=["a drop without a reason", "a replay without one", "no number", "none to drop"],
)
def test_the_command_wants_a_reason_and_a_number(
    wired: Wired, run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...]
) -> None:
    assert run("intake", "dead", *arguments)[0] == 2


def test_there_is_no_intake_without_a_broker(
    wired: Wired, run: Callable[..., tuple[int, str, str]]
) -> None:
    status, _, why = run("work", "--role", "intake")
    assert (status, "set AMQP_URL" in why) == (2, True)
