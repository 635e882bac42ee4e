"""Unusual lines: far from their median, above the floor, and missing where they should be."""

from fractions import Fraction

import pytest

from domain.events.cycle import UnusualLine, UnusualLinesFound
from domain.invoice import LineItem
from domain.period import Period
from projections.history import describe
from projections.unusual import unusual
from tests.given import given
from tests.january import CLOSED, CLOSING, FEBRUARY, JANUARY, OPENED

CPU = "usage/a1/cpu@1"


def line(amount: int, key: str = CPU) -> LineItem:
    return LineItem(
        key=key,
        kind=key.split("/")[0],
        description="CPU hours",
        quantity=Fraction(1),
        unit="hour",
        amount=amount,
        unrounded=Fraction(amount),
        period=Period(JANUARY, FEBRUARY),
    )


def past(*amounts: int, key: str = CPU) -> list[dict[str, int]]:
    return [{key: amount} for amount in amounts]


def found(
    amount: int | None, before: list[dict[str, int]], factor: int = 5, currency: str = "usd"
) -> list[tuple[int, int, int, int]]:
    lines = [] if amount is None else [line(amount)]
    return [
        (each.amount, each.low, each.high, each.invoices)
        for each in unusual(lines, before, ["a1"], factor, currency)
    ]


@pytest.mark.parametrize(
    ("amount", "before", "expected"),
    [
        pytest.param(91_200, past(9000, 11_000, 13_000, 10_000), True, id="eight times as much"),
        pytest.param(1000, past(9000, 9500, 10_000), True, id="a tenth of it"),
        pytest.param(91_200, past(9000, 11_000), False, id="two to compare with"),
        pytest.param(15_000, past(10_000, 10_000, 10_000), False, id="half more"),
        pytest.param(15_100, past(10_000, 10_000, 10_000), True, id="more than half more"),
        pytest.param(1090, past(100, 100, 100), False, id="less than the floor"),
        pytest.param(1100, past(100, 100, 100), True, id="the floor"),
        pytest.param(90_000, past(90_000, 100, 100, 100), False, id="it was as much once"),
        pytest.param(30_000, past(2000, 9000, 20_000), False, id="it varies"),
        pytest.param(
            91_200, past(10_000, 10_000, 10_000, key="usage/a1/cpu@7"), True, id="another version"
        ),
        pytest.param(
            91_200, past(10_000, 10_000, 10_000, key="usage/a2/cpu@1"), False, id="another service"
        ),
        pytest.param(
            91_200,
            past(10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 90_000, 95_000),
            True,
            id="what was long ago does not count",
        ),
    ],
)
def test_a_line_is_unusual(amount: int, before: list[dict[str, int]], expected: bool) -> None:
    assert bool(found(amount, before)) is expected


def test_what_it_was_before_is_told() -> None:
    assert found(91_200, past(9000, 11_000, 13_000)) == [(91_200, 9000, 13_000, 3)]


def test_a_larger_factor_is_more_patient() -> None:
    assert found(20_000, past(10_000, 10_000, 10_000), 20) == []


def test_the_floor_is_of_the_currency() -> None:
    assert found(1050, past(100, 100, 100), currency="jpy") == []
    assert found(1100, past(100, 100, 100), currency="jpy") != []


def test_a_line_that_is_missing_is_unusual_while_its_service_runs() -> None:
    before = past(10_000, 10_000, 11_000)
    assert found(None, before) == [(0, 10_000, 11_000, 3)]
    assert unusual([], before, [], 5, "usd") == ()


def test_fees_and_what_people_add_are_not_compared() -> None:
    for key in ("fee/a1/base@1", "item/i1", "discount/d1", "minimum/a1/cpu@1"):
        assert unusual([line(90_000, key)], past(1, 1, 1, key=key), ["a1"], 5, "usd") == ()


ODD = UnusualLine(CPU, "CPU hours", 91_200, 9000, 13_000, 4)
FOUND = UnusualLinesFound(at=FEBRUARY, lines=(ODD,))


def test_what_was_found_before_and_did_not_change_much_is_no_news() -> None:
    cycle = given(OPENED, CLOSING, CLOSED)
    cycle.when(lambda each: each.find_unusual([ODD], FEBRUARY)).then(FOUND)
    cycle.when(lambda each: each.find_unusual([], FEBRUARY)).then_nothing()
    known = given(OPENED, CLOSING, CLOSED, FOUND)
    a_fifth = [ODD._replace(amount=109_440)]
    more = ODD._replace(amount=109_441)
    known.when(lambda each: each.find_unusual(a_fifth, FEBRUARY)).then_nothing()
    known.when(lambda each: each.find_unusual([more], FEBRUARY)).then(
        UnusualLinesFound(at=FEBRUARY, lines=(more,))
    )


def test_support_reads_what_is_unusual() -> None:
    assert describe(FOUND, "usd") == (
        "Unusual: CPU hours: 912.00 USD; on the 4 invoices before it was between 90.00 USD and "
        "130.00 USD"
    )
    steady = UnusualLinesFound(at=FEBRUARY, lines=(ODD._replace(low=9000, high=9000, invoices=3),))
    assert describe(steady, "usd").endswith("on the 3 invoices before it was 90.00 USD")
