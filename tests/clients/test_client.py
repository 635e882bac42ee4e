"""What the client tells its caller: of records refused, of a full memory, and what it answers."""

import ast
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import cyclebook_client
import pytest
from cyclebook_client import (
    Client,
    ClientClosed,
    ClientError,
    Full,
    NoAnswer,
    Options,
    Refusal,
    Refused,
    Unsent,
)
from cyclebook_client.records import Ids

from tests.acceptance.running import free_port
from tests.api.conftest import CYCLE, Caller, day
from tests.clients.conftest import HASTE, Books, client_to
from tests.clients.proxy import GONE, Broken, Proxy

ACME = {"organization": "acme", "attachment": "a1"}
DOWN = Broken(0, GONE)


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


# What becomes of records


def test_every_record_that_is_not_accepted_is_told_with_its_place_and_its_field(
    service: str, key: str, books: Books
) -> None:
    told = client_to(service, key, age_s=60.0)
    with told.client as usage:
        good = usage.record("cpu", "2.5", **ACME, id="k1")
        usage.record("cpu", 1, organization="Acme Inc.")
        usage.record("cpu", "much", **ACME)
        usage.record("disk", 1, **ACME)
        usage.record("cpu", 3, **ACME, id="k1")
        usage.record("cpu", 1, **ACME, occurred_at=datetime(2999, 1, 1, tzinfo=UTC))
    assert books.ids() == [good]
    assert [(each.index, each.outcome, each.code, each.field) for each in told.refusals] == [
        (1, "rejected", "invalid_record", "organization"),
        (2, "quarantined", "unusable_value", "value"),
        (3, "quarantined", "unknown_meter", "meter"),
        (4, "conflict", "conflict", "id"),
        (5, "rejected", "in_the_future", "occurred_at"),
    ]
    assert [each.record.value for each in told.refusals] == ["1", "much", "1", "3", "1"]


def test_a_batch_of_which_nothing_is_usable_is_told_record_by_record(
    service: str, key: str
) -> None:
    told = client_to(service, key, age_s=60.0)
    with told.client as usage:
        usage.record("CPU", 1, **ACME)
        usage.record("CPU", 1, **ACME)
    assert [(each.index, each.outcome, each.field) for each in told.refusals] == [
        (0, "rejected", "meter"),
        (1, "rejected", "meter"),
    ]


def test_a_callback_may_record_again(service: str, key: str, books: Books) -> None:
    def correct(refusal: Refusal) -> None:
        usage.record(refusal.record.meter, "7", **ACME)

    with Client(service, key, Options(**HASTE, on_refused=correct)) as usage:
        usage.record("cpu", "seven", **ACME)
        usage.flush()
    assert books.quantity() == "7"


def test_a_callback_that_fails_or_closes_keeps_nobody_from_sending(
    service: str, key: str, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    def close(refusal: Refusal) -> None:
        usage.close()

    with Client(service, key, Options(**HASTE, on_refused=close)) as usage:
        usage.record("cpu", "much", **ACME)
        usage.flush()
        good = usage.record("cpu", 1, **ACME)
    assert books.ids() == [good]
    assert "a callback can neither flush nor close" in caplog.text


def test_without_a_callback_the_log_tells(
    service: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(service, key, Options(**HASTE)) as usage:
        usage.record("cpu", "much", **ACME)
    assert "usage record not accepted" in caplog.text


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param(0.1, TypeError, id="a float"),
        pytest.param(True, TypeError, id="a truth"),
        pytest.param(None, TypeError, id="nothing"),
        pytest.param(Decimal("NaN"), ValueError, id="not a number"),
    ],
)
def test_a_value_that_is_no_exact_number_is_refused_at_the_call(
    value: Any, error: type[Exception]
) -> None:
    with Client(nowhere(), "ck_x") as usage, pytest.raises(error):
        usage.record("cpu", value, **ACME)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"properties": {"region": 7}}, id="a property"),
        pytest.param({"organization": None}, id="no organization"),
        pytest.param({"attachment": 3}, id="a number for an attachment"),
    ],
)
def test_what_is_no_text_is_refused_at_the_call(more: Any) -> None:
    with Client(nowhere(), "ck_x") as usage, pytest.raises(TypeError):
        usage.record("cpu", 1, **ACME | more)


def test_ids_are_uuids_in_the_order_of_time() -> None:
    ids = Ids()
    made = [ids.new() for _ in range(5_000)]
    assert made == sorted(set(made))
    parsed = UUID(made[0])
    assert (parsed.version, parsed.variant) == (7, "specified in RFC 4122")
    assert abs((parsed.int >> 80) / 1000 - time.time()) < 60


# What is refused as a whole


def test_a_key_that_is_refused_is_asked_once_and_told_at_the_next_record(
    way: Proxy, caller: Callable[..., Caller]
) -> None:
    usage = client_to(way.url, caller("organization", "acme").key).client
    first = usage.record("cpu", 1, **ACME)
    with pytest.raises(Refused) as told:
        usage.flush()
    assert (told.value.status, told.value.code) == (403, "forbidden")
    with pytest.raises(Refused):
        usage.record("cpu", 1, **ACME)
    with pytest.raises(Unsent, match="may not do this") as unsent:
        usage.close()
    assert [each.id for each in unsent.value.records] == [first]
    assert len(way.came) == 1


def test_a_key_is_not_carried_elsewhere(way: Proxy, key: str) -> None:
    elsewhere = b"HTTP/1.1 307 Go\r\nLocation: " + way.url.encode() + b"/elsewhere\r\n\r\n"
    way.breaks(Broken(0, lambda _: elsewhere))
    usage = client_to(way.url, key).client
    usage.record("cpu", 1, **ACME)
    with pytest.raises(Refused, match="307"):
        usage.flush()
    with pytest.raises(Unsent):
        usage.close()
    assert [each.path for each in way.came] == ["/v1/usage"]


# How much is held


def test_a_full_memory_is_told_where_nobody_waits(way: Proxy, key: str, books: Books) -> None:
    way.gate.clear()
    usage = client_to(way.url, key, held_max=3, when_full="raise").client
    ids = [usage.record("cpu", 1, **ACME) for _ in range(3)]
    with pytest.raises(Full):
        usage.record("cpu", 1, **ACME)
    way.gate.set()
    usage.flush()
    ids.append(usage.record("cpu", 1, **ACME))
    usage.close()
    assert books.ids() == sorted(ids)


def test_a_full_memory_makes_the_caller_wait(way: Proxy, key: str, books: Books) -> None:
    way.gate.clear()
    usage = client_to(way.url, key, held_max=2).client
    ids = [usage.record("cpu", 1, **ACME) for _ in range(2)]
    waiting = threading.Thread(target=lambda: ids.append(usage.record("cpu", 1, **ACME)))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive() and len(ids) == 2
    way.gate.set()
    waiting.join(10)
    usage.close()
    assert len(ids) == 3 and books.ids() == sorted(ids)


def test_who_waits_for_room_is_told_when_the_client_is_closed() -> None:
    usage = client_to(nowhere(), "ck_x", held_max=1, close_within_s=0.1).client
    usage.record("cpu", 1, **ACME)
    told: list[ClientError] = []

    def wait() -> None:
        try:
            usage.record("cpu", 1, **ACME)
        except ClientError as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.1)
    with pytest.raises(Unsent):
        usage.close()
    waiting.join(10)
    assert [type(each) for each in told] == [ClientClosed]


# What is answered at once


def test_an_organization_is_put_attached_read_explained_and_detached(
    service: str, admin: Caller
) -> None:
    with Client(service, admin.key, Options(**HASTE)) as client:
        made = client.put_organization("globex", {"name": "Globex", "currency": "usd"})
        assert made["organization"] == "globex"
        assert client.attach("globex", "g1", "machine")["effect"] == "recorded"
        assert client.detach("globex", "g1")["effect"] == "recorded"
        client.record("cpu", 4, **ACME, occurred_at=datetime.fromisoformat(day(4)))
        client.flush()
        invoice = client.invoice("acme")
        assert (invoice["cycle"], invoice["total"]) == (CYCLE, 10)
        explained = client.explain(CYCLE, invoice["lines"][0]["key"])
        assert (explained["records"], explained["line"]["amount"]) == (1, 10)
        with pytest.raises(Refused) as refused:
            client.invoice("nobody")
    assert (refused.value.status, refused.value.code) == (404, "not_found")


def test_a_question_that_nobody_answers_is_given_up(way: Proxy, admin: Caller) -> None:
    client = Client(way.url, admin.key, Options(**HASTE))
    way.next_fault = lambda: DOWN
    with pytest.raises(NoAnswer):
        client.invoice("acme")
    assert len(way.came) == 5
    client.close()


# How it is made


def test_it_needs_the_standard_library_only() -> None:
    files = sorted(Path(cyclebook_client.__path__[0]).glob("*.py"))
    named = {
        module.partition(".")[0]
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        for module in _modules(node)
    }
    assert named - sys.stdlib_module_names == {"cyclebook_client"}


def _modules(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [each.name for each in names]
        case ast.ImportFrom(module=str() as module):
            return [module]
    return []


@pytest.mark.parametrize(
    "options",
    [{"batch_max": 0}, {"batch_max": 10_001}, {"held_max": 0}, {"when_full": "drop"},
     {"age_s": -1.0}, {"timeout_s": 0.0}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: Any) -> None:
    with pytest.raises(ValueError):
        Options(**options)


def test_an_address_needs_a_scheme() -> None:
    with pytest.raises(ValueError, match="https://"):
        Client("billing.example", "ck_x")
