"""What goes on into the next cycle: amounts below zero or tiny, and values that hold on."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.events.amounts import (
    HandedOver,
    Level,
)
from domain.events.cycle import Coming
from domain.events.usage import micros
from domain.rating import Rated, rate
from domain.tally import Tallies, Tally, TallyKey
from tests.domain.rated import CPU, FEE, amounts
from tests.given import cycle_of
from tests.january import (
    BASE,
    CLOSED,
    CLOSING,
    FEBRUARY,
    JANUARY,
    MARCH,
    OPENED,
    attached,
    day,
    detached,
    item,
    meter,
    price,
)

# Carried


COMING = Coming(FEBRUARY, MARCH, FEBRUARY, MARCH)
CUT_OFF = (CLOSING, CLOSED)


def left(amount: int, **more: Any) -> HandedOver:
    return HandedOver(at=JANUARY, cycle="acme.2025-12-01", amount=amount, **more)


@pytest.mark.parametrize(
    ("events", "around", "expected"),
    [
        pytest.param(
            [attached("a1", JANUARY, BASE), left(250)],
            {},
            {FEE: 3100, "carry/in": 250},
            id="250 owed from before",
        ),
        pytest.param(
            [attached("a1", JANUARY, BASE), left(-250)],
            {},
            {FEE: 3100, "carry/in": -250},
            id="250 to be taken off",
        ),
        pytest.param(
            [left(-250), *CUT_OFF],
            {"coming": COMING},
            {"carry/in": -250, "carry/out": 250},
            id="nothing negative is issued: it is carried on",
        ),
        pytest.param([left(-250)], {"coming": COMING}, {"carry/in": -250}, id="not while it runs"),
        pytest.param(
            [left(-250), *CUT_OFF],
            {},
            {"carry/in": -250, "carry/out": 250},
            id="no cycle follows: brought to zero all the same",
        ),
        pytest.param(
            [item(amount=49), *CUT_OFF],
            {"coming": COMING, "minimum": 50},
            {"item/i1": 49, "carry/out": -49},
            id="below the smallest invoice",
        ),
        pytest.param(
            [item(amount=50), *CUT_OFF],
            {"coming": COMING, "minimum": 50},
            {"item/i1": 50},
            id="just as much as the smallest invoice",
        ),
        pytest.param(
            [item(amount=49), *CUT_OFF],
            {"minimum": 50},
            {"item/i1": 49},
            id="the last invoice may be small",
        ),
    ],
)
def test_what_is_negative_or_tiny_is_carried(
    events: list[object], around: dict[str, Any], expected: dict[str, int]
) -> None:
    assert amounts(*events, **around) == expected


# Values that hold on


GAUGE = price(
    "cpu", meter="cpu", model="per_unit", unit_amount="1", unit_conversion={"divide_by": "3600"}
)
BIG = price(
    "big", meter="cpu", model="per_unit", unit_amount="2", unit_conversion={"divide_by": "3600"}
)


def gauge(*points: tuple[str, Any], ref: str = "cpu@1") -> Tallies:
    tally = Tally()
    for value, at in points:
        tally.add("time_weighted", value, micros(at))
    return {TallyKey("cpu", "a1", ref, ()): tally}


def held(*events: object, tallies: Tallies, carry_over: bool = True) -> Rated:
    meters = {"cpu": replace(meter("cpu", "time_weighted"), carry_over=carry_over)}
    book = {each.ref: each for each in (GAUGE, BIG)}
    return rate(cycle_of(OPENED, *events), tallies, book, meters)


def level(value: str) -> Level:
    return Level("cpu", "a1", {}, Decimal(value))


def test_a_value_holds_from_the_cycle_before() -> None:
    """2 until day 11, then 5: 2 × 240 + 5 × 504 hours."""
    events = (attached("a1", JANUARY, GAUGE), left(0, levels=(level("2"),)))
    found = held(*events, tallies=gauge(("5", day(11))))
    assert [line.amount for line in found.invoice.lines] == [2 * 240 + 5 * 504]
    assert found.levels == (level("5"),)


def test_without_a_report_it_holds_for_the_whole_cycle_and_on() -> None:
    events = (attached("a1", JANUARY, GAUGE), left(0, levels=(level("2"),)))
    found = held(*events, tallies={})
    assert [line.amount for line in found.invoice.lines] == [2 * 744]
    assert found.levels == (level("2"),)


def test_what_ended_leaves_no_value() -> None:
    events = (attached("a1", JANUARY, GAUGE), detached("a1", day(11)))
    found = held(*events, tallies=gauge(("2", day(1))))
    assert [line.amount for line in found.invoice.lines] == [2 * 240]
    assert found.levels == ()


def test_a_meter_that_does_not_carry_over_leaves_no_value() -> None:
    events = (attached("a1", JANUARY, GAUGE),)
    assert held(*events, tallies=gauge(("2", day(1))), carry_over=False).levels == ()


def test_a_value_holds_on_across_a_swap_at_the_new_price() -> None:
    """3 from the first on: 240 hours at 1, 504 hours at 2."""
    events = (
        attached("a1", JANUARY, GAUGE),
        detached("a1", day(11)),
        attached("a1", day(11), BIG),
    )
    found = held(*events, tallies=gauge(("3", JANUARY)))
    lines = {line.key: line.amount for line in found.invoice.lines}
    assert lines == {CPU: 3 * 240, "usage/a1/big@1": 3 * 504 * 2}
