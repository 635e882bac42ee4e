"""Public worked examples about time, meters and rounding, rated as ``/v1/rating/preview`` does.

Those about prices alone are in ``tests/domain/cases.py``, with what is left out and why.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from application.rating_preview import RatingPreview, RatingRequest, SampleRecord, preview
from domain.money import rounded
from domain.period import Calendar, Period
from domain.pricing.rounding import whole
from domain.quantity import quantity
from domain.rating.sharing import largest_remainder
from tests.january import FEBRUARY, JANUARY, day

AUGUST = Period(datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC))
THIS_MONTH = Period(JANUARY, FEBRUARY)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rated(terms: dict[str, Any], period: Period = THIS_MONTH, **more: Any) -> RatingPreview:
    names = {"price": "p", "currency": "usd"}
    return preview(RatingRequest(price=names | terms, period=period, **more))


def daily(amount: str, **more: Any) -> dict[str, Any]:
    """A recurring fee that counts calendar days."""
    return {
        "kind": "recurring",
        "model": "per_unit",
        "unit_amount": amount,
        "proration": "day",
        **more,
    }


# Meters


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param("count", 2, id="10 and 20 are 2"),
        pytest.param("max", 20, id="of 10 and 20: 20"),
    ],
)
def test_what_a_meter_makes_of_records(function: str, expected: int) -> None:
    """Lago, aggregation examples."""
    terms = {"kind": "metered", "meter": "m", "model": "per_unit", "unit_amount": "1"}
    records = [SampleRecord(value="10"), SampleRecord(value="20")]
    found = rated(terms, meter={"aggregation": function}, records=records)
    assert found.amount == expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(
            {0: 2, 60: 5, 90: 6, 120: 2, 240: 0, 300: 10, 330: 0}, "0.02218", id="up and down"
        ),
        pytest.param({0: 1000}, "1000", id="1000 all month long"),
        pytest.param({0: 6}, "6", id="3 and 3 at one instant"),
        pytest.param({60: 3}, "2.99597", id="3 from one o'clock on"),
    ],
)
def test_the_average_level_of_a_month(levels: dict[int, int], expected: str) -> None:
    """Lago, weighted_sum_service_spec.rb; it sends changes of a level, we take the level.

    levels: by minute since the month began.
    """
    terms = {
        "kind": "metered",
        "meter": "m",
        "model": "per_unit",
        "unit_amount": "1",
        "unit_conversion": {"divide_by": str(31 * 86_400), "round": "none"},
    }
    records = [
        SampleRecord(value=str(level), at=AUGUST.start + timedelta(minutes=minute))
        for minute, level in levels.items()
    ]
    found = rated(terms, AUGUST, meter={"aggregation": "time_weighted"}, records=records)
    assert round(found.unrounded, 5) == Fraction(expected)


# Calendar days


@pytest.mark.parametrize(
    ("days", "expected"), [(21, "21/31"), (29, "29/31"), (3, "3/31"), (8, "8/31")]
)
def test_an_item_counts_every_day_it_was_on(days: int, expected: str) -> None:
    """Lago, prorated unique counts. It rounds the factor up to five places; we never do."""
    assert rated(daily("1"), attached_from=day(32 - days)).unrounded == Fraction(expected)


@pytest.mark.parametrize(
    ("period", "since", "until", "amount", "expected"),
    [
        pytest.param(
            ("2024-04-15", "2024-07-15"), "2024-05-20", "2024-06-20T15:00", "91000", 32000,
            id="Lago, a quarter: 32 of 91 days, first and last included",
        ),
        pytest.param(
            ("2026-01-01", "2026-02-01"), "2026-01-04", None, "100", 90,
            id="Lago, 3 days of trial: 100 × 28 ÷ 31",
        ),
        pytest.param(
            ("2026-01-01", "2026-01-08"), "2026-01-03", None, "100", 71,
            id="Lago, a week from its third day on: 100 × 5 ÷ 7",
        ),
        pytest.param(
            ("2011-04-05", "2011-05-05"), "2011-04-29", None, "1200", 240,
            id="Kill Bill, unused days: 1200 × 6 ÷ 30",
        ),
        pytest.param(
            ("2024-03-01", "2024-04-01"), "2024-03-15", None, "1000", 548,
            id="FlexPrice, the old of a swap: 1000 × 17 ÷ 31",
        ),
        pytest.param(
            ("2024-03-01", "2024-04-01"), "2024-03-15", None, "2000", 1097,
            id="FlexPrice, the new of it: 2000 × 17 ÷ 31",
        ),
        pytest.param(
            ("2024-03-01", "2024-04-01"), "2024-03-15", None, "5000", 2742,
            id="FlexPrice, five seats: 5000 × 17 ÷ 31",
        ),
        pytest.param(
            ("2024-03-01", "2024-04-01"), "2024-03-15", None, "4000", 2194,
            id="FlexPrice, cancelled: 4000 × 17 ÷ 31",
        ),
        pytest.param(
            ("2026-01-01", "2026-01-31"), "2026-01-02", None, "20000", 19333,
            id="Lago, a credit before tax: 20000 × 29 ÷ 30",
        ),
        pytest.param(
            ("2026-01-01", "2026-01-08"), "2026-01-02", None, "2999", 2571,
            id="Lago, another one: 2999 × 6 ÷ 7",
        ),
        pytest.param(
            ("2026-01-01", "2026-01-31"), "2026-01-16", None, "20000", 10000,
            id="FlexPrice and Stripe, half a period: 20000 × 15 ÷ 30",
        ),
    ],
)  # fmt: skip
def test_calendar_days_of_a_period(
    period: tuple[str, str], since: str, until: str | None, amount: str, expected: int
) -> None:
    found = rated(
        daily(amount),
        Period(utc(period[0]), utc(period[1])),
        attached_from=utc(since),
        attached_until=utc(until) if until else None,
    )
    assert found.amount == expected


@pytest.mark.parametrize(
    ("zone", "since", "until", "days"),
    [
        ("UTC", "2024-05-01", "2024-05-05", 4),
        ("America/New_York", "2024-11-02", "2024-11-04", 2),
        ("Europe/Paris", "2024-12-30", "2025-01-02", 3),
        ("Australia/Sydney", "2024-04-06", "2024-04-08", 2),
    ],
)
def test_a_day_of_23_or_25_hours_counts_as_one(
    zone: str, since: str, until: str, days: int
) -> None:
    """FlexPrice, DaysInDurationWithDST."""
    calendar = Calendar(zone, 1)
    first = calendar.local_date(utc(since))
    hundred = Period(calendar.midnight(first), calendar.midnight(first + timedelta(days=100)))
    counts = ((utc(since), quantity("1")), (utc(until), quantity("0")))
    found = rated(daily("100"), hundred, quantity=quantity("0"), quantities=counts, time_zone=zone)
    assert found.unrounded == days


@pytest.mark.parametrize(
    ("anchor", "since", "until", "expected"),
    [
        pytest.param(13, "2011-02-01", "2011-02-13", "12/31", id="a part that leads"),
        pytest.param(13, "2011-02-01", "2011-05-13", "105/31", id="it, and three months: 3 12/31"),
        pytest.param(13, "2011-02-01", "2011-04-13", "74/31", id="it, and two months: 2 12/31"),
        pytest.param(17, "2010-06-17", "2010-07-25", "39/31", id="a part that trails: 1 8/31"),
        pytest.param(15, "2011-01-01", "2011-01-15", "14/31", id="a part that leads, anchor 15"),
        pytest.param(15, "2011-01-01", "2011-02-27", "408/217", id="both: 1 14/31 12/28"),
        pytest.param(1, "2012-02-01", "2012-02-15", "14/29", id="a leap month"),
        pytest.param(15, "2011-02-15", "2011-05-15", "3", id="three whole months"),
        pytest.param(1, "2011-02-01", "2011-02-14", "13/28", id="a short month"),
        pytest.param(15, "2023-05-23", "2023-06-15", "23/31", id="May to June"),
        pytest.param(15, "2023-02-23", "2023-03-15", "20/28", id="February to March"),
    ],
)
def test_the_periods_that_are_billed_of_a_stay(
    anchor: int, since: str, until: str, expected: str
) -> None:
    """Kill Bill, proRations/inAdvance/monthly and TestInvoiceDateUtils."""
    billed, at, calendar = Fraction(0), utc(since), Calendar("UTC", anchor)
    while at < utc(until):
        full = calendar.full_period(at)
        found = rated(daily("1"), full, attached_from=at, attached_until=utc(until))
        billed, at = billed + found.unrounded, full.end
    assert billed == Fraction(expected)


# Rounding and sharing out


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("123.456789", 123), ("1.23456789", 1), ("12345.6789", 12346), ("122.5", 123),
        ("-122.4", -122), ("2.4", 2), ("1333.333", 1333), ("4734.075", 4734), ("12345.6", 12346),
    ],
)  # fmt: skip
def test_amounts_are_rounded_half_away_from_zero(amount: str, expected: int) -> None:
    """OpenMeter, currency_test.go and dynamic_test.go; Chargebee; Lago. In the step they use."""
    assert rounded(Fraction(amount), "usd") == expected


@pytest.mark.parametrize(
    ("number", "divide_by", "how", "expected"),
    [
        ("123.456", "100", "half_up", "1"),
        ("123.456", "1", "up", "124"),
        ("123.456", "0.01", "down", "12345"),
        ("123.456", "100", "down", "1"),
    ],
)
def test_quantities_are_rounded_to_units(
    number: str, divide_by: str, how: str, expected: str
) -> None:
    """Lago, apply_rounding_service_spec.rb: places of ours are units of a conversion."""
    assert whole(Fraction(number) / Fraction(divide_by), how) == Fraction(expected)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (600, {"A": 10, "B": 5}, {"A": 400, "B": 200}),
        (5, {"C": 1, "A": 1, "B": 1}, {"C": 1, "A": 2, "B": 2}),
        (5, {"A": 1, "B": 1}, {"A": 3, "B": 2}),
        (10_000, {"A": 1, "B": 2, "C": 3}, {"A": 1667, "B": 3333, "C": 5000}),
    ],
)
def test_amounts_are_shared_out_by_largest_remainder(
    total: int, weights: dict[str, int], shares: dict[str, int]
) -> None:
    """OpenMeter, allocation_test.go."""
    whole_weight = sum(weights.values())
    ratios = {key: Fraction(weight, whole_weight) for key, weight in weights.items()}
    assert largest_remainder(total, ratios, 1) == shares
