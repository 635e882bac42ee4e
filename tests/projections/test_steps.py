"""A line's arithmetic, step by step: for every kind of line it sums to the line, exactly."""

import os
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events.amounts import (
    AmountOverridden,
    CreditApplied,
    DiscountGranted,
    HandedOver,
    LineWaived,
    OneOffItemAdded,
)
from domain.events.cycle import Coming
from domain.events.late import LateAmountsBilled, LateLine
from domain.meter import Meter
from domain.price import parse_price
from domain.rating import Credit, Rated, Surroundings, rate
from projections.steps import ELSEWHERE
from tests.domain.plans import VALUES, Terms, plans
from tests.january import FEBRUARY, JANUARY, MARCH, attached, day, price
from tests.projections.explained_lines import check_sums, cycle_of, explained, tallies_of, told

widely = settings(max_examples=int(os.environ.get("DEEP_EXAMPLES", "200")), deadline=None)
METERS = {
    "m": Meter(
        id="m",
        version=1,
        aggregation="sum",
        unit="unit",
        dimensions=("region",),
        recorded_at=JANUARY,
    )
}
"""One meter that sums, kept apart by region."""


@widely
@given(
    terms=plans(),
    grouped=st.booleans(),
    apart=st.booleans(),
    values=st.dictionaries(st.sampled_from(["ams", "fra", "nrt"]), VALUES, max_size=3),
    percent=st.one_of(st.none(), st.integers(1, 100)),
    since=st.integers(1, 30),
)
def test_the_steps_of_every_line_sum_to_it(
    terms: Terms,
    grouped: bool,
    apart: bool,
    values: dict[str, Fraction],
    percent: int | None,
    since: int,
) -> None:
    more: Terms = {"group_by": ["region"], "per_group": apart} if grouped else {}
    plan = parse_price(terms | more, version=1)
    events: list[Any] = [attached("a1", day(since), plan)]
    if percent is not None:
        granted = DiscountGranted(at=day(1), discount="d1", reason="x", percent=Decimal(percent))
        events.append(granted)
    book = {plan.ref: plan}
    check_sums(rate(cycle_of(*events), tallies_of(plan.ref, values), book, METERS), book)


HOURS = price(
    "hours",
    meter="m",
    model="graduated",
    unit_conversion={"divide_by": "60", "round": "up"},
    included_quantity="2",
    group_by=["region"],
    tiers=[
        {"up_to": "10", "unit_amount": "5", "flat_amount": "31"},
        {"up_to": None, "unit_amount": "3"},
    ],
)
FEE = price("base", model="flat", amount="3100")
AHEAD = price("seat", model="per_unit", unit_amount="100", billing="in_advance")
ONCE = price("setup", kind="one_off", model="flat", amount="700")
LEAST = price("least", meter="m", model="per_unit", unit_amount="1", minimum_amount="500")
MOST = price("most", meter="m", model="per_unit", unit_amount="1", maximum_amount="50")
BOOK = {each.ref: each for each in (HOURS, FEE, AHEAD, ONCE, LEAST, MOST)}


def test_usage_is_told_from_the_tally_to_the_cents() -> None:
    usage = tallies_of(HOURS.ref, {"fra": Fraction(600), "ams": Fraction(200)})
    rated = rate(cycle_of(attached("a1", JANUARY, HOURS)), usage, BOOK, METERS)
    assert told(rated, f"usage/a1/{HOURS.ref}/region=fra", BOOK) == [
        ("tally", 600, None),
        ("whole", 800, None),
        ("conversion", 14, None),  # 800 / 60, rounded up
        ("included", -2, None),
        ("charge", Fraction(15, 2), Fraction(75, 2)),  # 10 × 3/4 at 5
        ("charge", Fraction(3, 4), Fraction(93, 4)),
        ("charge", Fraction(3, 2), Fraction(9, 2)),
        ("unrounded", None, Fraction(261, 4)),
        ("rounding", None, Fraction(-1, 4)),
    ]


def test_included_units_shrink_with_the_time_attached() -> None:
    usage = tallies_of(HOURS.ref, {"fra": Fraction(600)})
    rated = rate(
        cycle_of(attached("a1", FEBRUARY - (FEBRUARY - JANUARY) / 2, HOURS)), usage, BOOK, METERS
    )
    assert told(rated, f"usage/a1/{HOURS.ref}/region=fra", BOOK)[:4] == [
        ("tally", 600, None),
        ("proration", Fraction(1, 2), None),
        ("conversion", 10, None),
        ("included", -1, None),
    ]


def test_what_other_lines_do_to_one_is_told_with_it_and_counts_there() -> None:
    cycle = cycle_of(
        attached("a1", JANUARY, LEAST),
        DiscountGranted(at=JANUARY, discount="d1", reason="loyal", percent=Decimal(10)),
    )
    key = f"usage/a1/{LEAST.ref}"
    cycle.apply(LineWaived(at=day(9), line=key, amount=50, reason="our fault"))
    rated = rate(cycle, tallies_of(LEAST.ref, {"fra": Fraction(200)}), BOOK, METERS)
    elsewhere = [each for each in explained(rated, key, BOOK) if each.kind in ELSEWHERE]
    assert [(each.kind, each.line, each.amount) for each in elsewhere] == [
        ("discount", "discount/d1", -20),
        ("minimum", f"minimum/a1/{LEAST.ref}", 320),
        ("waive", f"waive/{key}", -50),
    ]
    check_sums(rated, BOOK)


def test_what_is_above_the_maximum_is_a_step_of_the_line() -> None:
    usage = tallies_of(MOST.ref, {"fra": Fraction(200)})
    rated = rate(cycle_of(attached("a1", JANUARY, MOST)), usage, BOOK, METERS)
    cut = [
        each for each in explained(rated, f"usage/a1/{MOST.ref}", BOOK) if each.kind == "maximum"
    ]
    assert [each.amount for each in cut] == [-150]


LATE = LateAmountsBilled(
    at=FEBRUARY,
    cycle="acme.2025-12-01",
    lines=(
        LateLine(
            line="usage/a1/cpu@1",
            description="CPU",
            amount=30,
            known=150,
            settled=100,
            billed=20,
            start=day(1),
            end=day(2),
            price=None,
            attachment="a1",
        ),
    ),
)
EVERYTHING = (
    attached("a1", day(11), HOURS, FEE, AHEAD, ONCE),
    OneOffItemAdded(at=day(3), item="i1", description="Move", amount=900, reason="agreed"),
    AmountOverridden(
        at=day(4), line=f"fee/a1/{FEE.ref}", amount=10, difference=-90, reason="offer"
    ),
)
AROUND = Surroundings(
    credits=[Credit(id="k1", remaining=40, reason="outage", granted_at=JANUARY)],
    late=[LATE],
    handover=HandedOver(at=JANUARY, cycle="acme.2025-12-01", amount=-15),
    coming=Coming(FEBRUARY, MARCH, FEBRUARY, MARCH),
)


@pytest.fixture(scope="module")
def whole() -> Rated:
    """An invoice with a line of nearly every kind."""
    usage = tallies_of(HOURS.ref, {"fra": Fraction(600)})
    return rate(cycle_of(*EVERYTHING), usage, BOOK, METERS, AROUND)


def test_every_kind_of_line_sums_to_itself(whole: Rated) -> None:
    kinds = {line.kind for line in whole.invoice.lines}
    assert kinds == {
        "usage",
        "fee",
        "coming",
        "once",
        "item",
        "override",
        "late",
        "carry",
        "credit",
    }
    check_sums(whole, BOOK)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(
            f"fee/a1/{FEE.ref}",
            [
                ("quantity", 1),
                ("proration", Fraction(21, 31)),
                ("charge", Fraction(21, 31)),
                ("override", None),
                ("unrounded", None),
                ("rounding", None),
            ],
            id="a fee: for how many, for what part of the period, and what a person set",
        ),
        pytest.param(
            f"coming/a1/{AHEAD.ref}",
            [("quantity", 1), ("charge", 1), ("unrounded", None), ("rounding", None)],
            id="a coming fee: for the whole of the next period",
        ),
        pytest.param(
            f"once/a1/{ONCE.ref}",
            [("quantity", 1), ("charge", 1), ("unrounded", None), ("rounding", None)],
            id="a price owed once: whole",
        ),
        pytest.param(
            "item/i1",
            [("charge", None), ("unrounded", None), ("rounding", None)],
            id="an item: added by hand",
        ),
        pytest.param(
            "late/2025-12-01/usage/a1/cpu@1",
            [
                ("corrects", None),
                ("charge", 1),
                ("charge", 1),
                ("charge", 1),
                ("unrounded", None),
                ("rounding", None),
            ],
            id="a late amount: known now, less settled, less billed before",
        ),
    ],
)
def test_what_each_kind_of_line_is_made_of(
    whole: Rated, key: str, expected: list[tuple[str, Any]]
) -> None:
    assert [(kind, quantity) for kind, quantity, _ in told(whole, key, BOOK)] == expected


def test_a_settled_credit_is_explained_like_an_open_one() -> None:
    cycle = cycle_of(CreditApplied(at=FEBRUARY, credit="k1", amount=40, reason="outage"))
    check_sums(rate(cycle, {}, BOOK, METERS), BOOK)
