"""How fast Stripe is called, in whole microseconds: no second above the budget, nobody starved."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.pacing import (
    FAILURES_MAX,
    LONGEST_PROBE_PAUSE,
    PROBE_TAKES_MAX,
    SECOND,
    WINDOW,
    Breaker,
    Bucket,
    Lane,
    Outcome,
    Pace,
)

HOUR = 3600 * SECOND


def pace(account: int = 100, endpoint: int = 25) -> Pace:
    return Pace(account=Bucket(budget=account), endpoint=Bucket(budget=endpoint))


def busiest_second(calls: list[int]) -> int:
    """The most calls in any second, wherever it begins."""
    most, first = 0, 0
    for last, at in enumerate(calls):
        while calls[first] <= at - SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def sent(pace: Pace, number: int, lane: Lane = Lane.NORMAL, now: int = 0) -> tuple[Pace, list[int]]:
    """So many calls, each as soon as it may go; when they went."""
    times: list[int] = []
    while len(times) < number:
        pace, verdict = pace.asked(lane, now)
        if verdict.go:
            times.append(now)
        else:
            now += verdict.wait
    return pace, times


@given(
    waits=st.lists(st.integers(0, SECOND // 4), max_size=200),
    budgets=st.tuples(st.integers(1, 30), st.integers(1, 12)),
)
def test_no_second_holds_more_than_the_budget(waits: list[int], budgets: tuple[int, int]) -> None:
    state, now, times = pace(*budgets), 0, []
    for wait in waits:
        now += wait
        state, verdict = state.asked(Lane.NORMAL, now)
        if verdict.go:
            times.append(now)
    assert busiest_second(times) <= min(budgets)


@given(late=st.lists(st.integers(0, WINDOW - SECOND), min_size=60, max_size=60))
def test_not_even_where_calls_leave_up_to_20_ms_late(late: list[int]) -> None:
    _, times = sent(pace(endpoint=10), 60)
    left = sorted(at + each for at, each in zip(times, late, strict=True))
    assert busiest_second(left) <= 10


def test_the_budget_is_used_up_to_two_percent() -> None:
    _, times = sent(pace(), 25 * 60)
    assert times[-1] <= 60 * WINDOW


def test_the_account_has_a_budget_of_its_own() -> None:
    state = pace(account=30)
    state, _ = sent(state, 25)
    other = Pace(account=state.account, endpoint=Bucket(budget=25))
    other, times = sent(other, 6)
    assert times == [0, 0, 0, 0, 0, WINDOW]


def test_somebody_in_the_high_lane_finds_room_whatever_the_backlog() -> None:
    state, now, waits = pace(), 0, []
    state, _ = state.asked(Lane.HIGH, now)
    for moment in count(0, 10_000):
        if moment > 20 * SECOND:
            break
        for _ in range(5):
            state, _ = state.asked(Lane.NORMAL, moment)
        if moment % SECOND == 500_000:
            state, verdict = state.asked(Lane.HIGH, moment)
            waits.append(verdict.wait)
    assert waits == [0] * 20


def test_a_backlog_has_everything_while_nobody_else_is_there() -> None:
    state, _ = pace().asked(Lane.HIGH, 0)
    _, times = sent(state, 100, now=6 * SECOND)
    assert times[-1] == 6 * SECOND + 3 * WINDOW


def test_stripes_objection_halves_a_bucket_for_a_moment() -> None:
    state = pace().told(Outcome.ENDPOINT_LIMITED, 0)
    assert (state.endpoint.size(0), state.account.size(0)) == (12, 100)
    assert state.told(Outcome.ENDPOINT_LIMITED, 1000).endpoint.size(1000) == 12
    assert state.told(Outcome.ENDPOINT_LIMITED, SECOND).endpoint.size(SECOND) == 7
    assert state.endpoint.size(6 * SECOND) == 25
    assert pace().told(Outcome.ACCOUNT_LIMITED, 0).account.size(0) == 50


def test_a_bucket_is_never_empty_for_good() -> None:
    bucket = Bucket(budget=2)
    for second in range(9):
        bucket = bucket.shrunk(second * SECOND)
    assert bucket.size(9 * SECOND) >= 1


# The breaker


def broken(now: int = 0, reason: str = "no answer") -> Pace:
    state = pace()
    for _ in range(FAILURES_MAX):
        state = state.told(Outcome.FAILED, now, reason=reason)
    return state


def test_it_opens_after_failures_in_a_row_and_only_then() -> None:
    state = pace()
    for _ in range(5):
        for _ in range(FAILURES_MAX - 1):
            state = state.told(Outcome.FAILED, 0)
        state = state.told(Outcome.ANSWERED, 0)
    assert state.breaker == Breaker()
    assert broken(7).breaker.opened_at == 7


def test_while_it_is_open_one_probe_at_a_time_goes_out() -> None:
    state = broken()
    state, verdict = state.asked(Lane.HIGH, SECOND // 2)
    assert (verdict.go, verdict.away, verdict.wait) == (False, True, SECOND // 2)
    state, probe = state.asked(Lane.NORMAL, SECOND)
    assert (probe.go, probe.probe) == (True, True)
    state, other = state.asked(Lane.HIGH, SECOND)
    assert (other.go, other.away) == (False, True)


def test_probes_go_less_and_less_often_and_a_late_failure_of_others_does_not_count() -> None:
    state, now, gaps = broken(), 0, []
    for _ in range(9):
        wait = state.breaker.probe_at - now
        now += wait
        gaps.append(wait // SECOND)
        state, verdict = state.asked(Lane.NORMAL, now)
        state = state.told(Outcome.FAILED, now, probe=verdict.probe)
        state = state.told(Outcome.FAILED, now)
    assert gaps == [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_a_probe_that_died_with_its_process_is_made_up_for() -> None:
    state, _ = broken().asked(Lane.NORMAL, SECOND)
    _, verdict = state.asked(Lane.NORMAL, SECOND + PROBE_TAKES_MAX)
    assert verdict.probe


def test_six_hours_of_outage_end_with_the_first_answer() -> None:
    state = broken()
    probes = 0
    now = 0
    while now < 6 * HOUR:
        now = state.breaker.probe_at
        state, verdict = state.asked(Lane.NORMAL, now)
        state = state.told(Outcome.FAILED, now, probe=verdict.probe)
        probes += 1
    assert probes < 6 * HOUR // LONGEST_PROBE_PAUSE + 10
    now = state.breaker.probe_at
    state, verdict = state.asked(Lane.NORMAL, now)
    state = state.told(Outcome.ANSWERED, now, probe=verdict.probe)
    assert state.breaker == Breaker()


@pytest.mark.parametrize("outcome", [Outcome.ENDPOINT_LIMITED, Outcome.ACCOUNT_LIMITED])
def test_who_asks_to_slow_down_is_there(outcome: Outcome) -> None:
    assert broken().told(outcome, 1).breaker == Breaker()


def test_a_key_that_is_refused_opens_it_at_once() -> None:
    state = pace().told(Outcome.KEY_REFUSED, 3, reason="set the key")
    assert (state.breaker.opened_at, state.breaker.reason) == (3, "set the key")
    assert state.breaker.key_refused
