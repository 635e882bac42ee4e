"""Terms that cannot be a price: what is refused, and by which field."""

from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.price import check_meter_fit, terms_of
from tests.domain.terms import FEE, RATE, SHARES, graduated, metered, package, percentage, price

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
