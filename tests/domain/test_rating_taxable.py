"""With automatic tax nothing on an invoice is below zero: what would be reduces other lines."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from domain.events.amounts import AmountOverridden, DiscountGranted, HandedOver, LineWaived
from domain.events.cycle import Coming
from domain.events.late import LateAmountsBilled, LateLine
from domain.invoice import Sold
from domain.rating import Credit, Rated, Surroundings, rate
from tests.given import cycle_of
from tests.january import (
    BASE,
    CLOSED,
    CLOSING,
    FEBRUARY,
    JANUARY,
    MARCH,
    OPENED,
    SEAT,
    attached,
    item,
    price,
)

FEE, SEATS = "fee/a1/base@1", "fee/a2/seat@1"
BOOK = {each.ref: each for each in (BASE, SEAT)}
BOTH = (attached("a1", JANUARY, BASE), attached("a2", JANUARY, SEAT))
OVER = (CLOSING, CLOSED)


def rated(*events: object, **around: Any) -> Rated:
    surroundings = Surroundings(automatic_tax=True, **around)
    found = rate(cycle_of(OPENED, *events), {}, BOOK, {}, surroundings)
    assert sum(line.amount for line in found.lines) == found.invoice.subtotal
    for line in found.invoice.lines:
        exact = sum((charge.amount for charge in line.charges), Fraction(0))
        assert not line.charges or exact == line.unrounded == line.amount, line.key
    return found


def amounts(*events: object, **around: Any) -> dict[str, int]:
    return {line.key: line.amount for line in rated(*events, **around).invoice.lines}


def credit(remaining: int) -> Credit:
    return Credit(id="k1", remaining=remaining, reason="sorry", granted_at=JANUARY)


def left(amount: int) -> HandedOver:
    """What December left to January."""
    return HandedOver(at=JANUARY, cycle="acme.2025-12-01", amount=amount)


def late(amount: int) -> LateAmountsBilled:
    line = LateLine(
        line=FEE, description="Base", amount=amount, known=0, settled=0, billed=0,
        start=JANUARY, end=FEBRUARY, price="base@1", attachment="a1",
    )  # fmt: skip
    return LateAmountsBilled(at=JANUARY, cycle="acme.2025-12-01", lines=(line,))


def discount(**terms: Any) -> DiscountGranted:
    return DiscountGranted(at=JANUARY, discount="d1", reason="launch", **terms)


@pytest.mark.parametrize(
    ("events", "around", "lines"),
    [
        pytest.param(BOTH, {}, {FEE: 3100, SEATS: 3100}, id="nothing below zero"),
        pytest.param(
            BOTH, {"credits": [credit(1000)]}, {FEE: 2100, SEATS: 3100}, id="3100 - 1000, 3100"
        ),
        pytest.param(BOTH, {"credits": [credit(4000)]}, {FEE: 0, SEATS: 2200}, id="0, 6200 - 4000"),
        pytest.param(
            (*BOTH, discount(percent=Decimal(10))),
            {},
            {FEE: 2790, SEATS: 2790},
            id="a tenth off each",
        ),
        pytest.param(
            (*BOTH, discount(percent=Decimal(10), prices=("seat",))),
            {},
            {FEE: 3100, SEATS: 2790},
            id="a tenth off what it was given on",
        ),
        pytest.param(
            (*BOTH, discount(amount=101)), {}, {FEE: 3049, SEATS: 3050}, id="101 = 51 + 50"
        ),
        pytest.param(
            (*BOTH, LineWaived(at=JANUARY, line=SEATS, amount=3100, reason="down")),
            {"credits": [credit(100)]},
            {FEE: 3000, SEATS: 0},
            id="waived where it was, the credit off the rest",
        ),
        pytest.param(
            (
                *BOTH,
                AmountOverridden(
                    at=JANUARY, line=SEATS, amount=500, difference=-2600, reason="deal"
                ),
            ),
            {},
            {FEE: 3100, SEATS: 500},
            id="set to 500",
        ),
        pytest.param(BOTH, {"handover": left(-200)}, {FEE: 2900, SEATS: 3100}, id="200 left over"),
        pytest.param(
            BOTH,
            {"handover": left(40), "credits": [credit(100)]},
            {"carry/in": 0, FEE: 3040, SEATS: 3100},
            id="40 owed from before come first",
        ),
        pytest.param(BOTH, {"late": [late(-300)]}, {FEE: 2800, SEATS: 3100}, id="300 too much"),
        pytest.param(
            (attached("a1", JANUARY, BASE), item("setup", 4900)),
            {"credits": [credit(5000)]},
            {FEE: 0, "item/setup": 3000},
            id="an item, too",
        ),
    ],
)
def test_the_total_stays_and_no_line_is_negative(
    events: tuple[object, ...], around: dict[str, Any], lines: dict[str, int]
) -> None:
    assert amounts(*events, **around) == lines


def test_a_reduced_line_tells_what_was_taken_off_and_still_sums() -> None:
    found = rated(*BOTH, discount(percent=Decimal(10)), credits=[credit(1000)])
    fee, seats = found.invoice.lines
    assert fee.description.endswith(
        ": 31.00, less 3.10 Discount d1 (10%): launch, less 10.00 Credit k1: sorry"
    )
    assert [(each.what, each.amount) for each in fee.charges[1:]] == [
        ("less discount/d1", -310),
        ("less credit/k1", -1000),
    ]
    assert seats.description.endswith(": 31.00, less 3.10 Discount d1 (10%): launch")


@pytest.mark.parametrize(
    ("events", "around", "lines", "carried"),
    [
        pytest.param((), {"handover": left(-200)}, {"carry/out": 0}, -200, id="200 go on"),
        pytest.param(
            BOTH,
            {"handover": left(-7000)},
            {FEE: 0, SEATS: 0, "carry/out": 0},
            -800,
            id="6200 - 7000",
        ),
        pytest.param(
            (item("small", 30), *OVER),
            {"minimum": 50, "coming": Coming(FEBRUARY, MARCH, FEBRUARY, MARCH)},
            {"item/small": 0},
            30,
            id="too small to collect",
        ),
    ],
)
def test_what_nothing_is_left_for_is_carried(
    events: tuple[object, ...], around: dict[str, Any], lines: dict[str, int], carried: int
) -> None:
    found = rated(*events, **around)
    assert {line.key: line.amount for line in found.invoice.lines} == lines
    assert found.carried == carried


def test_what_is_carried_is_the_same_before_and_after_usage_is_cut_off() -> None:
    around: dict[str, Any] = {"handover": left(-7000)}
    before, after = rated(*BOTH, **around), rated(*BOTH, *OVER, **around)
    assert before.invoice == after.invoice


def test_late_facts_are_measured_before_anything_is_taken_off() -> None:
    found = rated(*BOTH, credits=[credit(1000)])
    assert {key: line.amount for key, line in found.basis.items()} == {FEE: 3100, SEATS: 3100}


def test_lines_say_what_they_sell_under_the_tax_code_of_their_price() -> None:
    coded = price("base", model="flat", amount="3100", tax_code="txcd_10103001")
    cycle = cycle_of(OPENED, attached("a1", JANUARY, coded), item("setup", 4900))
    found = rate(cycle, {}, {coded.ref: coded}, {}, Surroundings(automatic_tax=True))
    fee, setup = found.invoice.lines
    assert fee.sold == Sold(
        product="base", name=coded.name, currency="usd", tax_code="txcd_10103001"
    )
    assert setup.sold == Sold(product="items", name="Other items", currency="usd")


def test_without_automatic_tax_lines_are_as_they_are() -> None:
    cycle = cycle_of(OPENED, *BOTH)
    found = rate(cycle, {}, BOOK, {}, Surroundings(credits=[credit(1000)]))
    assert [line.amount for line in found.invoice.lines] == [-1000, 3100, 3100]
    assert found.invoice.lines == tuple(sorted(found.lines, key=lambda line: line.key))
    assert all(line.sold is None for line in found.invoice.lines)
