"""The catalog: definitions that repeat harmlessly, versions that never change."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import AGGREGATIONS, Catalog
from domain.errors import InvalidInput, NotFound
from domain.events.base import Recorded
from domain.events.catalog import MeterDefined, PricePublished, ServiceDefined
from tests.january import FEBRUARY, JANUARY, day

CPU = {"aggregation": "sum", "unit": "second", "dimensions": ["region"]}
BASE = {"price": "base", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "100"}
RATE = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}


class Shelf:
    """A catalog that takes what it decides, one event a day."""

    def __init__(self) -> None:
        self.catalog = Catalog()

    def take(self, events: Any, at: datetime = JANUARY) -> list[Any]:
        for event in events:
            self.catalog.apply(
                Recorded(
                    stream=UUID(int=0),
                    version=self.catalog.version + 1,
                    position=1,
                    recorded_at=at,
                    occurred_at=at,
                    actor="test",
                    event=event,
                )
            )
        return list(events)

    def meter(self, at: datetime = JANUARY, **changes: Any) -> list[Any]:
        return self.take(self.catalog.define_meter("cpu", CPU | changes, at), at)

    def price(
        self, terms: Any = None, at: datetime = JANUARY, effective_at: Any = None, **changes: Any
    ) -> list[Any]:
        values = dict(terms or BASE) | changes
        return self.take(self.catalog.publish_price(values, at, effective_at), at)

    def service(self, prices: list[str]) -> list[Any]:
        values = {"name": "Machine", "prices": prices}
        return self.take(self.catalog.define_service("machine", values, JANUARY))


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
        (BASE, {"proration": "day"}, "proration"),
        (BASE, {"billing": "in_advance"}, "billing"),
        (BASE, {"minimum_amount": "5"}, "minimum_amount"),
        (BASE, {"colour": "blue"}, "colour"),
        (RATE, {"meter": "ram"}, "meter"),
        (RATE, {"group_by": ["zone"]}, "group_by"),
        (RATE, {"unit_conversion": {"divide_by": "0"}}, "unit_conversion.divide_by"),
        (RATE, {"unit_conversion": {"divide_by": "1", "round": "up"}}, "unit_conversion.round"),
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


# Services


def test_a_service_names_prices_and_the_same_again_does_nothing() -> None:
    shelf = Shelf()
    shelf.price()
    assert shelf.service(["base"]) == [
        ServiceDefined(at=JANUARY, service="machine", name="Machine", prices=("base",))
    ]
    assert shelf.service(["base"]) == []


@pytest.mark.parametrize(
    "prices", [["ram"], ["base@2"], ["base", "base@1"], ["cpu", "other"]], ids=str
)
def test_a_service_cannot_have_unknown_prices_or_rate_a_meter_twice(prices: list[str]) -> None:
    shelf = Shelf()
    shelf.meter()
    shelf.price()
    shelf.price(RATE)
    shelf.price(RATE, price="other")
    with pytest.raises(InvalidInput) as refusal:
        shelf.service(prices)
    assert refusal.value.context["field"] == "prices"


def test_an_unknown_event_stops_the_replay() -> None:
    with pytest.raises(TypeError):
        Shelf().take([object()])
