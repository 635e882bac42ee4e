"""The client over a way on which things go wrong: each record counts exactly once."""

import json
import random
import threading
from typing import Any

import pytest
from cyclebook_client import Client, Options

from tests.api.conftest import CYCLE
from tests.clients.conftest import HASTE, Books, client_to
from tests.clients.proxy import FAULTS, Broken, Proxy, instead

ACME = {"organization": "acme", "attachment": "a1"}


def test_usage_is_appended_in_three_lines(service: str, key: str, books: Books) -> None:
    with Client(service, key) as usage:
        usage.record("cpu", 5, organization="acme", attachment="a1")
    assert books.quantity() == "5"


def test_whatever_happens_to_a_request_each_record_counts_once(
    way: Proxy, key: str, books: Books
) -> None:
    ids: list[str] = []
    for fault in FAULTS.values():
        told = client_to(way.url, key, timeout_s=0.4)
        way.breaks(fault, fault)
        with told.client as usage:
            ids += [usage.record("cpu", 1, **ACME) for _ in range(3)]
        assert told.refusals == []
    assert books.ids() == sorted(ids)
    assert books.quantity() == str(3 * len(FAULTS))


@pytest.mark.parametrize("seed", range(3))
def test_many_threads_over_a_way_that_breaks_at_random(
    way: Proxy, key: str, books: Books, seed: int
) -> None:
    chance = random.Random(seed)
    faults = [*FAULTS.values(), *[None] * len(FAULTS)]
    way.next_fault = lambda: chance.choice(faults)
    told = client_to(way.url, key, timeout_s=0.4, batch_max=17, held_max=40)
    ids: list[str] = []

    def report() -> None:
        ids.extend(told.client.record("cpu", 2, **ACME) for _ in range(60))

    threads = [threading.Thread(target=report) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    told.client.close()
    assert (books.ids(), told.refusals) == (sorted(ids), [])
    assert books.quantity() == "480"


def test_a_record_is_sent_again_just_as_it_was(way: Proxy, key: str) -> None:
    way.breaks(FAULTS["the answer is lost"], FAULTS["unavailable, try at once"])
    with client_to(way.url, key).client as usage:
        usage.record("cpu", 5, **ACME)
    first, second, third = (json.loads(each.body) for each in way.came)
    assert first == second == third
    assert first[0]["occurred_at"].endswith("Z")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(way: Proxy, key: str, status: int) -> None:
    way.breaks(Broken(0, instead(status, b"{}", ("Retry-After", "1"))))
    with client_to(way.url, key).client as usage:
        usage.record("cpu", 5, **ACME)
    first, second = way.came
    assert second.at - first.at >= 1


def test_a_batch_goes_when_it_is_large_or_old_enough(way: Proxy, key: str) -> None:
    with client_to(way.url, key, batch_max=4, age_s=60.0).client as usage:
        for _ in range(10):
            usage.record("cpu", 1, **ACME)
    assert [len(json.loads(each.body)) for each in way.came] == [4, 4, 2]
    with client_to(way.url, key, age_s=0.05).client as usage:
        usage.record("cpu", 1, **ACME)
        usage.flush(5)
        assert len(way.came) == 4


def test_a_request_that_is_too_large_is_split(way: Proxy, key: str, books: Books) -> None:
    long = {"text": "x" * 3_000_000}  # longer than a property may be, so it is rejected by itself
    told = client_to(way.url, key, age_s=60.0)
    with told.client as usage:
        good = usage.record("cpu", 1, **ACME)
        for _ in range(3):
            usage.record("cpu", 1, **ACME, properties=long)
        usage.record("cpu", 1, **ACME, properties={"text": "x" * 9_000_000})
    assert books.ids() == [good]
    assert [(each.outcome, each.code) for each in told.refusals] == [
        *[("rejected", "invalid_record")] * 3,
        ("rejected", "too_large"),
    ]


@pytest.mark.parametrize("fault", ["the answer is lost", "unavailable, though it was done"])
def test_a_change_that_is_tried_again_is_carried_out_once(
    way: Proxy, admin: Any, fault: str
) -> None:
    client = Client(way.url, admin.key, Options(**HASTE))
    way.breaks(FAULTS[fault])
    attached = client.attach("acme", "a2", "machine", quantity=2)
    assert (len(way.came), attached["effect"]) == (2, "recorded")
    way.breaks(FAULTS[fault])
    assert client.detach("acme", "a2", reason="sold")["effect"] == "recorded"
    client.close()
    told = admin("GET", f"/v1/invoices/{CYCLE}/history").get_json()["data"]
    assert [each["what"] for each in told if "detached" in each["what"]] == ["a2 detached (sold)"]
