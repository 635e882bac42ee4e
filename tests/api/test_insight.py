"""Insight over HTTP: days, forecasts and alerts of one's own organization, and of no other."""

from collections.abc import Callable

import pytest

from api.wiring import Wired
from tests.api.conftest import CYCLE, START, Caller, day
from tests.api.test_usage import record

ACME = "/v1/organizations/acme"


@pytest.fixture
def used(acme: str, admin: Caller, wired: Wired) -> str:
    """acme used an hour on its second day, two on its third, and the log was followed."""
    body = [
        record("k1", value="1", occurred_at=day(1, 1)),
        record("k2", value="2", occurred_at=day(2, 1)),
    ]
    assert admin("POST", "/v1/usage", body).status_code == 200
    while wired.projector.step():
        pass
    return acme


def test_usage_by_day(used: str, admin: Caller) -> None:
    found = admin("GET", f"{ACME}/usage/daily").get_json()
    assert [(each["meter"], each["quantity"], each["records"]) for each in found["data"]] == [
        ("cpu", "1", 1),
        ("cpu", "2", 1),
    ]
    assert found["data"][0]["day"] == day(1)[:10]
    assert (found["data"][0]["unit"], found["data"][0]["shown"]) == ("hour", "sum")
    only = admin("GET", f"{ACME}/usage/daily?from={day(2)[:10]}&meter=cpu").get_json()
    assert [each["quantity"] for each in only["data"]] == ["2"]
    assert admin("GET", f"{ACME}/usage/daily?meter=disk").get_json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-01-05&to=2026-01-01",
        "from=2020-01-01&to=2026-01-01",
        "since=1",
        "to=0001-01-05",
    ],
)
def test_days_that_cannot_be_asked_for_are_refused(acme: str, admin: Caller, query: str) -> None:
    assert admin("GET", f"{ACME}/usage/daily?{query}").status_code == 422


def test_cost_by_day_is_what_accrued(used: str, admin: Caller) -> None:
    found = admin("GET", f"{ACME}/costs/daily").get_json()
    assert [each["amount"] for each in found["days"]][:4] == [0, 3, 5, 0], "2.5 an hour, rounded"
    invoice = admin("GET", f"{ACME}/invoices/current").get_json()
    assert sum(each["amount"] for each in found["days"]) == found["accrued"] == invoice["accrued"]
    assert found["sources"][0]["attachment"] == "a1"
    assert admin("GET", f"{ACME}/costs/daily?cycle={CYCLE}").get_json()["days"] == found["days"]


def test_only_cycles_of_the_organization_have_costs(used: str, admin: Caller) -> None:
    for cycle in (f"other.{START:%Y-%m-%d}", "acme.2020-01-01", "acme"):
        assert admin("GET", f"{ACME}/costs/daily?cycle={cycle}").status_code == 404


def test_a_forecast_says_what_it_rests_on(used: str, admin: Caller) -> None:
    found = admin("GET", f"{ACME}/forecast").get_json()
    assert found["low"] <= found["expected"] <= found["high"]
    assert found["confidence"] == 80
    assert any("cpu" in sentence for sentence in found["basis"])
    total = sum(each["amount"] for each in found["by_day"]) + found["apart"]
    assert total == found["expected"]


def test_an_alert_is_configured_listed_and_removed(
    used: str, caller: Callable[..., Caller]
) -> None:
    mine = caller("organization", "acme")
    body = {"percent": 80, "budget": 50_000}
    effects = [mine("PUT", f"{ACME}/alerts/a1", body).get_json()["effect"] for _ in range(2)]
    assert effects == ["recorded", "nothing"]
    (alert,) = mine("GET", f"{ACME}/alerts").get_json()["data"]
    assert (alert["alert"], alert["threshold"], alert["currency"]) == ("a1", 40_000, "usd")
    assert alert["reached_at"] is None
    assert mine("DELETE", f"{ACME}/alerts/a1").get_json()["effect"] == "recorded"
    assert mine("GET", f"{ACME}/alerts").get_json()["data"] == []


def test_an_alert_that_is_reached_becomes_one_notice(
    used: str, admin: Caller, wired: Wired
) -> None:
    admin("PUT", f"{ACME}/alerts/first", {"amount": 5})
    while wired.projector.step():
        pass
    snapshot = wired.books.snapshot("acme")
    assert [wired.alert_watch.run(snapshot.now) for _ in range(3)] == [False] * 3
    (alert,) = admin("GET", f"{ACME}/alerts").get_json()["data"]
    assert alert["reached_at"] is not None
    found = admin("GET", f"{ACME}/notices").get_json()["data"]
    assert [each["kind"] for each in found].count("alert.reached") == 1


def test_others_see_nothing_of_it(used: str, caller: Callable[..., Caller]) -> None:
    other = caller("organization", "other")
    for path in ("usage/daily", "costs/daily", "forecast", "alerts", "tips"):
        assert other("GET", f"{ACME}/{path}").status_code == 404
    assert other("PUT", f"{ACME}/alerts/a1", {"amount": 5}).status_code == 404


def test_tips_are_listed(used: str, admin: Caller) -> None:
    assert admin("GET", f"{ACME}/tips").get_json() == {"data": [], "next_cursor": None}
