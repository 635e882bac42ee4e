"""Metered lines: tallies × prices. The ids are the arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.price import Price
from domain.rating.sharing import largest_remainder
from domain.tally import TallyKey
from tests.domain.rated_usage import (
    CPU,
    FRA,
    HOURS,
    NYC,
    graduated,
    grouped,
    lines,
    metered,
    rated,
    used,
)
from tests.january import JANUARY, attached, day, detached, price

FLAT_TIERS = [
    {"up_to": "10", "unit_amount": "5", "flat_amount": "31"},
    {"up_to": None, "unit_amount": "3", "flat_amount": "100"},
]


@pytest.mark.parametrize(
    ("rate_at", "quantity", "expected"),
    [
        pytest.param(metered(), "12.5", 31, id="12.5 × 2.5 = 31.25"),
        pytest.param(metered(unit_amount="0.5"), "5", 3, id="5 × 0.5 = 2.5, up"),
        pytest.param(metered(), "0.000000000001", 0, id="10^-12 × 2.5, a line of nothing"),
        pytest.param(
            metered(), "999999999999999999.999999999999", 2500000000000000000, id="30 digits × 2.5"
        ),
        pytest.param(metered(unit_conversion=HOURS), "5400", 4, id="5400 ÷ 3600 × 2.5 = 3.75"),
        pytest.param(metered(unit_conversion=HOURS), "1", 0, id="1 ÷ 3600 × 2.5"),
        pytest.param(metered(included_quantity="10"), "12", 5, id="(12 - 10) × 2.5"),
        pytest.param(metered(included_quantity="10"), "8", 0, id="8 of 10 included"),
        pytest.param(
            metered(included_quantity="1", unit_conversion=HOURS),
            "7200",
            3,
            id="(7200 ÷ 3600 - 1) × 2.5: conversion first",
        ),
        pytest.param(graduated(), "10", 50, id="10 × 5: up_to is inclusive"),
        pytest.param(graduated(), "12", 56, id="10 × 5 + 2 × 3"),
        pytest.param(graduated(), "10.5", 52, id="10 × 5 + 0.5 × 3 = 51.5"),
        pytest.param(graduated(included_quantity="5"), "12", 35, id="(12 - 5) × 5"),
        pytest.param(graduated(FLAT_TIERS), "10", 81, id="10 × 5 + 31"),
        pytest.param(graduated(FLAT_TIERS), "11", 184, id="10 × 5 + 31 + 1 × 3 + 100"),
        pytest.param(price("cpu", meter="cpu", model="flat", amount="70"), "5", 70, id="flat 70"),
    ],
)
def test_usage_is_priced(rate_at: Price, quantity: str, expected: int) -> None:
    assert lines(rate_at, used(quantity)) == {CPU: expected}


@pytest.mark.parametrize(
    ("rate_at", "expected"),
    [
        pytest.param(metered(), {}, id="no usage, no line"),
        pytest.param(graduated(), {}, id="no flat amount, no line"),
        pytest.param(graduated(FLAT_TIERS), {CPU: 31}, id="the first tier's flat amount"),
        pytest.param(graduated(FLAT_TIERS, flat_at_zero=False), {}, id="only once it is used"),
    ],
)
def test_without_usage_only_flat_amounts_are_owed(rate_at: Price, expected: dict[str, int]) -> None:
    assert lines(rate_at, {}) == expected


def test_flat_amounts_and_allowances_count_for_the_time_attached() -> None:
    ended = (attached("a1", JANUARY, graduated(FLAT_TIERS)), detached("a1", day(11)))
    assert lines(graduated(FLAT_TIERS), {}, *ended) == {CPU: 10}
    allowed = metered(included_quantity="31")
    assert lines(allowed, used("12"), attached("a1", day(22), allowed)) == {CPU: 5}


def test_attaching_again_continues_the_tiers() -> None:
    again = (
        attached("a1", JANUARY, graduated()),
        detached("a1", day(11)),
        attached("a1", day(21), graduated()),
    )
    assert lines(graduated(), used("12"), *again) == {CPU: 56}


def test_usage_that_nothing_prices_is_listed_and_costs_nothing() -> None:
    found = rated(metered(), used("12", ref=""))
    assert found.invoice.lines == ()
    assert found.unpriced == (TallyKey("cpu", "a1", "", ()),)


def test_a_linear_price_rates_each_group_alone() -> None:
    found = lines(metered(group_by=["region"]), used({FRA: "3", NYC: "5"}))
    assert found == {f"{CPU}/region=fra": 8, f"{CPU}/region=nyc": 13}


def test_tiers_count_over_all_groups_and_are_shared_out_by_quantity() -> None:
    """9 + 3 = 12 units: 10 × 5 + 2 × 3 = 56, of which 3/4 and 1/4."""
    found = lines(grouped(), used({FRA: "9", NYC: "3"}))
    assert found == {f"{CPU}/region=fra": 42, f"{CPU}/region=nyc": 14}


def test_or_for_each_group_where_the_price_says_so() -> None:
    found = lines(grouped(per_group=True), used({FRA: "12", NYC: "3"}))
    assert found == {f"{CPU}/region=fra": 56, f"{CPU}/region=nyc": 15}


@pytest.mark.parametrize(
    ("rate_at", "quantities", "expected"),
    [
        pytest.param(grouped(), ("0", "0"), {}, id="nothing used in two regions"),
        pytest.param(grouped(), ("5", "-5"), {}, id="5 - 5, given back elsewhere"),
        pytest.param(
            graduated(FLAT_TIERS, group_by=["region"]), ("0", "0"), {"": 31}, id="flat, unused"
        ),
        pytest.param(
            graduated(FLAT_TIERS, group_by=["region"]), ("5", "-5"), {"": 31}, id="flat, 5 - 5"
        ),
        pytest.param(grouped(), ("9", "-1"), {"/region=fra": 45, "/region=nyc": -5}, id="8 × 5"),
        pytest.param(
            metered(unit_amount="5", group_by=["region"]),
            ("9", "-1"),
            {"/region=fra": 45, "/region=nyc": -5},
            id="8 × 5, linear",
        ),
        pytest.param(
            metered(unit_amount="5", group_by=["region"], per_group=True),
            ("9", "-1"),
            {"/region=fra": 45, "/region=nyc": 0},
            id="each group for itself, none below zero",
        ),
    ],
)
def test_groups_offset_each_other_and_flat_amounts_are_owed_all_the_same(
    rate_at: Price, quantities: tuple[str, str], expected: dict[str, int]
) -> None:
    found = lines(rate_at, used(dict(zip((FRA, NYC), quantities, strict=True))))
    assert found == {f"{CPU}{tail}": amount for tail, amount in expected.items()}


def test_dimensions_that_a_price_does_not_keep_apart_are_one_line() -> None:
    small, large = (*FRA, ("size", "s")), (*FRA, ("size", "l"))
    found = lines(grouped(), used({small: "4", large: "8"}))
    assert found == {f"{CPU}/region=fra": 56}


def test_shared_parts_sum_to_the_whole_to_the_cent() -> None:
    """3 × 1 unit at 1/3 each: 100 cents become 34 + 33 + 33."""
    third = graduated([{"up_to": None, "unit_amount": "33.3333333333"}], group_by=["region"])
    found = lines(third, used({(("region", str(n)),): "1" for n in range(3)}))
    assert sorted(found.values()) == [33, 33, 34]


@settings(max_examples=200, deadline=None)
@given(
    total=st.integers(0, 10**9),
    weights=st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    unit=st.sampled_from([1, 10, 100]),
)
def test_largest_remainder_loses_nothing(total: int, weights: list[int], unit: int) -> None:
    total *= unit
    whole = sum(weights)
    ratios = {(("g", str(n)),): Fraction(weight, whole) for n, weight in enumerate(weights)}
    parts = largest_remainder(total, ratios, unit)
    assert sum(parts.values()) == total
    for group, part in parts.items():
        assert part % unit == 0
        assert abs(part - ratios[group] * total) < unit
