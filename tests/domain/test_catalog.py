"""The catalog: meters and prices are defined once, and their versions never change."""

from datetime import timedelta

import pytest

from domain.attribution import FILTERED
from domain.catalog import AGGREGATIONS
from domain.errors import InvalidInput, NotFound
from domain.events.catalog import (
    MeterDefined,
    PricePublished,
)
from tests.domain.shelf import BASE, CPU, RATE, Shelf
from tests.january import FEBRUARY, JANUARY, day

# Meters


def test_a_meter_is_defined_once_and_changes_by_a_new_version() -> None:
    shelf = Shelf()
    first = shelf.meter()
    assert first == [
        MeterDefined(
            at=JANUARY,
            meter="cpu",
            version=1,
            aggregation="sum",
            unit="second",
            dimensions=("region",),
        )
    ]
    assert shelf.meter() == []
    assert [event.version for event in shelf.meter(aggregation="max")] == [2]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_aggregation_can_be_defined(aggregation: str) -> None:
    assert Shelf().meter(aggregation=aggregation)[0].aggregation == aggregation


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"aggregation": "median"}, "aggregation"),
        ({"colour": "blue"}, "colour"),
        ({"dimensions": "region"}, "dimensions"),
        ({"dimensions": ["region", "region"]}, "dimensions"),
        ({"filter": "x > 1"}, "filter"),
        ({"filter": {"": ["fra"]}}, "filter"),
        ({"filter": {"region": "fra"}}, "filter.region"),
        ({"filter": {"region": []}}, "filter.region"),
        ({"filter": {"region": ["fra", ""]}}, "filter.region"),
        ({"filter": {"region": ["fra", 1]}}, "filter.region"),
        ({"carry_over": True}, "carry_over"),
        ({"unit": "two\nlines"}, "unit"),
    ],
)
def test_a_field_that_cannot_be_used_is_refused_by_name(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Shelf().meter(**changes)
    assert refusal.value.context["field"] == field


def test_a_changed_meter_is_in_force_for_cycles_opened_after_it() -> None:
    shelf = Shelf()
    shelf.meter(at=day(10))
    shelf.meter(at=day(20), aggregation="max")
    versions = [shelf.catalog.meter_for("cpu", day(each)) for each in (1, 15, 25)]
    assert [meter and meter.version for meter in versions] == [1, 1, 2]
    assert shelf.catalog.meter_for("ram", day(1)) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"filter": {"region": ["fra"]}}, id="a filter"),
        pytest.param({"aggregation": "time_weighted", "carry_over": True}, id="carry-over"),
    ],
)
def test_what_a_meter_counts_is_part_of_its_version(change: dict[str, object]) -> None:
    shelf = Shelf()
    shelf.meter()
    assert [event.version for event in shelf.meter(**change)] == [2]
    assert shelf.meter(**change) == []
    assert [event.version for event in shelf.meter()] == [3]


@pytest.mark.parametrize(
    ("properties", "counted"),
    [
        pytest.param({"region": "fra", "plan": "pro", "size": "xl"}, True, id="every property"),
        pytest.param({"region": "ams", "plan": "pro"}, True, id="any of the values"),
        pytest.param({"region": "fra", "plan": "free"}, False, id="another value"),
        pytest.param({"region": "fra"}, False, id="a property is missing"),
    ],
)
def test_a_filter_counts_records_by_their_properties(
    properties: dict[str, str], counted: bool
) -> None:
    shelf = Shelf()
    shelf.meter(filter={"region": ["fra", "ams"], "plan": ["pro"]})
    (meter,) = shelf.catalog.meters["cpu"]
    assert meter.counts(properties) is counted
    assert meter.named("a1", properties) == ("a1" if counted else FILTERED)


# Prices


def test_a_first_version_is_in_force_always_and_the_next_from_its_publication() -> None:
    shelf = Shelf()
    assert shelf.price() == [PricePublished(at=JANUARY, price="base", version=1, terms=dict(BASE))]
    shelf.price(at=day(10), amount="200")
    catalog = shelf.catalog
    refs = [catalog.versions_at(["base"], day(each))[0].ref for each in (1, 9, 10, 20)]
    assert refs == ["base@1", "base@1", "base@2", "base@2"]
    assert catalog.versions_at(["base@1"], day(20))[0].ref == "base@1"


def test_publishing_the_newest_terms_again_does_nothing() -> None:
    shelf = Shelf()
    shelf.price()
    assert shelf.price(amount="100.0") == []
    shelf.price(amount="200", at=day(10))
    assert [event.version for event in shelf.price(at=day(20))] == [3]


def test_a_version_may_take_effect_later() -> None:
    shelf = Shelf()
    shelf.price()
    shelf.price(amount="200", at=day(10), effective_at=FEBRUARY)
    second = FEBRUARY - timedelta(seconds=1)
    assert shelf.catalog.versions_at(["base"], second)[0].ref == "base@1"
    assert shelf.catalog.versions_at(["base"], FEBRUARY)[0].ref == "base@2"


def test_a_price_not_in_force_yet_cannot_be_attached() -> None:
    shelf = Shelf()
    shelf.price(effective_at=FEBRUARY)
    with pytest.raises(NotFound):
        shelf.catalog.versions_at(["base"], day(31))


def test_versions_come_in_order() -> None:
    shelf = Shelf()
    assert shelf.price(version=1)
    with pytest.raises(InvalidInput) as refusal:
        shelf.price(amount="200", version=3)
    assert refusal.value.context["field"] == "version"


@pytest.mark.parametrize(
    ("first", "then"),
    [(RATE, RATE | {"meter": "ram"}), (RATE, BASE | {"price": "cpu"})],
    ids=["another meter", "another kind"],
)
def test_a_version_cannot_make_a_service_rate_a_meter_twice(
    first: dict[str, object], then: dict[str, object]
) -> None:
    shelf = Shelf()
    shelf.meter()
    shelf.take(shelf.catalog.define_meter("ram", CPU, JANUARY))
    shelf.price(first)
    with pytest.raises(InvalidInput) as refusal:
        shelf.price(then)
    assert refusal.value.context["field"] == "meter"


PER_RECORD = {"model": "percentage", "rate": "1", "fixed_amount": "2", "unit_amount": None}


@pytest.mark.parametrize(
    ("terms", "version", "field"),
    [
        pytest.param({"group_by": ["region"]}, {"dimensions": []}, "dimensions", id="to group by"),
        pytest.param(PER_RECORD, {"aggregation": "max"}, "aggregation", id="single records"),
    ],
)
def test_a_meters_version_leaves_prices_on_offer_what_they_need(
    terms: dict[str, object], version: dict[str, object], field: str
) -> None:
    shelf = Shelf()
    shelf.meter()
    shelf.price({key: value for key, value in (RATE | terms).items() if value is not None})
    with pytest.raises(InvalidInput, match="price cpu@1") as refusal:
        shelf.meter(**version)
    assert refusal.value.context["field"] == field
    shelf.take(shelf.catalog.retire_price("cpu", JANUARY))
    assert shelf.meter(**version)


TIERS: list[dict[str, object]] = [{"up_to": None, "unit_amount": "1"}]
GRADUATED = {**RATE, "model": "graduated", "tiers": TIERS, "unit_amount": None}


@pytest.mark.parametrize(
    ("terms", "changes", "field"),
    [
        (BASE, {"price": "Base"}, "price"),
        (BASE, {"currency": "xxx"}, "currency"),
        (BASE, {"amount": 1.5}, "amount"),
        (BASE, {"amount": "-1"}, "amount"),
        (BASE, {"amount": "0.0000000000001"}, "amount"),
        (BASE, {"amount": "NaN"}, "amount"),
        (BASE, {"meter": "cpu"}, "meter"),
        (BASE, {"model": "magic"}, "model"),
        (BASE, {"colour": "blue"}, "colour"),
        (RATE, {"meter": "ram"}, "meter"),
        (RATE, {"group_by": ["zone"]}, "group_by"),
        (RATE, {"unit_conversion": {"divide_by": "0"}}, "unit_conversion.divide_by"),
        (GRADUATED, {"tiers": []}, "tiers"),
        (GRADUATED, {"tiers": [{"up_to": "5", "unit_amount": "1"}]}, "tiers[0].up_to"),
        (GRADUATED, {"tiers": [*TIERS, *TIERS]}, "tiers[0].up_to"),
        (GRADUATED, {"tiers": [{"up_to": "0"}, *TIERS]}, "tiers[0].up_to"),
        (GRADUATED, {"tiers": [{"up_to": None, "flat_amount": "x"}]}, "tiers[0].flat_amount"),
    ],
)
def test_terms_that_cannot_be_rated_are_refused_by_name(
    terms: dict[str, object], changes: dict[str, object], field: str
) -> None:
    shelf = Shelf()
    shelf.meter()
    values = {key: value for key, value in (terms | changes).items() if value is not None}
    with pytest.raises(InvalidInput) as refusal:
        shelf.price(values)
    assert refusal.value.context["field"] == field


PER_RECORD = {**RATE, "model": "percentage", "rate": "2", "fixed_amount": "30"}


def test_terms_for_single_records_need_a_meter_of_sums() -> None:
    shelf = Shelf()
    shelf.meter(aggregation="max")
    terms = {key: value for key, value in PER_RECORD.items() if key != "unit_amount"}
    with pytest.raises(InvalidInput) as refusal:
        shelf.price(terms)
    assert refusal.value.context["field"] == "meter"
