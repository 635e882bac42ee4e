"""Idempotency keys and locks in the sandbox: who comes again, and who comes second."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from tests.adapters.test_sandbox import Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_key_replays_its_answer(api: Api) -> None:
    key = {"Idempotency-Key": "k1"}
    first, again = (api.post("/v1/customers", {"name": "a"}, **key) for _ in range(2))
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]


def test_a_key_is_good_for_one_content_at_one_endpoint(api: Api) -> None:
    key = {"Idempotency-Key": "k1"}
    api.post("/v1/customers", {"name": "a"}, **key)
    status, error = refusal(api.post("/v1/customers", {"name": "b"}, **key))
    assert (status, error["type"]) == (400, "idempotency_error")
    assert "only be used with the same parameters" in error["message"]
    status, error = refusal(api.post("/v1/invoices", {"name": "a"}, **key))
    assert (status, error["type"]) == (400, "idempotency_error")
    assert "('/v1/customers' vs '/v1/invoices')" in error["message"]


def test_a_refusal_by_execution_is_replayed_and_one_by_validation_is_not(api: Api) -> None:
    path = f"/v1/invoices/{api.draft(5)}"
    refused = api.post(f"{path}/void", **{"Idempotency-Key": "k1"})
    api.post(f"{path}/finalize")
    again = api.post(f"{path}/void", **{"Idempotency-Key": "k1"})
    assert (again.data, again.headers.get("Idempotent-Replayed")) == (refused.data, "true")
    assert api.post("/v1/customers", {"x": "1"}, **{"Idempotency-Key": "k2"}).status_code == 400
    assert api.post("/v1/customers", {}, **{"Idempotency-Key": "k2"}).status_code == 200


def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    first = api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"]
    api.now += 86_401
    assert api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"] != first


def test_a_key_is_known_to_the_end_of_its_day(api: Api) -> None:
    first = api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"]
    api.now += 86_400
    assert api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"] == first


def test_a_key_has_at_most_255_characters(api: Api) -> None:
    status, error = refusal(api.post("/v1/customers", **{"Idempotency-Key": "k" * 256}))
    assert (status, error["type"]) == (400, "idempotency_error")
    assert api.post("/v1/customers", **{"Idempotency-Key": "k" * 255}).status_code == 200


def test_a_replay_is_a_request_of_its_own(api: Api) -> None:
    key = {"Idempotency-Key": "k1"}
    first, again = (api.post("/v1/customers", **key) for _ in range(2))
    assert first.headers["Request-Id"] != again.headers["Request-Id"]


class Slow:
    """A sandbox whose slow calls stay under way until they may go on."""

    def __init__(self) -> None:
        self.begun, self.may_end = Event(), Event()
        self.api = Api(sleep=self._wait)
        self.pool = ThreadPoolExecutor(1)

    def _wait(self, seconds: float) -> None:
        self.begun.set()
        assert self.may_end.wait(10)

    def under_way(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
        self.api.switch("faults", fault="slow", seconds=1)
        call = self.pool.submit(self.api.post, path, form, **headers)
        assert self.begun.wait(10)
        return call


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.may_end.set()
    made.pool.shutdown()


def test_a_key_under_way_is_409_until_its_answer_is_there(slow: Slow) -> None:
    key = {"Idempotency-Key": "k1"}
    first = slow.under_way("/v1/customers", **key)
    status, error = refusal(slow.api.post("/v1/customers", **key))
    assert (status, error["code"]) == (409, "idempotency_key_in_use")
    assert slow.api.post("/v1/customers", **{"Idempotency-Key": "k2"}).status_code == 200
    slow.may_end.set()
    again = slow.api.post("/v1/customers", **key) if first.result(10) else None
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.result().data, "true")


@pytest.mark.parametrize(("locks", "status"), [(True, 429), (False, 200)])
def test_a_second_writer_to_an_invoice_is_locked_out_if_the_sandbox_locks(
    slow: Slow, locks: bool, status: int
) -> None:
    slow.api.switch("locks", on=locks)
    path = f"/v1/invoices/{slow.api.draft(5)}"
    first = slow.under_way(f"{path}/add_lines", {"lines[0][amount]": 1})
    second = slow.api.post(path, {"description": "b"})
    assert second.status_code == status
    assert slow.api.get(path).status_code == 200
    slow.may_end.set()
    assert first.result(10).status_code == 200
    assert slow.api.post(path, {"description": "c"}).status_code == 200


def test_a_lock_timeout_has_a_code_and_no_reason(slow: Slow) -> None:
    slow.api.switch("locks", on=True)
    path = f"/v1/invoices/{slow.api.draft(5)}/add_lines"
    slow.under_way(path, {"lines[0][amount]": 1})
    answer = slow.api.post(path, {"lines[0][amount]": 1}, **{"Idempotency-Key": "k1"})
    assert refusal(answer)[1]["code"] == "lock_timeout"
    assert "Stripe-Rate-Limited-Reason" not in answer.headers
    slow.may_end.set()
    slow.pool.shutdown()
    assert (
        slow.api.post(path, {"lines[0][amount]": 1}, **{"Idempotency-Key": "k1"}).status_code == 200
    )


def test_many_at_once_end_with_each_key_used_once() -> None:
    """Faults, locks and limits, eight at a time; each call is repeated until it is answered."""
    api = Api(sleep=lambda seconds: None)
    api.switch("locks", on=True)
    api.switch("limits", at_once=4)
    invoice = api.draft()
    kinds = ("error_before", "lost_response", "dropped", "key_in_use", "lock_timeout", "slow")
    for seed, kind in enumerate(kinds):
        api.switch("faults", fault=kind, chance=0.1, seed=seed, times=None)

    def add(number: int) -> str:
        form = {"lines[0][amount]": 1, "lines[0][metadata][n]": number}
        for _ in range(2000):
            path, key = f"/v1/invoices/{invoice}/add_lines", {"Idempotency-Key": f"k{number}"}
            answer = api.post(path, form, **key)
            if answer.status_code == 200 and "Sandbox-Fate" not in answer.headers:
                return str(answer.json["id"])
            api.now += 0.01
        raise AssertionError("never answered")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(100), timeout=60)) == {invoice}
    lines = api.sandbox.world.ledger.every("line")
    assert sorted(int(line["metadata"]["n"]) for line in lines) == list(range(100))
