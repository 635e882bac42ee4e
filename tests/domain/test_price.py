"""Reading a price: what it is called, what stands around its model, and what is refused."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.money import rounded
from domain.price import Price, check_meter_fit, parse_price, terms_of

WHOLE = Fraction(1)
FEE: dict[str, Any] = {
    "price": "base",
    "currency": "usd",
    "kind": "recurring",
    "model": "flat",
    "amount": "3100",
}
RATE: dict[str, Any] = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}
TIERS: list[dict[str, Any]] = [
    {"up_to": "10", "unit_amount": "5", "flat_amount": "31"},
    {"up_to": None, "unit_amount": "3", "flat_amount": "62"},
]
STEPS: list[dict[str, Any]] = [
    {"up_to": "10", "flat_amount": "31"},
    {"up_to": None, "flat_amount": "62"},
]
SHARES: list[dict[str, Any]] = [{"up_to": "1000", "rate": "2"}, {"up_to": None, "rate": "1"}]


def metered(**terms: Any) -> dict[str, Any]:
    common = {key: value for key, value in RATE.items() if key not in ("model", "unit_amount")}
    return common | ({} if "model" in terms else {"model": "per_unit", "unit_amount": "1"}) | terms


def graduated(**terms: Any) -> dict[str, Any]:
    return metered(**({"model": "graduated", "tiers": TIERS} | terms))


def percentage(**terms: Any) -> dict[str, Any]:
    return metered(model="percentage", rate="2", **terms)


def package(**terms: Any) -> dict[str, Any]:
    return metered(**({"model": "package", "package_size": "10", "package_amount": "5"} | terms))


def price(terms: dict[str, Any]) -> Price:
    return parse_price(terms, version=1)


def charged(terms: dict[str, Any], quantity: str, share: str = "1", *records: str) -> list[str]:
    """The steps of a price's arithmetic, each as what it says and comes to."""
    at = price(terms)
    each = [at.converted(Fraction(value)) for value in records]
    charges = at.charges(at.converted(Fraction(quantity)), Fraction(share), each)
    return [f"{charge.what}: {charge.amount}" for charge in charges]


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


# What is refused, and by which field


def test_terms_for_single_records_need_a_meter_that_sums() -> None:
    check_meter_fit(price(percentage(fixed_amount="30")), "sum")
    check_meter_fit(price(percentage()), "max")
    with pytest.raises(InvalidInput) as refusal:
        check_meter_fit(price(percentage(fixed_amount="30")), "max")
    assert refusal.value.context["field"] == "meter"


def test_groups_may_have_terms_for_single_records_of_their_own() -> None:
    assert price(percentage(fixed_amount="30", group_by=["region"], per_group=True)).per_group


def test_a_one_off_price_is_owed_whole() -> None:
    setup = price(FEE | {"kind": "one_off"})
    assert (setup.proration, setup.billing) == ("none", "in_arrears")
    assert price(terms_of(setup)) == setup


BACKWARDS = [{"up_to": "10"}, {"up_to": "5"}, {"up_to": None}]
ENDED = [{"up_to": "10"}, {"up_to": "20"}]
OPEN_BEFORE = [{"up_to": None}, {"up_to": None}]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        pytest.param(FEE | {"kind": "weekly"}, "kind", id="unknown kind"),
        pytest.param(FEE | {"model": "magic"}, "model", id="unknown model"),
        pytest.param(FEE | {"currency": "xxx"}, "currency", id="unknown currency"),
        pytest.param(FEE | {"amount": "0.0000000000001"}, "amount", id="13 places"),
        pytest.param(FEE | {"proration": "week"}, "proration", id="unknown proration"),
        pytest.param(FEE | {"included_quantity": "1"}, "included_quantity", id="flat, included"),
        pytest.param(FEE | {"prorate_tiers": True}, "prorate_tiers", id="no tiers to prorate"),
        pytest.param(FEE | {"unit_amount": "1"}, "unit_amount", id="another model's field"),
        pytest.param(
            FEE | {"kind": "one_off", "proration": "second"}, "proration", id="one-off, prorated"
        ),
        pytest.param(
            FEE | {"kind": "one_off", "billing": "in_advance"}, "billing", id="one-off, in advance"
        ),
        pytest.param(FEE | {"kind": "one_off", "meter": "cpu"}, "meter", id="one-off of a meter"),
        pytest.param(RATE | {"billing": "in_advance"}, "billing", id="usage in advance"),
        pytest.param(
            RATE | {"unit_conversion": {"divide_by": "2", "round": "even"}},
            "unit_conversion.round",
            id="unknown rounding",
        ),
        pytest.param(
            RATE | {"minimum_amount": "5", "maximum_amount": "4"},
            "maximum_amount",
            id="maximum below minimum",
        ),
        pytest.param(RATE | {"minimum_amount": "-5"}, "minimum_amount", id="negative minimum"),
        pytest.param(package(package_size="0"), "package_size", id="packages of nothing"),
        pytest.param(package(package_size="-1"), "package_size", id="packages below nothing"),
        pytest.param(package(package_amount=None), "package_amount", id="no package amount"),
        pytest.param(package(round="none"), "round", id="unknown rounding of packages"),
        pytest.param(graduated(tiers=BACKWARDS), "tiers[1].up_to", id="tiers that descend"),
        pytest.param(graduated(tiers=ENDED), "tiers[1].up_to", id="tiers that end"),
        pytest.param(graduated(tiers=OPEN_BEFORE), "tiers[0].up_to", id="open before the last"),
        pytest.param(
            graduated(model="stairstep"), "tiers[0].unit_amount", id="stairstep with unit amounts"
        ),
        pytest.param(
            graduated(model="stairstep", tiers=[{"up_to": None}]),
            "tiers[0].flat_amount",
            id="a step without an amount",
        ),
        pytest.param(
            graduated(model="graduated_percentage", tiers=[{"up_to": None}]),
            "tiers[0].rate",
            id="a percentage tier without a rate",
        ),
        pytest.param(
            metered(model="graduated_percentage", tiers=SHARES, included_quantity="5"),
            "included_quantity",
            id="a graduated percentage, included quantity",
        ),
        pytest.param(
            percentage(included_quantity="5"), "included_quantity", id="percentage, included"
        ),
        pytest.param(percentage(included_records="1.5"), "included_records", id="half a record"),
        pytest.param(
            percentage(min_per_record="5", max_per_record="4"),
            "max_per_record",
            id="record bounds out of order",
        ),
        pytest.param(metered(model="percentage"), "rate", id="percentage without a rate"),
        pytest.param(
            FEE | {"model": "percentage", "amount": None, "rate": "1", "fixed_amount": "3"},
            "kind",
            id="terms for single records without records",
        ),
    ],
)
def test_what_cannot_be_rated_is_refused_by_name(terms: dict[str, Any], field: str) -> None:
    values = {key: value for key, value in terms.items() if value is not None}
    with pytest.raises(InvalidInput) as refusal:
        price(values)
    assert refusal.value.context["field"] == field
