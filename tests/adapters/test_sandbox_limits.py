"""The sandbox's rate limits: tokens on its own clock, for each endpoint and for the account."""

from collections import Counter

import pytest

from tests.adapters.test_sandbox import Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


def statuses(api: Api, path: str, calls: int) -> Counter[int]:
    return Counter(api.get(path).status_code for _ in range(calls))


def test_nothing_is_limited_unless_it_is_switched_on(api: Api) -> None:
    assert statuses(api, "/v1/customers", 200) == {200: 200}


def test_an_endpoint_takes_25_at_once_and_25_a_second(api: Api) -> None:
    api.switch("limits", like="live")
    assert statuses(api, "/v1/customers", 30) == {200: 25, 429: 5}
    api.now += 0.2
    assert statuses(api, "/v1/customers", 10) == {200: 5, 429: 5}
    api.now += 60
    assert statuses(api, "/v1/customers", 30) == {200: 25, 429: 5}


def test_all_ids_are_one_endpoint_and_another_endpoint_is_another(api: Api) -> None:
    ids = [api.customer() for _ in range(30)]
    api.switch("limits", like="live")
    found = Counter(api.get(f"/v1/customers/{each}").status_code for each in ids)
    assert found == {200: 25, 429: 5}
    assert statuses(api, "/v1/customers", 25) == {200: 25}


@pytest.mark.parametrize(("like", "taken"), [("live", 100), ("sandbox", 25)])
def test_an_account_has_a_rate_of_its_own(api: Api, like: str, taken: int) -> None:
    api.switch("limits", like=like)
    paths = ["customers", "invoices", "events", "refunds", "disputes", "credit_notes"]
    answers = [api.get(f"/v1/{paths[n % 6]}") for n in range(120)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 120 - taken
    assert {each.headers["Stripe-Rate-Limited-Reason"] for each in refused} == {"global-rate"}


def test_a_refusal_reads_as_stripes_and_leaves_its_key_unused(api: Api) -> None:
    api.switch("limits", endpoint=1)
    api.post("/v1/customers")
    answer = api.post("/v1/customers", **{"Idempotency-Key": "k1"})
    status, error = refusal(answer)
    assert (status, error["type"], error["code"]) == (429, "invalid_request_error", "rate_limit")
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert "Retry-After" not in answer.headers
    api.now += 1
    again = api.post("/v1/customers", **{"Idempotency-Key": "k1"})
    assert again.status_code == 200 and "Idempotent-Replayed" not in again.headers


def test_a_refused_call_costs_nothing(api: Api) -> None:
    api.switch("limits", endpoint=1)
    for _ in range(5):
        api.post("/v1/customers")
        api.now += 0.25
    assert [call["status"] for call in api.sandbox.transport.calls] == [200, 429, 429, 429, 200]


def test_a_steady_caller_at_the_rate_is_never_refused(api: Api) -> None:
    api.switch("limits", like="live", burst_s=0.04)
    found: Counter[int] = Counter()
    begun = api.now
    for n in range(500):
        api.now = begun + n / 25
        found[api.get("/v1/customers").status_code] += 1
    assert found == {200: 500}


def test_retry_after_is_an_option(api: Api) -> None:
    api.switch("limits", endpoint=1, retry_after=True)
    api.get("/v1/customers")
    assert api.get("/v1/customers").headers["Retry-After"] == "1"


def test_what_is_under_way_together_can_be_limited(api: Api) -> None:
    api.switch("limits", at_once=1)
    with api.sandbox.transport.limits.admitted("GET /v1/invoices"):
        answer = api.get("/v1/customers")
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "global-concurrency"
    assert api.get("/v1/customers").status_code == 200


def test_limits_are_switched_off_again(api: Api) -> None:
    api.switch("limits", endpoint=1)
    api.switch("limits", like="off")
    assert statuses(api, "/v1/customers", 50) == {200: 50}


def test_an_impossible_rate_is_refused(api: Api) -> None:
    for asked in ({"endpoint": 0}, {"like": "a dream"}, {"colour": 1}):
        assert api.client.post("/_sandbox/limits", json=asked).status_code == 400
