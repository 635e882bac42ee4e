"""Discounts, minimum and maximum, and what people decide: exact to the cent."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events.amounts import (
    AmountOverridden,
    DiscountEnded,
    DiscountGranted,
    LineWaived,
)
from domain.events.usage import micros
from domain.price import Price
from domain.tally import Tallies, Tally, TallyKey
from tests.domain.rated import CPU, FEE, amounts, rated
from tests.january import (
    BASE,
    JANUARY,
    SEAT,
    attached,
    day,
    detached,
    item,
    price,
)

FRA, NYC, OTHER = (("region", "fra"),), (("region", "nyc"),), (("region", ""),)


def off(identity: str = "d1", at: Any = JANUARY, **terms: Any) -> DiscountGranted:
    if "percent" in terms:
        terms["percent"] = Decimal(terms["percent"])
    return DiscountGranted(at=at, discount=identity, reason="new", **terms)


# Discounts


@pytest.mark.parametrize(
    ("discounts", "expected"),
    [
        pytest.param([off(percent="10")], {"d1": -620}, id="10% of 3100 + 3100"),
        pytest.param([off(percent="33.333")], {"d1": -2067}, id="33.333% of 6200 = 2066.646"),
        pytest.param([off(percent="100")], {"d1": -6200}, id="all of it"),
        pytest.param([off(amount=500)], {"d1": -500}, id="500 off"),
        pytest.param([off(amount=9000)], {"d1": -6200}, id="never more than the lines come to"),
        pytest.param([off(percent="10", prices=("seat",))], {"d1": -310}, id="10% of seats only"),
        pytest.param([off(amount=4000, prices=("seat",))], {"d1": -3100}, id="seats are 3100"),
        pytest.param([off(percent="10", prices=("disk",))], {}, id="none of it is here"),
        pytest.param(
            [off(percent="50"), off("d2", day(2), percent="50")],
            {"d1": -3100, "d2": -1550},
            id="the second takes of what the first left",
        ),
        pytest.param(
            [off(percent="100"), off("d2", day(2), amount=100)],
            {"d1": -6200},
            id="nothing left to take",
        ),
        pytest.param(
            [off(percent="10"), DiscountEnded(at=day(9), discount="d1", reason="over")],
            {},
            id="ended",
        ),
    ],
)
def test_discounts_come_off_in_order(discounts: list[object], expected: dict[str, int]) -> None:
    found = amounts(attached("a1", JANUARY, BASE, SEAT), item(), *discounts)
    taken = {f"discount/{key}": amount for key, amount in expected.items()}
    assert found == {FEE: 3100, "fee/a1/seat@1": 3100, "item/i1": 500} | taken


# Minimum and maximum


def metered(**terms: Any) -> Price:
    return price("cpu", meter="cpu", **({"model": "per_unit", "unit_amount": "10"} | terms))


def used(quantities: dict[Any, str]) -> Tallies:
    found: Tallies = {}
    for group, quantity in quantities.items():
        tally = Tally()
        tally.add("sum", quantity, micros(day(5)))
        found[TallyKey("cpu", "a1", "cpu@1", group)] = tally
    return found


BOUNDED = metered(group_by=["region"], minimum_amount="1000", maximum_amount="5000")


@pytest.mark.parametrize(
    ("quantities", "events", "expected"),
    [
        pytest.param({}, [], {"minimum": 1000}, id="nothing used: 1000"),
        pytest.param(
            {FRA: "30", NYC: "20"},
            [],
            {"fra": 300, "nyc": 200, "minimum": 500},
            id="1000 - 300 - 200",
        ),
        pytest.param({FRA: "100"}, [], {"fra": 1000}, id="reached"),
        pytest.param({FRA: "500"}, [], {"fra": 5000}, id="5000, not above"),
        pytest.param({FRA: "600", NYC: "200"}, [], {"fra": 3750, "nyc": 1250}, id="5000 as 3 to 1"),
        pytest.param(
            {FRA: "400", NYC: "400", OTHER: "400"},
            [],
            {"": 1667, "fra": 1667, "nyc": 1666},
            id="5000 in three, to the cent",
        ),
        pytest.param(
            {FRA: "30"},
            [off(percent="50")],
            {"fra": 300, "discount": -150, "minimum": 850},
            id="the minimum counts after discounts: 1000 - 300 + 150",
        ),
        pytest.param(
            {FRA: "600"},
            [off(percent="50")],
            {"fra": 6000, "discount": -3000},
            id="after discounts 3000 is below 5000",
        ),
        pytest.param(
            {FRA: "1200"},
            [off(percent="50")],
            {"fra": 11000, "discount": -6000},
            id="after discounts 6000 is 1000 too much",
        ),
        pytest.param(
            {},
            [detached("a1", day(16, 12))],
            {"minimum": 500},
            id="half a period has half a minimum",
        ),
        pytest.param(
            {FRA: "600"},
            [detached("a1", day(16, 12))],
            {"fra": 2500},
            id="and half a maximum",
        ),
    ],
)
def test_a_price_has_a_minimum_and_a_maximum(
    quantities: dict[Any, str], events: list[object], expected: dict[str, int]
) -> None:
    names = {
        "minimum": "minimum/a1/cpu@1",
        "discount": "discount/d1",
        **{region: f"{CPU}/region={region}" for region in ("", "fra", "nyc")},
    }
    found = amounts(
        attached("a1", JANUARY, BOUNDED), *events, prices=[BOUNDED], tallies=used(quantities)
    )
    assert found == {names[key]: amount for key, amount in expected.items()}


@settings(max_examples=150, deadline=None)
@given(
    quantities=st.lists(st.integers(0, 2000), min_size=1, max_size=6),
    percent=st.integers(0, 100),
    days=st.integers(1, 31),
    per_group=st.booleans(),
)
def test_after_discounts_a_price_comes_to_no_less_and_no_more_than_its_bounds(
    quantities: list[int], percent: int, days: int, per_group: bool
) -> None:
    bounded = metered(
        unit_amount="3.37",
        group_by=["region"],
        minimum_amount="1001",
        maximum_amount="4999",
        per_group=per_group,
    )
    events: list[object] = [attached("a1", day(32 - days), bounded)]
    events += [off(percent=str(percent))] if percent else []
    tallies = used({(("region", f"r{n}"),): str(each) for n, each in enumerate(quantities)})
    total = sum(amounts(*events, prices=[bounded], tallies=tallies).values())
    exact = sum(round(each * Fraction("3.37")) for each in quantities)
    low, high = 1001 * Fraction(days, 31), 4999 * Fraction(days, 31)
    assert low - Fraction(1, 2) <= total <= high + Fraction(1, 2)
    if low + 10 < exact * Fraction(100 - percent, 100) < high - 10:
        assert abs(total - exact * Fraction(100 - percent, 100)) <= len(quantities)


# What people decide


def waived(amount: int, line: str = FEE) -> LineWaived:
    return LineWaived(at=day(9), line=line, amount=amount, reason="sorry")


def set_to(amount: int, difference: int | None) -> AmountOverridden:
    return AmountOverridden(
        at=day(9), line=FEE, amount=amount, difference=difference, reason="agreed"
    )


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([waived(800)], {"waive": -800}, id="800 waived, the rest is owed"),
        pytest.param([waived(800), waived(200)], {"waive": -1000}, id="waived again"),
        pytest.param([waived(9000)], {"waive": -3100}, id="never below zero"),
        pytest.param([set_to(500, -300)], {"override": -300}, id="set from 800 to 500"),
        pytest.param([set_to(900, 100)], {"override": 100}, id="set from 800 to 900"),
        pytest.param([set_to(0, -9000)], {"override": -3100}, id="never below zero, either"),
        pytest.param([set_to(500, None)], {"override": -2600}, id="final: 500 whatever comes"),
        pytest.param([set_to(4000, None)], {"override": 900}, id="final, and more"),
        pytest.param(
            [waived(800), set_to(500, None)],
            {"waive": -800, "override": -1800},
            id="final, after what was waived",
        ),
    ],
)
def test_people_waive_and_set_lines(decisions: list[object], expected: dict[str, int]) -> None:
    found = amounts(attached("a1", JANUARY, BASE), *decisions)
    assert found == {FEE: 3100} | {f"{kind}/{FEE}": amount for kind, amount in expected.items()}


def test_what_was_decided_is_no_part_of_what_late_facts_are_measured_against() -> None:
    found = rated(attached("a1", JANUARY, BASE), waived(800), item())
    assert {key: line.amount for key, line in found.basis.items()} == {FEE: 3100}
