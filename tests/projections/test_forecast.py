"""Forecasts of usage: the pace, the week, spikes, few days, and how far off they are."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.forecast import Ahead, clipped, median, naive, outlook

FIRST = date(2026, 1, 5)
"""A Monday."""

QUANTITIES = st.decimals(0, 10**9, places=3, allow_nan=False, allow_infinity=False)


def days(first: date, count: int) -> list[Ahead]:
    return [Ahead(first + timedelta(days=number), Decimal(1)) for number in range(count)]


def ahead(history: Sequence[Decimal], count: int) -> list[Ahead]:
    return days(FIRST + timedelta(days=len(history)), count)


def last(history: Sequence[Decimal]) -> date:
    return FIRST + timedelta(days=len(history) - 1)


def decimals(*values: int) -> list[Decimal]:
    return [Decimal(each) for each in values]


@pytest.mark.parametrize(
    ("history", "expected", "method"),
    [
        pytest.param([], 0, "few_days", id="nothing is known"),
        pytest.param(decimals(10, 10), 140, "few_days", id="two days"),
        pytest.param(decimals(*[10] * 14), 140, "pace", id="two steady weeks"),
        pytest.param(decimals(*[4] * 14, *[10] * 14), 140, "weekly", id="a new level"),
        pytest.param(
            decimals(*[10, 10, 10, 10, 10, 3, 3] * 4), 112, "weekly", id="weekends are quiet"
        ),
        pytest.param(decimals(*[10] * 20, 900, *[10] * 7), None, "weekly", id="one of equal days"),
        pytest.param(
            decimals(*[9, 10, 11, 10, 9, 10, 11] * 3, 900, *[10, 11, 10, 9, 10, 11]),
            None,
            "weekly",
            id="a spike counts as less far",
        ),
        pytest.param(decimals(*[0] * 28), 0, "weekly", id="no usage"),
    ],
)
def test_two_weeks_ahead(history: list[Decimal], expected: int | None, method: str) -> None:
    found = outlook(history, last(history), ahead(history, 14))
    assert found.method == method
    if expected is None:
        assert 130 < found.expected < 200, "140 without the spike"
    else:
        assert round(found.expected) == expected
    assert found.low <= found.expected <= found.high


def test_a_steady_pace_is_known_well_and_a_wild_one_is_not() -> None:
    steady, wild = decimals(*[10] * 28), decimals(*[0, 20] * 14)
    narrow, wide = (outlook(each, last(each), ahead(each, 14)) for each in (steady, wild))
    assert narrow.high - narrow.low < wide.high - wide.low


def test_few_days_have_a_wide_range() -> None:
    found = outlook(decimals(10, 10), last(decimals(10, 10)), days(FIRST, 10))
    assert (found.low, found.high) == (50, 150)


def test_the_rest_of_today_is_part_of_a_day() -> None:
    history = decimals(*[10] * 14)
    rest = [Ahead(FIRST + timedelta(days=14), Decimal("0.25"))]
    assert outlook(history, last(history), rest).days == (Decimal("2.5"),)


def test_nothing_to_come_is_known() -> None:
    found = outlook(decimals(1, 2, 3), FIRST, [])
    assert (found.method, found.low, found.expected, found.high) == ("known", 0, 0, 0)


@given(st.lists(QUANTITIES, max_size=80), st.integers(1, 31))
def test_what_is_expected_lies_within_the_range(history: list[Decimal], count: int) -> None:
    found = outlook(history, last(history), ahead(history, count))
    assert 0 <= found.low <= found.expected <= found.high
    assert len(found.days) == count


@given(st.lists(QUANTITIES, min_size=1, max_size=40))
def test_clipping_keeps_the_order_and_the_median(values: list[Decimal]) -> None:
    found = clipped(values)
    assert median(found) == median(values)
    assert min(values) <= min(found) and max(found) <= max(values)


SHAPES = ("steady", "weekly", "weekly and shrinking", "growing", "weekly with spikes", "bursts")


def history(shape: str, chance: random.Random) -> list[Decimal]:
    """Half a year of usage of one kind."""
    base, noise = chance.uniform(10, 1000), chance.choice([0.05, 0.2, 0.5])
    found = []
    for number in range(180):
        value = base * max(0.0, chance.gauss(1, noise))
        if "weekly" in shape:
            value *= 0.25 if (FIRST + timedelta(days=number)).weekday() >= 5 else 1.3
        if shape == "growing":
            value *= 1.003**number
        if "shrinking" in shape:
            value *= 0.998**number
        if "spikes" in shape and chance.random() < 0.03:
            value *= 8
        if shape == "bursts":
            value = value * 20 if chance.random() < 0.1 else 0.0
        found.append(Decimal(f"{value:.3f}"))
    return found


class BackTest:
    """Forecasts made on past days, against what came. Errors are parts of the month's usage."""

    def __init__(self) -> None:
        self.ours: list[Decimal] = []
        self.naive: list[Decimal] = []
        self.within = 0

    def run(self, values: Sequence[Decimal]) -> None:
        for begin, known in _origins():
            seen, to_come = values[:known], values[known : begin + 30]
            if not sum(values[begin : begin + 30]):
                continue
            coming = ahead(seen, len(to_come))
            found = outlook(seen, last(seen), coming)
            whole, rest = sum(values[begin : begin + 30]), sum(to_come)
            self.ours.append(abs(found.expected - rest) / whole)
            self.naive.append(abs(naive(values[begin:known], coming) - rest) / whole)
            self.within += found.low <= rest <= found.high

    @staticmethod
    def mean(errors: Sequence[Decimal]) -> Decimal:
        """In percent."""
        return 100 * sum(errors, Decimal(0)) / len(errors)


def _origins() -> Iterator[tuple[int, int]]:
    """Months of thirty days, forecast after 5, 10, 15, 20 and 25 of them."""
    for begin in (60, 90, 120):
        for passed in (5, 10, 15, 20, 25):
            yield begin, begin + passed


def test_forecasts_are_nearer_than_the_naive_pace_and_ranges_hold_what_they_say() -> None:
    """The numbers of docs/explanation/forecast.md."""
    chance, tests = random.Random(7), {shape: BackTest() for shape in SHAPES}
    for shape, test in tests.items():
        for _ in range(20):
            test.run(history(shape, chance))
    for shape, test in tests.items():
        assert BackTest.mean(test.ours) <= BackTest.mean(test.naive), shape
    everything = [each for test in tests.values() for each in test.ours]
    pace = [each for test in tests.values() for each in test.naive]
    assert BackTest.mean(everything) < BackTest.mean(pace) * Decimal("0.9")
    assert sum(test.within for test in tests.values()) >= len(everything) * Decimal("0.8")
