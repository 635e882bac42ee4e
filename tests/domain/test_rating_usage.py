"""Metered lines: tallies × prices. The ids are the arithmetic."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalog import AGGREGATIONS, Meter
from domain.events.usage import micros
from domain.invoice import LineItem
from domain.price import Price
from domain.rating import Rated, rate
from domain.rating.sharing import largest_remainder
from domain.tally import Tallies, Tally, TallyKey
from tests.given import cycle_of
from tests.january import JANUARY, OPENED, attached, day, detached, meter, opened, price

Group = tuple[tuple[str, str], ...]
TIERS = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]
FLAT_TIERS = [
    {"up_to": "10", "unit_amount": "5", "flat_amount": "31"},
    {"up_to": None, "unit_amount": "3", "flat_amount": "100"},
]


def metered(**terms: Any) -> Price:
    return price("cpu", meter="cpu", **({"model": "per_unit", "unit_amount": "2.5"} | terms))


def graduated(tiers: list[dict[str, Any]] = TIERS, **terms: Any) -> Price:
    return price("cpu", meter="cpu", model="graduated", tiers=tiers, **terms)


def tally(value: str, aggregation: str = "sum") -> Tally:
    found = Tally()
    found.add(aggregation, value, micros(day(5)))
    return found


def used(quantities: dict[Group, str] | str, ref: str = "cpu@1") -> Tallies:
    groups = {(): quantities} if isinstance(quantities, str) else quantities
    return {TallyKey("cpu", "a1", ref, group): tally(value) for group, value in groups.items()}


def rated(
    rate_at: Price, tallies: Tallies, *events: object, meter_is: Meter | None = None
) -> Rated:
    history = events or (attached("a1", JANUARY, rate_at),)
    meters = {"cpu": meter_is or meter("cpu", dimensions=("region", "size"))}
    found = rate(cycle_of(OPENED, *history), tallies, {rate_at.ref: rate_at}, meters)
    for line in found.invoice.lines:
        exact = sum((charge.amount for charge in line.charges), Fraction(0))
        assert exact == line.unrounded, "the charges of a line sum to its exact amount"
    return found


def lines(*args: Any, **kwargs: Any) -> dict[str, int]:
    return {line.key: line.amount for line in rated(*args, **kwargs).invoice.lines}


CPU = "usage/a1/cpu@1"
HOURS = {"divide_by": "3600", "round": "none"}


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


FRA, NYC = (("region", "fra"),), (("region", "nyc"),)


def grouped(**terms: Any) -> Price:
    return graduated(group_by=["region"], **terms)


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


# Aggregations


@pytest.mark.parametrize(
    ("aggregation", "values", "expected"),
    [
        pytest.param("sum", ["3", "1", "2"], 6, id="3 + 1 + 2"),
        pytest.param("count", ["3", "1", "2"], 3, id="three records"),
        pytest.param("max", ["3", "1", "2"], 3, id="the highest"),
        pytest.param("latest", ["3", "1", "2"], 2, id="the last"),
        pytest.param("unique", ["u1", "u2", "u1"], 2, id="two users"),
        pytest.param("time_weighted", ["3", "1", "2"], 24 + 8 + 16, id="3 + 1 + 2 for 8 h each"),
    ],
)
def test_a_meter_adds_up_its_way(aggregation: str, values: list[str], expected: int) -> None:
    """One record every eight hours of the last day; prices are 1 an hour where time counts."""
    found = Tally()
    for number, value in enumerate(values):
        found.add(aggregation, value, micros(day(31, 8 * number)))
    conversion = {"divide_by": "3600"} if aggregation == "time_weighted" else None
    rate_at = metered(unit_amount="1", unit_conversion=conversion)
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    result = lines(rate_at, tallies, meter_is=meter("cpu", aggregation))
    assert result == {CPU: expected}
    assert aggregation in AGGREGATIONS


def test_a_time_weighted_value_holds_until_the_attachment_ends() -> None:
    """2 from day 21 on, detached on day 26: 2 × 5 × 24 hours."""
    rate_at = metered(unit_amount="1", unit_conversion={"divide_by": "3600"})
    ended = (attached("a1", JANUARY, rate_at), detached("a1", day(26)))
    found = Tally()
    found.add("time_weighted", "2", micros(day(21)))
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    assert lines(rate_at, tallies, *ended, meter_is=meter("cpu", "time_weighted")) == {CPU: 240}


def test_what_has_accrued_of_it_so_far_ends_at_that_instant() -> None:
    """2 from day 21 on: by day 26 that is 2 × 5 × 24 hours, of 2 × 11 × 24."""
    rate_at = metered(unit_amount="1", unit_conversion={"divide_by": "3600"})
    found = Tally()
    found.add("time_weighted", "2", micros(day(21)))
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    cycle = cycle_of(OPENED, attached("a1", JANUARY, rate_at))
    meters = {"cpu": meter("cpu", "time_weighted")}
    shown = [
        rate(cycle, tallies, {rate_at.ref: rate_at}, meters, until=until).invoice.subtotal
        for until in (day(26), None)
    ]
    assert shown == [240, 528]


def only(found: Rated) -> LineItem:
    (line,) = found.invoice.lines
    return line


def test_a_usage_line_says_what_it_is_for() -> None:
    line = only(rated(grouped(), used({FRA: "12"})))
    assert line.description == "Machine (a1): cpu, region fra, 12 hour"
    assert (line.quantity, line.unit, line.price, line.attachment) == (12, "hour", "cpu@1", "a1")


def test_what_a_record_brings_along_cannot_break_a_description() -> None:
    nasty = (("region", "fra\n\0" + "x" * 600),)
    text = only(rated(grouped(), used({nasty: "12"}))).description
    assert len(text) <= 500
    assert text == text.strip()
    assert text.isprintable()


def test_the_same_facts_give_the_same_invoice_in_any_order() -> None:
    groups = {FRA: "9", NYC: "3"}
    forwards = rated(grouped(), used(groups)).invoice
    backwards = rated(grouped(), used(dict(reversed(groups.items())))).invoice
    assert forwards == backwards
    assert forwards.digest() == backwards.digest()


def test_a_cycle_in_another_currency_rounds_to_its_step() -> None:
    rate_at = metered(currency="kwd")
    history = cycle_of(opened(currency="kwd"), attached("a1", JANUARY, rate_at))
    found = rate(history, used("6"), {rate_at.ref: rate_at}, {"cpu": meter("cpu")})
    assert only(found).amount == 20
