"""What the catalog offers: prices that retire or are one organization's own, and services."""

from datetime import datetime
from typing import Any

import pytest

from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.catalog import (
    PriceOverridden,
    PriceOverrideEnded,
    PriceRetired,
    ServiceDefined,
)
from tests.domain.shelf import BASE, RATE, Shelf
from tests.january import JANUARY, day

# The end of a price, and prices of one organization


def attachable(shelf: Shelf, at: datetime, organization: str = "acme", ref: str = "base") -> str:
    """The version that an attachment gets, or why it gets none."""
    try:
        return shelf.catalog.versions_at([ref], at, organization)[0].ref
    except RuleViolation as refusal:
        return refusal.code


def override(
    shelf: Shelf, at: datetime = JANUARY, effective_at: Any = None, **changes: Any
) -> list[Any]:
    values = dict(BASE) | changes
    return shelf.take(shelf.catalog.override_price("acme", "base", values, at, effective_at), at)


def test_a_retired_price_is_for_no_new_attachment() -> None:
    shelf = Shelf()
    shelf.price()
    retire = shelf.catalog.retire_price
    assert shelf.take(retire("base", day(10))) == [PriceRetired(at=day(10), price="base")]
    assert retire("base", day(20)) == []
    assert attachable(shelf, day(9)) == "base@1"
    assert attachable(shelf, day(10)) == "price_retired"
    assert attachable(shelf, day(10), ref="base@1") == "price_retired"
    assert shelf.price(at=day(11)) == []
    with pytest.raises(RuleViolation):
        shelf.price(at=day(11), amount="200")
    with pytest.raises(NotFound):
        retire("none", day(10))


def test_an_organization_gets_a_price_at_its_own_terms() -> None:
    shelf = Shelf()
    shelf.price()
    assert override(shelf, day(10), amount="80") == [
        PriceOverridden(
            at=day(10),
            price="base",
            organization="acme",
            version=1,
            terms=BASE | {"amount": "80", "effective_at": day(10).isoformat()},
        )
    ]
    assert override(shelf, day(12), amount="80.0") == []
    assert attachable(shelf, day(9)) == "base@1"
    assert attachable(shelf, day(10)) == "base@1.acme"
    assert attachable(shelf, day(10), ref="base@1") == "base@1.acme"
    assert attachable(shelf, day(10), "other") == "base@1"
    assert shelf.catalog.book["base@1.acme"].organization == "acme"
    assert [price.ref for price in shelf.catalog.prices["base"]] == ["base@1"]


def test_an_override_may_change_and_end() -> None:
    shelf = Shelf()
    shelf.price()
    end = shelf.catalog.end_override
    assert end("acme", "base", day(5)) == []
    override(shelf, day(10), amount="80")
    (second,) = override(shelf, day(11), day(20), amount="70")
    assert (second.version, second.at) == (2, day(20))
    assert [attachable(shelf, day(each)) for each in (19, 20)] == ["base@1.acme", "base@2.acme"]
    ended = shelf.take(end("acme", "base", day(25)), day(25))
    assert ended == [PriceOverrideEnded(at=day(25), price="base", organization="acme")]
    assert end("acme", "base", day(26)) == []
    assert [attachable(shelf, day(each)) for each in (24, 25)] == ["base@2.acme", "base@1"]
    (again,) = override(shelf, day(27), amount="70")
    assert again.version == 3
    assert attachable(shelf, day(27)) == "base@3.acme"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "cpu"}, "price"),
        ({"version": 2}, "version"),
        ({"amount": "-1"}, "amount"),
        ({"kind": "one_off", "proration": "none"}, "meter"),
    ],
    ids=["another price", "out of order", "not a rate", "another kind"],
)
def test_an_override_is_of_the_kind_and_meter_of_its_price(
    changes: dict[str, object], field: str
) -> None:
    shelf = Shelf()
    shelf.price()
    with pytest.raises(InvalidInput) as refusal:
        override(shelf, **changes)
    assert refusal.value.context["field"] == field


def test_there_is_nothing_to_override_where_there_is_no_price() -> None:
    with pytest.raises(NotFound):
        override(Shelf())


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


def in_euros(shelf: Shelf) -> None:
    """A service with a price for one meter in two currencies."""
    shelf.meter()
    shelf.price(RATE)
    shelf.price(RATE, price="cpu-eur", currency="eur")
    shelf.service(["cpu", "cpu-eur"])


def test_a_service_may_rate_a_meter_once_in_each_currency() -> None:
    shelf = Shelf()
    in_euros(shelf)
    assert shelf.catalog.services["machine"].prices == ("cpu", "cpu-eur")


def test_a_version_or_override_cannot_rate_a_meter_twice_in_a_currency() -> None:
    shelf = Shelf()
    in_euros(shelf)
    with pytest.raises(InvalidInput) as refusal:
        shelf.price(RATE, currency="eur")
    assert refusal.value.context["field"] == "currency"
    with pytest.raises(InvalidInput) as refusal:
        shelf.catalog.override_price("acme", "cpu", RATE | {"currency": "eur"}, JANUARY)
    assert refusal.value.context["field"] == "currency"


def test_an_override_in_the_way_of_a_service_defined_later_is_found_at_attaching() -> None:
    shelf = Shelf()
    shelf.meter()
    shelf.price(RATE)
    shelf.take(shelf.catalog.override_price("acme", "cpu", RATE | {"currency": "eur"}, JANUARY))
    shelf.price(RATE, price="cpu-eur", currency="eur")
    shelf.service(["cpu", "cpu-eur"])
    both = ["cpu", "cpu-eur"]
    assert len(shelf.catalog.versions_at(both, day(2), "other")) == 2
    with pytest.raises(RuleViolation) as refusal:
        shelf.catalog.versions_at(both, day(2), "acme")
    assert refusal.value.code == "meter_already_rated"


def test_a_service_cannot_name_the_price_of_one_organization() -> None:
    shelf = Shelf()
    shelf.price()
    override(shelf, amount="80")
    with pytest.raises(InvalidInput) as refusal:
        shelf.service(["base@1.acme"])
    assert refusal.value.context["field"] == "prices"


def test_an_unknown_event_stops_the_replay() -> None:
    with pytest.raises(TypeError):
        Shelf().take([object()])
