"""Fees: what attachments cost for the seconds they were on. The ids are the arithmetic."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from domain.rating import rate
from tests.given import cycle_of
from tests.january import (
    BASE,
    BOOK,
    FEBRUARY,
    JANUARY,
    OPENED,
    SEAT,
    attached,
    day,
    detached,
    item,
    opened,
    price,
    quantity,
)

ONCE = price("once", model="flat", amount="3100", proration="none")
TIERED = price(
    "tiered",
    model="graduated",
    tiers=[
        {"up_to": "2", "unit_amount": "3100", "flat_amount": "310"},
        {"up_to": None, "unit_amount": "1550"},
    ],
)
PRICES = BOOK | {each.ref: each for each in (ONCE, TIERED)}
HALF_DAY = timedelta(hours=12)


def amounts(*events: object, first: object = OPENED) -> dict[str, int]:
    """Line key -> minor units."""
    invoice = rate(cycle_of(first, *events), {}, PRICES, {}).invoice  # type: ignore[arg-type]
    assert invoice.subtotal == sum(line.amount for line in invoice.lines)
    for line in invoice.lines:
        exact = sum((charge.amount for charge in line.charges), Fraction(0))
        assert not line.charges or exact == line.unrounded
    return {line.key: line.amount for line in invoice.lines}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([attached()], {"fee/a1/base@1": 3100}, id="3100 for the whole month"),
        pytest.param([attached("a1", day(11))], {"fee/a1/base@1": 2100}, id="3100 × 21 ÷ 31"),
        pytest.param(
            [attached(), detached("a1", day(11))], {"fee/a1/base@1": 1000}, id="3100 × 10 ÷ 31"
        ),
        pytest.param(
            [attached(), detached("a1", day(2) + HALF_DAY)],
            {"fee/a1/base@1": 150},
            id="3100 × 1.5 ÷ 31",
        ),
        pytest.param(
            [attached(), detached("a1", JANUARY + timedelta(seconds=1))],
            {"fee/a1/base@1": 0},
            id="3100 × 1 s ÷ 2678400 s",
        ),
        pytest.param([attached(), detached("a1", JANUARY)], {}, id="no time, no line"),
        pytest.param(
            [attached(), detached("a1", day(11)), attached("a1", day(21))],
            {"fee/a1/base@1": 2100},
            id="3100 × (10 + 11) ÷ 31 on one line",
        ),
        pytest.param(
            [attached("a1", JANUARY, SEAT), quantity("a1", 3, day(11))],
            {"fee/a1/seat@1": 7300},
            id="3100 × (1 × 10 + 3 × 21) ÷ 31",
        ),
        pytest.param(
            [attached("a1", JANUARY, SEAT, quantity=Decimal("0.5"))],
            {"fee/a1/seat@1": 1550},
            id="3100 × 0.5",
        ),
        pytest.param(
            [attached("a1", JANUARY, SEAT, quantity=Decimal(0)), quantity("a1", 2, day(31))],
            {"fee/a1/seat@1": 200},
            id="3100 × (0 × 30 + 2 × 1) ÷ 31",
        ),
        pytest.param(
            [attached("a1", JANUARY, TIERED, quantity=Decimal(3))],
            {"fee/a1/tiered@1": 8060},
            id="2 × 3100 + 310 + 1 × 1550",
        ),
        pytest.param(
            [attached("a1", day(31), TIERED, quantity=Decimal(3))],
            {"fee/a1/tiered@1": 260},
            id="(2 × 3100 + 310 + 1 × 1550) ÷ 31",
        ),
        pytest.param(
            [attached("a1", day(31), ONCE)], {"fee/a1/once@1": 3100}, id="no proration: whole"
        ),
        pytest.param(
            [attached("a1", JANUARY, BASE, SEAT), attached("a2", day(31))],
            {"fee/a1/base@1": 3100, "fee/a1/seat@1": 3100, "fee/a2/base@1": 100},
            id="a line for each attachment and price",
        ),
        pytest.param([item(), item("i2", 250)], {"item/i1": 500, "item/i2": 250}, id="500, 250"),
    ],
)
def test_fees_are_owed_for_the_seconds_attached(
    events: list[object], expected: dict[str, int]
) -> None:
    assert amounts(*events) == expected


def test_a_short_cycle_is_a_share_of_the_full_period() -> None:
    first = opened(day(11), FEBRUARY, full_start=JANUARY)
    assert amounts(attached("a1", day(11)), first=first) == {"fee/a1/base@1": 2100}


def test_what_runs_on_is_taken_to_run_to_the_end() -> None:
    """The present never enters: detaching at the very end gives the same invoice."""
    runs = rate(cycle_of(OPENED, attached()), {}, PRICES, {}).invoice
    last = FEBRUARY - timedelta(microseconds=1)
    ended = rate(cycle_of(OPENED, attached(), detached("a1", last)), {}, PRICES, {}).invoice
    assert runs.subtotal == ended.subtotal == 3100


def test_until_shows_what_has_accrued_so_far() -> None:
    cycle = cycle_of(OPENED, attached(), item())
    shown = {n: rate(cycle, {}, PRICES, {}, until=day(n)).invoice.subtotal for n in (1, 11, 32)}
    assert shown == {1: 500, 11: 1500, 32: 3600}


@pytest.mark.parametrize(
    ("currency", "monthly", "days", "expected"),
    [
        pytest.param("usd", "31", 15, 15, id="31 × 15 ÷ 31 cents"),
        pytest.param("usd", "1", 16, 1, id="0.516 cents, a half and more"),
        pytest.param("usd", "1", 15, 0, id="0.484 cents, less than half"),
        pytest.param("jpy", "1", 31, 1, id="1 yen"),
        pytest.param("kwd", "15", 31, 20, id="15 fils to the next ten, half away from zero"),
        pytest.param("isk", "149", 31, 100, id="149 to whole krona"),
        pytest.param("ugx", "150", 31, 200, id="150 to whole shillings"),
    ],
)
def test_a_line_is_rounded_once_to_the_currencys_step(
    currency: str, monthly: str, days: int, expected: int
) -> None:
    fee = price("fee", model="flat", amount=monthly, currency=currency)
    cycle = cycle_of(opened(currency=currency), attached("a1", day(32 - days), fee))
    (line,) = rate(cycle, {}, {fee.ref: fee}, {}).invoice.lines
    assert line.amount == expected
    assert line.unrounded == Fraction(monthly) * days / 31


def test_a_fees_line_says_what_it_is_for() -> None:
    cycle = cycle_of(OPENED, attached("a1", day(11), SEAT, quantity=Decimal(2)))
    (line,) = rate(cycle, {}, PRICES, {}).invoice.lines
    assert line.description == "Machine (a1): seat × 2, 67.74% of the period"
    assert line.proration == (21, 31)
    assert (line.period.start, line.period.end) == (day(11), FEBRUARY)


@pytest.mark.parametrize(
    ("events", "description", "count"),
    [
        pytest.param(
            [attached("a1", JANUARY, SEAT), quantity("a1", 3, day(11))],
            "Machine (a1): seat × 2.35 on average",
            Fraction(1 * 10 + 3 * 21, 31),
            id="1 for 10 days, 3 for 21",
        ),
        pytest.param(
            [attached("a1", day(11), SEAT), quantity("a1", 3, day(21)), detached("a1", day(31))],
            "Machine (a1): seat × 2 on average, 64.52% of the period",
            Fraction(2),
            id="1 for 10 days, 3 for 10",
        ),
        pytest.param(
            [attached("a1", JANUARY, SEAT), quantity("a1", 3, JANUARY)],
            "Machine (a1): seat × 3",
            Fraction(3),
            id="said anew at the first instant",
        ),
        pytest.param(
            [attached("a1", JANUARY, ONCE), quantity("a1", 3, day(11))],
            "Machine (a1): once × 3",
            Fraction(3),
            id="owed once, for the last quantity",
        ),
    ],
)
def test_a_quantity_that_varied_is_told_as_its_average(
    events: list[object], description: str, count: Fraction
) -> None:
    (line,) = rate(cycle_of(OPENED, *events), {}, PRICES, {}).invoice.lines  # type: ignore[arg-type]
    assert (line.description, line.quantity) == (description, count)


def test_the_digest_changes_with_the_lines_and_with_nothing_else() -> None:
    events = [attached(), item()]
    invoice = rate(cycle_of(OPENED, *events), {}, PRICES, {}).invoice
    again = rate(cycle_of(OPENED, *reversed(events)), {}, PRICES, {}).invoice
    other = rate(cycle_of(OPENED, attached(), item(amount=501)), {}, PRICES, {}).invoice
    assert invoice.digest() == again.digest() != other.digest()
