"""Rate limits: what a key may ask, what an unknown key may try, and what is answered beyond."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.context import RATE_LIMITS
from api.errors import RateLimited
from api.rate_limits import BUCKETS_MAX, STRANGERS_PER_S, Buckets, RateLimits
from api.settings import Settings
from api.wiring import Wired
from tests.api.conftest import Caller
from tests.api.test_usage import record


class Clock:
    """Time that goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(buckets: Buckets, who: str = "ada") -> int:
    """For how many seconds."""
    with pytest.raises(RateLimited) as error:
        buckets.take(who)
    return int(error.value.context["retry_after_s"])


def test_a_bucket_holds_two_seconds_and_fills_at_its_rate(clock: Clock) -> None:
    buckets = Buckets("requests", 5, clock)
    left = [buckets.take("ada") for _ in range(10)]
    assert {policy for policy, _ in left} == {'"requests";q=10;w=2'}
    assert [left[place][1] for place in (0, 4, 5, 9)] == [
        '"requests";r=9;t=1',
        '"requests";r=5;t=1',
        '"requests";r=4;t=2',
        '"requests";r=0;t=2',
    ]
    assert refused(buckets) == 1
    clock.now += 0.2
    buckets.take("ada")
    assert refused(buckets) == 1
    clock.now += 3600
    assert buckets.take("ada")[1] == '"requests";r=9;t=1'


def test_everybody_has_a_bucket_of_their_own(clock: Clock) -> None:
    buckets = Buckets("requests", 1, clock)
    buckets.take("ada", 2)
    buckets.take("bob")
    assert refused(buckets) == 1


def test_who_takes_more_than_there_is_is_served_once_and_then_waits(clock: Clock) -> None:
    buckets = Buckets("usage records", 100, clock)
    buckets.take("ada", 1_000)
    assert refused(buckets) == 9
    clock.now += 8.5
    buckets.take("ada", 1)


def test_a_rate_below_one_a_second_still_lets_one_through(clock: Clock) -> None:
    buckets = Buckets("requests", 0.25, clock)
    buckets.take("ada")
    assert refused(buckets) == 4


def test_whoever_asked_least_lately_is_forgotten(clock: Clock) -> None:
    buckets = Buckets("requests", 1, clock)
    buckets.take("ada", 2)
    for number in range(BUCKETS_MAX):
        buckets.take(str(number))
    buckets.take("ada")


def limited(wired: Wired, clock: Clock, **given: str) -> Flask:
    """The API with limits, in one process."""
    settings = Settings.from_environment({"WORKERS": "1", **given})
    app = create_app(replace(wired, settings=settings))
    app.extensions[RATE_LIMITS] = RateLimits(settings, clock)
    return app


def caller(app: Flask, wired: Wired, role: str = "admin") -> Caller:
    return Caller(app.test_client(), wired.keys.create(role, actor="test"))


def test_beyond_its_limit_a_key_is_told_when_to_come_back(wired: Wired, clock: Clock) -> None:
    app = limited(wired, clock, RATE_LIMIT_PER_S="1")
    ada, bob = caller(app, wired), caller(app, wired)
    answers = [ada("GET", "/v1/organizations") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["RateLimit"] for each in answers] == [
        '"requests";r=1;t=1',
        '"requests";r=0;t=2',
        '"requests";r=0;t=2',
    ]
    assert answers[2].headers["Retry-After"] == "1"
    assert answers[2].get_json()["code"] == "rate_limited"
    assert bob("GET", "/v1/organizations").status_code == 200
    clock.now += 1
    assert ada("GET", "/v1/organizations").status_code == 200


def test_usage_counts_by_records_and_only_where_that_is_asked(wired: Wired, clock: Clock) -> None:
    records: Any = [record(f"k{number}") for number in range(5)]
    free = caller(limited(wired, clock, RATE_LIMIT_PER_S="1"), wired, "ingest")
    statuses = [free("POST", "/v1/usage", records).status_code for _ in range(4)]
    assert statuses == [200] * 4
    tight = caller(limited(wired, clock, USAGE_RATE_LIMIT="1"), wired, "ingest")
    assert tight("POST", "/v1/usage", records).status_code == 200
    later = tight("POST", "/v1/usage", records)
    assert (later.status_code, later.headers["Retry-After"]) == (429, "4")
    assert later.headers["RateLimit-Policy"] == '"usage records";q=2;w=2'


def test_guessing_keys_is_slow_and_locks_nobody_out_who_was_here(
    wired: Wired, clock: Clock
) -> None:
    app = limited(wired, clock)
    ada, eve = caller(app, wired), Caller(app.test_client(), "ck_guessed")
    assert ada("GET", "/v1/organizations").status_code == 200
    tries = [eve("GET", "/v1/organizations").status_code for _ in range(2 * STRANGERS_PER_S + 1)]
    assert tries == [401] * (2 * STRANGERS_PER_S) + [429]
    assert ada("GET", "/v1/organizations").status_code == 200
    newcomer = caller(app, wired)
    assert newcomer("GET", "/v1/organizations").status_code == 429
    clock.now += 1
    assert newcomer("GET", "/v1/organizations").status_code == 200


def test_without_any_key_nothing_is_guessed(wired: Wired, clock: Clock) -> None:
    client = limited(wired, clock).test_client()
    assert {client.get("/v1/organizations").status_code for _ in range(30)} == {401}


def test_each_process_grants_its_share() -> None:
    settings = Settings.from_environment({"WORKERS": "4", "RATE_LIMIT_PER_S": "100"})
    assert RateLimits(settings).requests.take("ada")[0] == '"requests";q=50;w=2'
