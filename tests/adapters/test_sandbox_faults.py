"""What the sandbox does to calls on request: answered how, done or not, replayed or not."""

from typing import Any

import pytest

from tests.adapters.test_sandbox import Api, refusal

KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
def api() -> Api:
    return Api()


def customers(api: Api) -> int:
    return len(api.sandbox.world.ledger.every("customer"))


@pytest.mark.parametrize(
    ("fault", "status", "done", "replayed"),
    [
        ({"fault": "rate_limit"}, 429, 0, False),
        ({"fault": "lock_timeout"}, 429, 0, False),
        ({"fault": "key_in_use"}, 409, 0, False),
        ({"fault": "unauthorized"}, 401, 0, False),
        ({"fault": "forbidden"}, 403, 0, False),
        ({"fault": "error_before"}, 500, 0, False),
        ({"fault": "error_before", "status": 503}, 503, 0, False),
        ({"fault": "dropped"}, 500, 0, False),
        ({"fault": "error_kept"}, 500, 0, True),
        ({"fault": "error_kept", "status": 503}, 503, 0, True),
        ({"fault": "error_after"}, 500, 1, True),
        ({"fault": "error_after", "status": 503}, 503, 1, True),
        ({"fault": "lost_response"}, 200, 1, True),
        ({"fault": "hang"}, 200, 1, True),
        ({"fault": "cut"}, 200, 1, True),
        ({"fault": "bad_json"}, 200, 1, True),
        ({"fault": "wrong_object"}, 200, 1, True),
        ({"fault": "slow"}, 200, 1, True),
    ],
    ids=lambda value: str(value.get("fault")) if isinstance(value, dict) else str(value),
)
def test_a_fault_leaves_a_call_done_or_not_and_its_key_used_or_not(
    api: Api, fault: dict[str, Any], status: int, done: int, replayed: bool
) -> None:
    api.switch("faults", **fault)
    assert api.post("/v1/customers", **KEY).status_code == status
    assert customers(api) == done
    again = api.post("/v1/customers", **KEY)
    assert ("Idempotent-Replayed" in again.headers) is replayed
    assert customers(api) == (done if replayed else 1)


@pytest.mark.parametrize("fault", ["dropped", "lost_response", "hang", "cut"])
def test_an_answer_that_does_not_arrive_is_marked_for_whoever_carries_it(
    api: Api, fault: str
) -> None:
    api.switch("faults", fault=fault)
    fate = api.post("/v1/customers").headers["Sandbox-Fate"]
    assert fate == ("cut" if fault == "cut" else "lost")
    assert "Sandbox-Fate" not in api.post("/v1/customers").headers


@pytest.mark.parametrize(
    "reason",
    [
        "global-rate",
        "endpoint-rate",
        "global-concurrency",
        "endpoint-concurrency",
        "resource-specific",
    ],
)
def test_a_limited_rate_says_which_in_a_header(api: Api, reason: str) -> None:
    api.switch("faults", fault="rate_limit", reason=reason)
    answer = api.post("/v1/customers")
    assert answer.headers["Stripe-Rate-Limited-Reason"] == reason
    assert "Retry-After" not in answer.headers
    assert refusal(answer)[1]["code"] == "rate_limit"


@pytest.mark.parametrize("should", [True, False])
@pytest.mark.parametrize("fault", ["error_before", "key_in_use", "rate_limit", "slow"])
def test_any_answer_can_say_whether_to_retry(api: Api, fault: str, should: bool) -> None:
    api.switch("faults", fault=fault, should_retry=should, retry_after=3)
    answer = api.post("/v1/customers")
    assert answer.headers["Stripe-Should-Retry"] == str(should).lower()
    assert answer.headers["Retry-After"] == "3"


def test_a_partly_applied_bulk_call_answers_500_and_keeps_its_half(api: Api) -> None:
    invoice = api.draft()
    api.switch("faults", fault="partial", path="add_lines")
    form = {f"lines[{n}][amount]": 1 for n in range(4)}
    assert api.post(f"/v1/invoices/{invoice}/add_lines", form).status_code == 500
    assert api.get(f"/v1/invoices/{invoice}").json["lines"]["total_count"] == 2


def test_bad_json_is_half_of_the_answer(api: Api) -> None:
    api.switch("faults", fault="bad_json", method="GET")
    answer = api.get("/v1/customers")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        answer.get_json()


def test_a_wrong_object_is_another_one_of_its_kind(api: Api) -> None:
    mine, other = api.draft(5), api.draft(7)
    api.switch("faults", fault="wrong_object", method="GET")
    assert api.get(f"/v1/invoices/{mine}").json["id"] == other
    assert api.get(f"/v1/invoices/{mine}").json["id"] == mine


def test_a_fault_is_for_a_method_a_path_and_the_nth_call(api: Api) -> None:
    customer = api.customer()
    api.switch("faults", fault="error_before", path="/v1/customers$", skip=1, times=2)
    found = [api.post("/v1/customers").status_code for _ in range(4)]
    assert found == [200, 500, 500, 200]
    api.switch("faults", fault="error_before", path="/v1/customers$")
    assert api.post(f"/v1/customers/{customer}", {"name": "b"}).status_code == 200
    assert api.get("/v1/customers").status_code == 200
    assert api.post("/v1/customers").status_code == 500


def test_any_method_is_a_star(api: Api) -> None:
    api.switch("faults", fault="error_before", method="*", times=None)
    assert api.get("/v1/customers").status_code == api.post("/v1/customers").status_code == 500


def test_chance_is_drawn_from_a_seed() -> None:
    def run(seed: int) -> list[int]:
        api = Api()
        api.switch("faults", fault="error_before", chance=0.5, seed=seed, times=None)
        return [api.post("/v1/customers").status_code for _ in range(40)]

    assert run(1) == run(1) != run(2)
    assert {200, 500} == set(run(1))
    assert 8 < run(1).count(500) < 32


def test_latency_is_drawn_between_two_bounds() -> None:
    slept: list[float] = []
    api = Api(sleep=slept.append)
    api.switch("faults", fault="slow", method="GET", seconds=0.1, up_to_s=0.5, times=None)
    for _ in range(20):
        assert api.get("/v1/customers").status_code == 200
    assert all(0.1 <= each <= 0.5 for each in slept) and len(set(slept)) == 20


def test_faults_are_listed_and_taken_back(api: Api) -> None:
    api.switch("faults", fault="error_before", times=2)
    (fault,) = api.client.get("/_sandbox/faults").json["data"]
    assert (fault["fault"], fault["times"]) == ("error_before", 2)
    api.client.delete("/_sandbox/faults")
    assert api.post("/v1/customers").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"fault": "gremlins"},
        {"fault": "error_before", "status": 404},
        {"fault": "rate_limit", "reason": "mood"},
        {"fault": "slow", "colour": "red"},
    ],
)
def test_an_unknown_fault_is_refused(api: Api, asked: dict[str, Any]) -> None:
    assert api.client.post("/_sandbox/faults", json=asked).status_code == 400
