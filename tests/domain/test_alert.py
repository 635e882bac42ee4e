"""Spend alerts of an organization: configured, changed, removed, and what they come to."""

from typing import Any

import pytest

from domain.alert import ALERTS_MAX, Armed, Wanted
from domain.errors import InvalidInput, RuleViolation
from domain.events.organization import (
    AlertConfigured,
    AlertRemoved,
    CurrencyChanged,
    OrganizationRegistered,
)
from domain.organization import Organization, registered
from projections.history import describe
from tests.january import JANUARY, day

REGISTERED = OrganizationRegistered(
    at=JANUARY, organization="acme", currency="usd", time_zone="UTC", anchor_day=1
)
WANTED = Wanted(of="spend", amount=500)


def alert(identity: str = "b1", **said: Any) -> AlertConfigured:
    fields: dict[str, Any] = {"of": "spend", "currency": "usd", "at": JANUARY}
    return AlertConfigured(organization="acme", alert=identity, **(fields | said))


def organization(*events: object) -> Organization:
    state = registered(REGISTERED)
    for event in events:
        state.apply(event)
    return state


def test_an_alert_is_configured_once() -> None:
    acme = organization()
    assert acme.configure_alert("b1", WANTED, day(3)) == [alert(amount=500, at=day(3))]
    acme = organization(alert(amount=500))
    assert acme.configure_alert("b1", WANTED, day(3)) == []


def test_another_threshold_or_another_currency_is_another_alert() -> None:
    acme = organization(alert(amount=500))
    other = Wanted(of="spend", amount=501)
    assert acme.configure_alert("b1", other, day(3)) == [alert(amount=501, at=day(3))]
    acme.apply(CurrencyChanged(at=day(2), currency="eur"))
    assert acme.configure_alert("b1", WANTED, day(3)) == [
        alert(amount=500, at=day(3), currency="eur")
    ]


def test_a_removed_alert_counts_on_where_it_was() -> None:
    removed = AlertRemoved(at=day(2), organization="acme", alert="b1")
    acme = organization(alert(amount=500))
    assert acme.remove_alert("b1", day(2)) == [removed]
    acme.apply(removed)
    assert acme.alerts == {}
    assert acme.remove_alert("b1", day(3)) == []
    acme.apply(alert(amount=500))
    assert acme.alerts["b1"].times == 2, "so it is told of once more"


def test_too_many_alerts_are_refused() -> None:
    acme = organization(*(alert(f"b{number}", amount=5) for number in range(ALERTS_MAX)))
    with pytest.raises(RuleViolation) as refusal:
        acme.configure_alert("more", WANTED, day(3))
    assert refusal.value.code == "too_many_alerts"


@pytest.mark.parametrize(
    ("said", "last_invoice", "threshold"),
    [
        pytest.param({"amount": 500}, None, 500, id="an amount"),
        pytest.param({"percent": 80, "budget": 1000}, None, 800, id="of a budget"),
        pytest.param({"percent": 50, "budget": 1001}, None, 501, id="the next whole minor unit"),
        pytest.param({"percent": 120}, 1000, 1200, id="of the last invoice"),
        pytest.param({"percent": 120}, None, None, id="there is no last invoice"),
        pytest.param({"percent": 120}, 0, None, id="the last invoice was nothing"),
        pytest.param({"percent": 120}, -5, None, id="the last invoice was carried"),
    ],
)
def test_what_has_to_be_reached(
    said: dict[str, Any], last_invoice: int | None, threshold: int | None
) -> None:
    assert Armed(alert(**said), 1).threshold(last_invoice) == threshold


@pytest.mark.parametrize(
    "wanted", [Wanted(of="spend"), Wanted(of="spend", amount=-5), Wanted(of="x", amount=5)]
)
def test_what_is_no_alert_is_refused(wanted: Wanted) -> None:
    with pytest.raises(InvalidInput):
        organization().configure_alert("b1", wanted, JANUARY)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            alert(amount=500),
            "Alert b1: told once in each cycle when what is earned so far reaches 5.00 USD",
        ),
        (
            alert(of="forecast", percent=80, budget=50_000),
            "Alert b1: told once in each cycle when the forecast of the bill reaches 80 % of a "
            "budget of 500.00 USD",
        ),
        (
            alert(percent=120),
            "Alert b1: told once in each cycle when what is earned so far reaches 120 % of the "
            "last invoice",
        ),
        (AlertRemoved(at=JANUARY, organization="acme", alert="b1"), "Alert b1 removed"),
    ],
)
def test_support_reads(event: object, sentence: str) -> None:
    assert describe(event, "usd") == sentence
