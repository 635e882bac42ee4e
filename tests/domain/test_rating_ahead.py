"""Fees in advance: the coming line, and what turns out otherwise. The ids are the arithmetic."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.events.amounts import Ahead, DiscountGranted, HandedOver
from domain.events.cycle import Coming, TrialEnded, TrialStarted
from domain.rating import Rated, Surroundings, rate
from tests.given import cycle_of
from tests.january import (
    FEBRUARY,
    JANUARY,
    MARCH,
    NEXT,
    OPENED,
    attached,
    day,
    detached,
    opened,
    price,
    quantity,
)

RENT = price("rent", model="per_unit", unit_amount="2800", billing="in_advance")
DAILY = price("daily", model="per_unit", unit_amount="2800", billing="in_advance", proration="day")
WHOLE = price("whole", model="flat", amount="2800", billing="in_advance", proration="none")
SEATS = price("seats", model="per_unit", unit_amount="2800", billing="in_advance", proration="none")
BOOK = {each.ref: each for each in (RENT, DAILY, WHOLE, SEATS)}
TO_COME = Coming(FEBRUARY, MARCH, FEBRUARY, MARCH)
HALF = DiscountGranted(at=JANUARY, discount="d1", reason="new", percent=Decimal(50))


def february(number: int, hour: int = 0) -> datetime:
    return FEBRUARY + timedelta(days=number - 1, hours=hour)


def rated(*events: object, first: Any = OPENED, coming: Coming | None = TO_COME) -> Rated:
    return rate(cycle_of(first, *events), {}, BOOK, {}, Surroundings(coming=coming))


def amounts(*events: object, **more: Any) -> dict[str, int]:
    return {line.key: line.amount for line in rated(*events, **more).invoice.lines}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [attached("a1", JANUARY, RENT)],
            {"fee/a1/rent@1": 2800, "coming/a1/rent@1": 2800},
            id="the first period at its close, and the next ahead",
        ),
        pytest.param(
            [attached("a1", day(18), RENT)],
            {"fee/a1/rent@1": 1265, "coming/a1/rent@1": 2800},
            id="2800 × 14 ÷ 31, and the next ahead",
        ),
        pytest.param(
            [attached("a1", JANUARY, RENT), quantity("a1", 3, day(31))],
            {"fee/a1/rent@1": 2981, "coming/a1/rent@1": 8400},
            id="ahead for the quantity it ends with: 3 × 2800",
        ),
        pytest.param(
            [attached("a1", JANUARY, RENT), detached("a1", day(11))],
            {"fee/a1/rent@1": 903},
            id="what ended has nothing to come",
        ),
        pytest.param(
            [
                attached("a1", JANUARY, RENT),
                TrialStarted(at=JANUARY, attachment="a1", until=february(15)),
            ],
            {"coming/a1/rent@1": 1400},
            id="a trial into the next period: 2800 × 14 ÷ 28",
        ),
        pytest.param(
            [
                attached("a1", JANUARY, RENT),
                TrialStarted(at=JANUARY, attachment="a1", until=MARCH),
            ],
            {},
            id="a trial beyond the next period",
        ),
        pytest.param(
            [attached("a1", JANUARY, RENT), HALF],
            {"fee/a1/rent@1": 2800, "coming/a1/rent@1": 2800, "discount/d1": -2800},
            id="a discount counts on what is to come, too",
        ),
    ],
)
def test_the_next_period_is_billed_ahead(events: list[object], expected: dict[str, int]) -> None:
    assert amounts(*events) == expected


def test_where_no_cycle_follows_nothing_is_to_come() -> None:
    assert amounts(attached("a1", JANUARY, RENT), coming=None) == {"fee/a1/rent@1": 2800}


def test_what_is_to_come_is_no_part_of_what_has_accrued() -> None:
    cycle = cycle_of(OPENED, attached("a1", JANUARY, RENT))
    around = Surroundings(coming=TO_COME)
    shown = rate(cycle, {}, BOOK, {}, around, until=day(11)).invoice
    assert {line.key: line.amount for line in shown.lines} == {"fee/a1/rent@1": 903}


def test_what_is_to_come_is_no_part_of_what_late_facts_are_measured_against() -> None:
    """January has 2800 and 2800 ahead, half off: 1400 is January's own part of the discount."""
    found = rated(attached("a1", JANUARY, RENT), HALF)
    basis = {key: line.amount for key, line in found.basis.items()}
    assert basis == {"fee/a1/rent@1": 2800, "discount/d1": -1400}


def billed(amount: int = 2800, count: str = "1", ref: str = "rent@1", **more: Any) -> HandedOver:
    fields: dict[str, Any] = {"start": FEBRUARY, "end": MARCH, "line": f"coming/a1/{ref}"}
    ahead = Ahead(
        attachment="a1", price=ref, quantity=Decimal(count), amount=amount, **(fields | more)
    )
    return HandedOver(at=FEBRUARY, cycle="acme.2026-01-01", amount=0, ahead=(ahead,))


def carried(count: int = 1, ref: Any = RENT) -> Any:
    return attached("a1", FEBRUARY, ref, quantity=Decimal(count), carried=True)


TRIAL = TrialStarted(at=FEBRUARY, attachment="a1", until=february(11), carried=True)
TRIAL_CUT = TrialEnded(at=february(6), attachment="a1")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([carried(), billed()], {}, id="as it was billed: nothing more"),
        pytest.param(
            [carried(), quantity("a1", 3, february(15)), billed()],
            {"fee/a1/rent@1": 2800},
            id="a rise: 2 × 2800 × 14 ÷ 28",
        ),
        pytest.param(
            [carried(4), quantity("a1", 1, february(22)), billed(11_200, "4")],
            {"unused/a1/rent@1": -2100},
            id="a fall: 3 ÷ 4 of 11200 × 7 ÷ 28",
        ),
        pytest.param(
            [carried(), detached("a1", february(15)), billed()],
            {"unused/a1/rent@1": -1400},
            id="a detach: 2800 × 14 ÷ 28",
        ),
        pytest.param(
            [carried(), detached("a1", february(15)), billed(1400)],
            {"unused/a1/rent@1": -700},
            id="a detach of what was billed at half price: 1400 × 14 ÷ 28",
        ),
        pytest.param(
            [carried(), detached("a1", FEBRUARY), billed()],
            {"unused/a1/rent@1": -2800},
            id="never used: all of it, and never more",
        ),
        pytest.param(
            [carried(), detached("a1", february(15)), billed(0)],
            {},
            id="forgiven: nothing comes back",
        ),
        pytest.param(
            [
                carried(),
                quantity("a1", 2, february(8)),
                quantity("a1", 0, february(22)),
                billed(),
            ],
            {"fee/a1/rent@1": 1400, "unused/a1/rent@1": -700},
            id="a rise for two weeks, nothing for the last",
        ),
        pytest.param(
            [
                carried(),
                detached("a1", february(8)),
                attached("a1", february(15), RENT),
                billed(),
            ],
            {"unused/a1/rent@1": -700},
            id="off for a week: 2800 × 7 ÷ 28",
        ),
        pytest.param(
            [carried(1, WHOLE), detached("a1", february(15)), billed(ref="whole@1")],
            {},
            id="owed whole: nothing comes back",
        ),
        pytest.param(
            [carried(1, WHOLE), detached("a1", FEBRUARY), billed(ref="whole@1")],
            {"unused/a1/whole@1": -2800},
            id="owed whole, and never on: all of it",
        ),
        pytest.param(
            [carried(1, DAILY), detached("a1", february(14, 12)), billed(ref="daily@1")],
            {"unused/a1/daily@1": -1400},
            id="by days: the begun 14th is owed, 14 ÷ 28 come back",
        ),
        pytest.param(
            [carried(), TRIAL, TRIAL_CUT, billed(1800, start=february(11))],
            {"fee/a1/rent@1": 500},
            id="a trial ended five days before the time billed for: 2800 × 5 ÷ 28",
        ),
        pytest.param(
            [carried(1, DAILY), TRIAL, TRIAL_CUT, billed(1800, ref="daily@1", start=february(11))],
            {"fee/a1/daily@1": 500},
            id="the same by days: no day counts twice",
        ),
        pytest.param(
            [carried(1, SEATS), quantity("a1", 3, february(15)), billed(ref="seats@1")],
            {"fee/a1/seats@1": 5600},
            id="owed whole for the quantity it ended with: 2 × 2800 more",
        ),
        pytest.param(
            [carried(3, SEATS), quantity("a1", 1, february(15)), billed(8400, "3", "seats@1")],
            {},
            id="owed whole, and fallen: nothing comes back",
        ),
    ],
)
def test_what_turned_out_otherwise_is_billed_or_given_back(
    events: list[object], expected: dict[str, int]
) -> None:
    assert amounts(*events, first=NEXT, coming=None) == expected


def test_what_is_given_back_says_which_line_it_corrects() -> None:
    found = rated(carried(), detached("a1", february(15)), billed(), first=NEXT, coming=None)
    (line,) = found.invoice.lines
    assert line.corrects == "acme.2026-01-01/coming/a1/rent@1"
    assert line.description == "Machine (a1): rent, billed ahead and not used"


def test_what_was_billed_ahead_reaches_over_an_early_end() -> None:
    """2800 for February; it ends on the 8th: three quarters go on to the cycle after it."""
    short = opened(FEBRUARY, february(8), full_end=MARCH)
    coming = Coming(february(8), MARCH, FEBRUARY, MARCH)
    found = rated(carried(), billed(), first=short, coming=coming)
    assert {line.key: line.amount for line in found.invoice.lines} == {}
    (left,) = found.ahead
    assert (left.amount, left.start, left.end) == (2100, february(8), MARCH)


def test_what_has_risen_and_is_owed_whole_is_not_billed_again_after_an_early_end() -> None:
    short = opened(FEBRUARY, february(8), full_end=MARCH)
    coming = Coming(february(8), MARCH, FEBRUARY, MARCH)
    risen = (carried(1, SEATS), quantity("a1", 3, february(3)), billed(ref="seats@1"))
    found = rated(*risen, first=short, coming=coming)
    assert {line.key: line.amount for line in found.invoice.lines} == {"fee/a1/seats@1": 5600}
    assert [each.quantity for each in found.ahead] == [3]


def test_and_what_ended_with_it_is_given_back() -> None:
    short = opened(FEBRUARY, february(8), full_end=MARCH)
    ended = (carried(), detached("a1", february(8)), billed())
    assert amounts(*ended, first=short, coming=None) == {"unused/a1/rent@1": -2100}


def test_what_the_next_cycle_is_told_is_what_was_billed_after_discounts() -> None:
    (told,) = rated(attached("a1", JANUARY, RENT), HALF).ahead
    assert (told.amount, told.quantity) == (1400, 1)
    assert (told.start, told.end, told.line) == (FEBRUARY, MARCH, "coming/a1/rent@1")
