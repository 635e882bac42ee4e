"""A price: what it is called, and what stands around its model."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from domain.money import rounded
from domain.price import parse_price, terms_of
from tests.domain.terms import (
    FEE,
    SHARES,
    STEPS,
    charged,
    graduated,
    metered,
    package,
    percentage,
    price,
)

# What it is called


def test_a_version_is_named_by_id_and_version() -> None:
    assert parse_price(FEE, version=2).ref == "base@2"


def test_an_override_is_named_by_its_organization_too() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    override = parse_price(FEE | {"amount": "100"}, 2, since, organization="acme")
    assert (override.ref, override.organization) == ("base@2.acme", "acme")
    assert parse_price(terms_of(override), 2, since, organization="acme") == override


# Around the model


@pytest.mark.parametrize(
    ("how", "expected"),
    [("none", "7/2"), ("up", "4"), ("down", "3"), ("half_up", "4")],
)
def test_conversion_divides_then_rounds(how: str, expected: str) -> None:
    conversion = {"divide_by": "10", "round": how}
    assert price(metered(unit_conversion=conversion)).converted(Fraction(35)) == Fraction(expected)


@pytest.mark.parametrize(
    ("terms", "quantity", "share", "expected"),
    [
        pytest.param(
            metered(included_quantity="10"), "12", "1/2", ["units: 7"], id="12 less half of 10"
        ),
        pytest.param(
            metered(included_quantity="10"), "8", "1", [], id="all included, nothing charged"
        ),
        pytest.param(metered(), "-5", "1", [], id="below zero counts as zero"),
        pytest.param(
            graduated(),
            "12",
            "1/31",
            ["tier 1: 50", "tier 1 flat: 1", "tier 2: 6", "tier 2 flat: 2"],
            id="flat amounts shrink, bounds do not",
        ),
        pytest.param(
            graduated(prorate_tiers=True),
            "12",
            "1/2",
            ["tier 1: 25", "tier 1 flat: 31/2", "tier 2: 21", "tier 2 flat: 31"],
            id="bounds shrink too where the price says so",
        ),
        pytest.param(
            graduated(), "-1", "1", ["tier 1 flat: 31"], id="below zero, the first flat amount"
        ),
        pytest.param(
            graduated(flat_at_zero=False), "0", "1", [], id="no flat amount without usage"
        ),
        pytest.param(
            graduated(model="volume"),
            "10",
            "1",
            ["tier 1: 50", "tier 1 flat: 31"],
            id="volume: the bound belongs to its tier",
        ),
        pytest.param(
            graduated(model="volume"),
            "10.5",
            "1/2",
            ["tier 2: 63/2", "tier 2 flat: 31"],
            id="volume: just above, all of it in the next",
        ),
        pytest.param(
            graduated(model="volume", prorate_tiers=True),
            "10",
            "1/2",
            ["tier 2: 30", "tier 2 flat: 31"],
            id="volume: half a period, half the bound",
        ),
        pytest.param(
            graduated(model="volume", flat_at_zero=False), "0", "1", [], id="volume: no usage"
        ),
        pytest.param(
            graduated(model="stairstep", tiers=STEPS), "11", "1/2", ["step 2: 31"], id="stairstep"
        ),
        pytest.param(
            graduated(model="stairstep", tiers=STEPS), "0", "1", ["step 1: 31"], id="first step"
        ),
        pytest.param(
            graduated(model="stairstep", tiers=STEPS, flat_at_zero=False),
            "0",
            "1",
            [],
            id="stairstep: no usage",
        ),
        pytest.param(package(), "11", "1/2", ["packages: 10"], id="packages are never prorated"),
        pytest.param(package(round="down"), "19", "1", ["packages: 5"], id="packages, down"),
        pytest.param(package(round="half_up"), "15", "1", ["packages: 10"], id="packages, half up"),
        pytest.param(package(round="exact"), "15", "1", ["packages: 15/2"], id="part of a package"),
        pytest.param(
            package(included_quantity="10"), "11", "1", ["packages: 5"], id="included comes first"
        ),
        pytest.param(percentage(), "1050", "1", ["percent: 21"], id="2% of 1050"),
        pytest.param(
            metered(model="graduated_percentage", tiers=SHARES),
            "1500",
            "1",
            ["tier 1: 20", "tier 2: 5"],
            id="2% of 1000, 1% of 500",
        ),
    ],
)
def test_what_a_quantity_comes_to(
    terms: dict[str, Any], quantity: str, share: str, expected: list[str]
) -> None:
    assert charged(terms, quantity, share) == expected


@pytest.mark.parametrize(
    ("terms", "share", "records", "expected"),
    [
        pytest.param(
            percentage(fixed_amount="30"),
            "1",
            ["1000", "0", "500"],
            ["percent: 30", "per record: 90"],
            id="each record costs the fixed amount, also one of 0",
        ),
        pytest.param(
            percentage(included_records=3),
            "1/2",
            ["100", "100", "100"],
            ["percent: 2"],
            id="half of 3 records, rounded up, is 2",
        ),
        pytest.param(
            percentage(included_amount="500", fixed_amount="1"),
            "1/2",
            ["100", "200", "300"],
            ["percent: 7", "per record: 2"],
            id="half of 500: the second record is charged for 50",
        ),
        pytest.param(
            percentage(min_per_record="10", max_per_record="50", fixed_amount="1"),
            "1/2",
            ["100", "1000", "9000", "2450"],
            [
                "percent: 69",
                "per record: 2",
                "records at the minimum: 10",
                "records at the maximum: 50",
            ],
            id="bounds are of the whole record and never prorated",
        ),
        pytest.param(
            percentage(fixed_amount="5", included_records=1),
            "1",
            ["-100", "100", "100"],
            ["percent: 2", "per record: 5"],
            id="below zero costs nothing and takes up nothing",
        ),
        pytest.param(
            percentage(fixed_amount="5", unit_conversion={"divide_by": "0.01"}),
            "1",
            ["1.5", "2"],
            ["percent: 7", "per record: 10"],
            id="dollars become cents by unit conversion",
        ),
        pytest.param(percentage(fixed_amount="5"), "1", [], [], id="no records, nothing"),
    ],
)
def test_what_single_records_come_to(
    terms: dict[str, Any], share: str, records: list[str], expected: list[str]
) -> None:
    assert charged(terms, "0", share, *records) == expected


@pytest.mark.parametrize(
    ("source", "currency", "amount", "expected"),
    [
        pytest.param("OpenMeter, dynamic_test.go", "usd", "1333.33", 1333, id="13.3333"),
        pytest.param("Chargebee, line item rounding", "usd", "4734.075", 4734, id="47.34075"),
        pytest.param("OpenMeter, currency_test.go", "usd", "122.5", 123, id="1.225 goes up"),
        pytest.param("OpenMeter, currency_test.go", "usd", "-122.4", -122, id="-1.224"),
        pytest.param("OpenMeter, currency_test.go", "jpy", "2.4", 2, id="2.4 yen"),
        pytest.param("Lago, apply_rounding_service_spec.rb", "usd", "12345.6", 12346, id="123.456"),
    ],
)
def test_public_roundings(source: str, currency: str, amount: str, expected: int) -> None:
    assert rounded(Fraction(amount), currency) == expected, source
