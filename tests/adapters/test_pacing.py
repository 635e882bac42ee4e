"""The pace of calls to Stripe, shared by all processes through PostgreSQL."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from adapters.postgres.database import Database
from adapters.postgres.pacing import PostgresPace
from adapters.stripe.paced import sleep_for
from application.pacer import Pacer
from application.pacing import (
    FAILURES_MAX,
    SECOND,
    WINDOW,
    Breaker,
    Lane,
    Outcome,
    Pace,
    in_lane,
)
from domain.errors import GatewayBusy, GatewayMisconfigured, GatewayUnavailable
from tests.application.test_pacing import busiest_second

READ, WRITE = "GET /v1/invoices/{id}", "POST /v1/invoices"


@pytest.fixture
def databases(each_database_url: str) -> Iterator[list[Database]]:
    """Two pools, as two processes have them."""
    made = [Database(each_database_url, size=4) for _ in range(2)]
    yield made
    for each in made:
        each.close()


@pytest.fixture
def paces(databases: list[Database]) -> list[PostgresPace]:
    return [PostgresPace(each, 30, 20) for each in databases]


def pacer(pace: PostgresPace) -> Pacer:
    return Pacer(pace, sleep_for)


def seen(pace: PostgresPace, endpoint: str = READ) -> Pace:
    return pace.change(endpoint, lambda known, now: known)[0]


def test_what_one_process_counts_the_others_know(paces: list[PostgresPace]) -> None:
    one, other = paces
    pacer(one).take(READ)
    pacer(other).take(READ)
    pacer(other).take(WRITE)
    state = seen(one)
    assert (len(state.account.calls), len(state.endpoint.calls)) == (3, 2)
    assert len(seen(one, WRITE).endpoint.calls) == 1


def test_nothing_is_lost_where_many_count_at_once(paces: list[PostgresPace]) -> None:
    def count(pace: PostgresPace) -> None:
        for _ in range(50):
            pace.change(READ, lambda known, now: known.told(Outcome.FAILED, now))

    threads = [threading.Thread(target=count, args=[pace]) for pace in paces for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen(paces[0]).breaker.failures == 200


def test_no_second_holds_more_than_the_budget_whoever_calls(paces: list[PostgresPace]) -> None:
    left: list[float] = []
    until = time.monotonic() + 3

    def work(pacer: Pacer, endpoint: str) -> None:
        while time.monotonic() < until:
            pacer.take(endpoint)
            left.append(time.monotonic())

    pacers = [pacer(each) for each in paces]
    threads = [
        threading.Thread(target=work, args=[each, endpoint])
        for each in pacers
        for endpoint in (READ, WRITE)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    granted = sorted(each - left[0] for each in left)
    assert 30 * 3 * 0.8 <= len(granted) <= 30 * 5
    # What left later than decided, because this machine was busy, is not the pace's doing.
    assert busiest_second([round(each * SECOND) for each in granted]) <= 30 + 2


def test_one_probe_for_all_and_the_news_once(
    paces: list[PostgresPace], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = map(pacer, paces)
    with caplog.at_level(logging.WARNING):
        for _ in range(FAILURES_MAX):
            one.tell(one.take(READ), Outcome.FAILED, "no answer")
        with pytest.raises(GatewayUnavailable, match=r"is left alone since .*: no answer") as away:
            other.take(WRITE)
        assert away.value.context["retry_after_s"] == 1
        assert other.away()
        time.sleep(1.05)
        assert not one.away()
        probe = one.take(WRITE)
        with pytest.raises(GatewayUnavailable):
            other.take(READ)
        one.tell(probe, Outcome.ANSWERED)
    assert seen(paces[1]).breaker == Breaker()
    assert not other.away()
    assert [each.getMessage() for each in caplog.records] == [
        "Stripe is left alone from now on, but for probes: no answer",
        "Stripe answers again",
    ]


def test_a_refused_key_stops_everybody_and_is_said_once(
    paces: list[PostgresPace], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = map(pacer, paces)
    before = [one.take(READ), other.take(READ)]
    for each, leave in zip((one, other), before, strict=True):
        each.tell(leave, Outcome.KEY_REFUSED, "set the key")
    for each in (one, other):
        with pytest.raises(GatewayMisconfigured, match="set the key"):
            each.take(WRITE)
    assert len(caplog.records) == 1


def test_who_would_wait_too_long_is_told_so(paces: list[PostgresPace]) -> None:
    def full(known: Pace, now: int) -> Pace:
        for _ in range(20):
            known, _ = known.asked(Lane.NORMAL, now + 3600 * SECOND)
        return known

    paces[0].change(READ, full)
    with pytest.raises(GatewayBusy) as busy:
        pacer(paces[1]).take(READ)
    assert busy.value.code == "stripe_budget_used"
    assert busy.value.context["retry_after_s"] >= 3600
    pacer(paces[1]).take(WRITE)


def test_the_high_lane_is_remembered_by_everybody(paces: list[PostgresPace]) -> None:
    pacer(paces[0]).take(READ)
    with in_lane(Lane.NORMAL):
        before = time.monotonic()
        for _ in range(15):
            pacer(paces[1]).take(READ)
        assert time.monotonic() - before < 0.9
        pacer(paces[1]).take(READ)
    assert time.monotonic() - before > 0.9 * WINDOW / SECOND
