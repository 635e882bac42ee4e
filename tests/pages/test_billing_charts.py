"""The billing page's charts: the course of a bill, and usage by meter, from their views."""

from datetime import date
from decimal import Decimal

from api.pages.billing.charts import bill_chart, by_meter, cost_chart
from application.insight_views import (
    CostDay,
    DailyCost,
    ForecastDay,
    ForecastView,
    UsageDay,
)
from tests.january import FEBRUARY, day


def forecast(*days: ForecastDay) -> ForecastView:
    return ForecastView(
        organization="acme",
        cycle="acme.2026-01-01",
        currency="usd",
        ends_at=FEBRUARY,
        accrued=300,
        expected=600,
        low=500,
        high=700,
        confidence=80,
        method="pace",
        basis=(),
        by_day=days,
        apart=0,
        lines=(),
        as_of=day(2),
    )


def on(number: int, by_then: int, low: int, high: int, *, known: bool) -> ForecastDay:
    return ForecastDay(
        day=date(2026, 1, number), amount=150, by_then=by_then, low=low, high=high, known=known
    )


THREE_DAYS = forecast(
    on(1, 150, 150, 150, known=True),
    on(2, 300, 300, 300, known=True),
    on(3, 450, 400, 500, known=False),
)


def test_the_course_of_a_bill_goes_on_where_it_is_known_to_be() -> None:
    chart = bill_chart(THREE_DAYS)

    assert chart["days"] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert {each["label"]: each["values"] for each in chart["series"]} == {
        "So far": [1.5, 3.0, None],
        "Expected": [None, 3.0, 4.5],
        "At most": [None, 3.0, 5.0],
        "At least": [None, 3.0, 4.0],
    }


def test_a_day_that_is_known_is_not_expected_too() -> None:
    cost = DailyCost(
        organization="acme",
        cycle="acme.2026-01-01",
        status="accruing",
        currency="jpy",
        time_zone="UTC",
        accrued=300,
        days=(CostDay(day=date(2026, 1, 2), amount=150, by_attachment={}),),
        sources=(),
        apart={},
        as_of=day(2),
    )

    chart = cost_chart(cost, THREE_DAYS)

    assert chart["days"] == ["2026-01-02", "2026-01-03"]
    assert [each["values"] for each in chart["series"]] == [[150, None], [None, 150]]


def test_usage_by_meter() -> None:
    rows_ = [
        UsageDay(
            day=date(2026, 1, number),
            meter=meter,
            name=meter,
            unit="u",
            shown="max",
            quantity=Decimal(2),
            records=1,
        )
        for number, meter in ((1, "b"), (1, "a"), (2, "b"))
    ]

    found = by_meter(rows_)

    assert [(each.name, len(each.days), each.words) for each in found] == [
        ("a", 1, "the highest of each day"),
        ("b", 2, "the highest of each day"),
    ]
