"""Rating previews: a price and what it rates, without any store."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from application.rating_preview import RatingPreview, RatingRequest, SampleRecord, preview
from domain.errors import InvalidInput
from domain.period import Period
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import world

MONTH = Period(JANUARY, FEBRUARY)
TIERS = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]


def metered(**terms: Any) -> dict[str, Any]:
    model = terms or {"model": "per_unit", "unit_amount": "2.5"}
    return {"price": "cpu", "currency": "usd", "kind": "metered", "meter": "cpu"} | model


def recurring(**terms: Any) -> dict[str, Any]:
    model = {"model": "per_unit", "unit_amount": "3100"}
    return {"price": "seat", "currency": "usd", "kind": "recurring"} | model | terms


def rated(price: dict[str, Any], **more: Any) -> RatingPreview:
    return preview(RatingRequest(**({"price": price, "period": MONTH} | more)))


def sample(value: str, number: int = 5, **properties: str) -> SampleRecord:
    return SampleRecord(value=value, at=day(number), properties=properties)


@pytest.mark.parametrize(
    ("price", "more", "amount", "unrounded"),
    [
        pytest.param(metered(), {"quantity": Decimal("12.5")}, 31, "31.25", id="a quantity"),
        pytest.param(metered(), {}, 0, "0", id="nothing measured"),
        pytest.param(
            metered(), {"records": [sample("8"), sample("4.5")]}, 31, "31.25", id="single records"
        ),
        pytest.param(
            metered(model="graduated", tiers=TIERS),
            {"quantity": Decimal(12)},
            56,
            "56",
            id="tiers",
        ),
        pytest.param(
            metered(model="percentage", rate="1.3", fixed_amount="2"),
            {"records": [sample("50"), sample("100")]},
            6,
            "5.95",
            id="each record priced",
        ),
        pytest.param(
            metered(model="flat", amount="3100"),
            {"quantity": Decimal(1), "attached_from": day(21)},
            1100,
            "1100",
            id="a flat amount for the time attached",
        ),
        pytest.param(
            metered(),
            {"quantity": Decimal(4), "attached_from": MARCH},
            0,
            "0",
            id="attached after the period",
        ),
        pytest.param(
            metered(),
            {
                "meter": {"aggregation": "unique"},
                "records": [sample("ann"), sample("bob"), sample("ann")],
            },
            5,
            "5",
            id="distinct values",
        ),
        pytest.param(
            metered(),
            {
                "meter": {"aggregation": "time_weighted"},
                "records": [SampleRecord(value="2", at=FEBRUARY.replace(month=1, day=31, hour=23))],
            },
            18000,
            "18000",
            id="a level for an hour, in unit-seconds",
        ),
        pytest.param(recurring(), {}, 3100, "3100", id="one seat for a month"),
        pytest.param(recurring(), {"quantity": Decimal(3)}, 9300, "9300", id="three seats"),
        pytest.param(
            recurring(),
            {"quantity": Decimal(3), "quantities": [(day(11), Decimal(1))]},
            5100,
            "5100",
            id="three seats, then one",
        ),
        pytest.param(
            recurring(unit_amount="100"),
            {"attached_until": day(11)},
            32,
            "1000/31",
            id="a fraction that never ends",
        ),
        pytest.param(
            recurring(),
            {"full_period": Period(JANUARY, MARCH), "period": MONTH},
            1629,
            "96100/59",
            id="a part of a longer full period",
        ),
        pytest.param(
            recurring(kind="one_off"), {"attached_from": day(31)}, 3100, "3100", id="owed once"
        ),
        pytest.param(
            recurring(kind="one_off"),
            {"period": Period(FEBRUARY, MARCH), "attached_from": day(3)},
            0,
            "0",
            id="owed before",
        ),
    ],
)
def test_what_it_comes_to(
    price: dict[str, Any], more: dict[str, Any], amount: int, unrounded: str
) -> None:
    found = rated(price, **more)
    assert (found.amount, found.unrounded) == (amount, Fraction(unrounded))
    assert found.amount == sum(line.amount for line in found.lines)


def test_a_fee_in_advance_shows_the_line_to_come() -> None:
    found = rated(recurring(billing="in_advance"), attached_from=day(11))
    lines = {line.kind: (line.amount, line.period) for line in found.lines}
    assert lines["fee"][0] == 2100
    assert lines["coming"] == (3100, Period(FEBRUARY, MARCH))


def test_records_that_nothing_rates_are_counted() -> None:
    meter = {"dimensions": ["region"], "filter": {"region": ["fra", "ams"]}}
    records = [sample("1", region="fra"), sample("2", region="oslo"), sample("4", 20, region="ams")]
    found = rated(
        metered(model="per_unit", unit_amount="10", group_by=["region"]),
        meter=meter,
        records=records,
        attached_until=day(10),
    )
    assert (found.amount, found.unpriced) == (10, 2)
    assert [line.key for line in found.lines] == ["usage/preview/cpu@1/region=fra"]


def test_a_preview_and_a_live_invoice_come_to_the_same() -> None:
    made = world()
    made.attach("a1", "machine", day(3))
    made.travel(day(20))
    used = [("8", 4), ("2.5", 5), ("6", 19)]
    made.record([made.usage(value, day(at)) for value, at in used])
    live = {line.price: line for line in made.invoice().invoice.lines}
    found = rated(
        metered(model="graduated", tiers=TIERS),
        records=[sample(value, at) for value, at in used],
        attached_from=day(3),
    )
    line = live["cpu@1"]
    assert (found.amount, found.lines[0].charges) == (line.amount, line.charges)
    base = rated(recurring(price="base", model="per_unit"), attached_from=day(3))
    assert base.amount == live["base@1"].amount


@pytest.mark.parametrize(
    ("price", "more", "field"),
    [
        pytest.param(
            metered(model="graduated", tiers=[{"up_to": None, "unit_amount": "x"}]),
            {},
            "price.tiers[0].unit_amount",
            id="an amount that is none",
        ),
        pytest.param(
            metered(group_by=["region"], model="per_unit", unit_amount="1"),
            {"meter": {}},
            "price.group_by",
            id="a dimension the meter does not keep",
        ),
        pytest.param(
            metered(), {"meter": {"aggregation": "mean"}}, "meter.aggregation", id="meter"
        ),
        pytest.param(recurring(), {"meter": {}}, "meter", id="a meter of a fee"),
        pytest.param(recurring(), {"records": []}, "records", id="records of a fee"),
        pytest.param(
            metered(),
            {"quantity": Decimal(1), "records": []},
            "quantity",
            id="both a quantity and records",
        ),
        pytest.param(metered(), {"records": [sample("1", 40)]}, "records[0].at", id="outside"),
        pytest.param(metered(), {"records": [sample("x")]}, "records[0].value", id="no number"),
        pytest.param(recurring(), {"quantity": Decimal(-1)}, "quantity", id="below zero"),
        pytest.param(
            metered(),
            {"meter": {"aggregation": "time_weighted"}, "quantity": Decimal(1)},
            "quantity",
            id="a quantity of levels",
        ),
        pytest.param(
            recurring(), {"period": Period(FEBRUARY, JANUARY)}, "period.end", id="backwards"
        ),
        pytest.param(
            recurring(), {"full_period": Period(FEBRUARY, MARCH)}, "full_period", id="elsewhere"
        ),
        pytest.param(
            recurring(),
            {"attached_from": day(9), "attached_until": day(8)},
            "attached_until",
            id="ended before it began",
        ),
        pytest.param(recurring(), {"time_zone": "Mars"}, "time_zone", id="no such zone"),
    ],
)
def test_refusals_name_the_field(price: dict[str, Any], more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rated(price, **more)
    assert refused.value.context["field"] == field
