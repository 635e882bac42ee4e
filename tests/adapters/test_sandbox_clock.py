"""The sandbox's clock: real time, set forward when asked; what is due is done on the way."""

import pytest

from tests.adapters.test_sandbox import Api

HOUR, DAY = 3600, 86_400


@pytest.fixture
def api() -> Api:
    return Api()


def test_it_shows_real_time_until_it_is_set_forward(api: Api) -> None:
    assert api.client.get("/_sandbox/clock").json == {"now": api.now}
    assert api.switch("clock", advance_s=DAY) == {"now": api.now + DAY}
    assert api.switch("clock", now=api.now + 2 * DAY) == {"now": api.now + 2 * DAY}
    api.now += 5
    assert api.client.get("/_sandbox/clock").json == {"now": api.now + 2 * DAY}


def test_what_is_made_carries_its_time(api: Api) -> None:
    api.switch("clock", advance_s=DAY)
    assert api.post("/v1/customers").json["created"] == api.now + DAY
    (event,) = api.get("/v1/events").json["data"]
    assert event["created"] == api.now + DAY


@pytest.mark.parametrize(
    "asked", [{"advance_s": -1}, {"now": 5}, {}, {"advance_s": 1, "now": 2}, {"advance_s": "x"}]
)
def test_it_goes_forward_only(api: Api, asked: dict[str, object]) -> None:
    assert api.client.post("/_sandbox/clock", json=asked).status_code == 400
    assert api.client.get("/_sandbox/clock").json == {"now": api.now}


def test_time_passes_in_steps_so_that_things_happen_about_when_due(api: Api) -> None:
    moments: list[int] = []
    api.sandbox.world.at_each_moment.append(lambda: moments.append(api.sandbox.world.now()))
    begun = int(api.now)
    api.switch("clock", advance_s=DAY)
    hours = [begun + HOUR * n for n in range(25)]
    assert moments == hours


def test_ten_years_pass_in_a_thousand_steps(api: Api) -> None:
    moments: list[int] = []
    api.sandbox.world.at_each_moment.append(lambda: moments.append(1))
    api.switch("clock", advance_s=3650 * DAY)
    assert len(moments) == pytest.approx(1001, abs=2)


def test_what_is_due_is_done_before_the_next_request(api: Api) -> None:
    done: list[str] = []
    api.sandbox.world.at_each_moment.append(lambda: done.append("due"))
    api.get("/v1/customers")
    api.get("/v1/customers")
    assert done == ["due"]
    api.now += 1
    api.get("/v1/customers")
    assert done == ["due", "due"]


def test_what_happens_by_itself_is_no_requests_work(api: Api) -> None:
    world = api.sandbox.world
    customer = world.need
    id_ = api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"]
    world.at_each_moment.append(
        lambda: world.happened("customer.updated", customer("customer", id_, "id"))
    )
    api.now += 1
    after, before = api.get("/v1/events").json["data"]
    assert before["request"]["idempotency_key"] == "k1"
    assert after["request"] == {"id": None, "idempotency_key": None}


def test_a_key_is_forgotten_when_the_clock_is_set_forward(api: Api) -> None:
    first = api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"]
    api.switch("clock", advance_s=DAY + 1)
    assert api.post("/v1/customers", **{"Idempotency-Key": "k1"}).json["id"] != first
