"""How often a draft is synced by itself: never beyond the reads of a month, and never long held."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sync_allowance import DAYS, READS_MIN, READS_PER_SYNC, UNLIMITED, SyncAllowance

HOUR = timedelta(hours=1)
NOW = datetime(2026, 1, 20, tzinfo=UTC)
USUAL = SyncAllowance.of(500)
"""Thirty at once, and one in eight hours."""

READS = st.integers(min_value=READS_MIN, max_value=5_000)
INTERVALS = st.just(900) | st.integers(min_value=1, max_value=3 * 86_400)


@pytest.mark.parametrize(
    ("before", "next_at"),
    [
        pytest.param(None, -28 * 8 * HOUR, id="the first: 29 may follow at once"),
        pytest.param(-60 * 8 * HOUR, -28 * 8 * HOUR, id="after quiet months: no more than those"),
        pytest.param(-3 * 8 * HOUR, -2 * 8 * HOUR, id="three saved, one used"),
        pytest.param(-HOUR, 7 * HOUR, id="just in time, an hour saved"),
        pytest.param(timedelta(), 8 * HOUR, id="none saved: one in eight hours"),
        pytest.param(3 * HOUR, 8 * HOUR, id="somebody asked meanwhile: eight hours from then"),
        pytest.param(8 * HOUR, 8 * HOUR, id="and again: no longer than that"),
    ],
)
def test_when_the_next_one_may_come(before: timedelta | None, next_at: timedelta) -> None:
    assert USUAL.next_at(None if before is None else NOW + before, NOW) - NOW == next_at


@pytest.mark.parametrize(
    ("reads", "at_once", "every"),
    [
        pytest.param(36, 1, 10 * timedelta(days=1), id="the fewest"),
        pytest.param(500, 30, 8 * HOUR, id="the usual"),
        pytest.param(5_000, 311, DAYS / 934, id="as Stripe may allow when asked"),
    ],
)
def test_a_quarter_at_once_and_the_rest_spread(reads: int, at_once: int, every: timedelta) -> None:
    assert SyncAllowance.of(reads) == SyncAllowance(at_once=at_once, every=every)


def test_without_a_limit_nobody_waits() -> None:
    assert UNLIMITED.next_at(NOW + HOUR, NOW) == UNLIMITED.next_at(None, NOW) == NOW


@given(
    reads=READS,
    pauses=st.lists(INTERVALS, min_size=1, max_size=300),
    days=st.integers(min_value=1, max_value=60),
)
def test_no_window_holds_more_than_what_was_saved_and_what_came_to_it(
    reads: int, pauses: list[int], days: int
) -> None:
    """Drafts change whenever they like, and are synced as soon as they may be."""
    allowance, window = SyncAllowance.of(reads), timedelta(days=days)
    made = _syncs(allowance, pauses)
    most = allowance.at_once + window // allowance.every
    for place, first in enumerate(made):
        within = sum(first <= each < first + window for each in made[place:])
        assert within <= most
        assert days != 30 or within * READS_PER_SYNC <= reads


@given(reads=READS, pauses=st.lists(INTERVALS, max_size=50))
def test_nobody_waits_longer_than_one_turn_however_often_others_asked(
    reads: int, pauses: list[int]
) -> None:
    allowance, now, next_at = SyncAllowance.of(reads), NOW, None
    for pause in pauses:  # asked for by people, whether it may come or not
        now += timedelta(seconds=pause)
        next_at = allowance.next_at(next_at, now)
        assert next_at - now <= allowance.every


def _syncs(allowance: SyncAllowance, pauses: list[int]) -> list[datetime]:
    """When syncs are made of a draft that changes again so many seconds after each."""
    now, next_at = NOW, allowance.next_at(None, NOW)
    made = [now]
    for pause in pauses:
        now = max(now + timedelta(seconds=pause), next_at)
        next_at = allowance.next_at(next_at, now)
        made.append(now)
    return made
