"""Spend alerts: told once in each cycle, again where they are changed, and never before."""

from datetime import timedelta
from typing import Any

import pytest

from application.alerts import Alerts, AlertWatch
from application.changing import Carrying
from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.insight_ports import AlertLook
from application.insight_views import AlertView
from application.schedule_ports import Tally
from domain.alert import Wanted
from domain.errors import InvalidInput, RuleViolation
from tests.insight_memory import (
    MemoryAlertLooks,
    MemoryNotices,
    MemoryPastInvoices,
    MemoryUsageDays,
)
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, World, world


class Alarmed:
    """acme with a machine of 100 a day; cpu costs 5 an hour, and 3 from the eleventh on."""

    def __init__(self) -> None:
        self.made: World = world()
        self.made.attach("a1", "machine", JANUARY)
        store = self.made.store
        self.invoices, self.looks = MemoryPastInvoices(store), MemoryAlertLooks(store)
        self.notices = MemoryNotices()
        self.alerts = Alerts(Carrying(store), store, self.invoices, self.looks)
        costs = DailyCosts(store, store, store)
        forecasts = Forecasts(costs, store, store, MemoryUsageDays(store), self.invoices)
        self.watch = AlertWatch(
            store, store, forecasts.forecast, self.invoices, self.looks, self.notices
        )

    def configure(self, alert: str, of: str = "spend", **wanted: Any) -> str:
        made = self.made
        return self.alerts.configure(
            "acme", alert, Wanted(of=of, **wanted), actor=ACTOR, at=made.now
        ).effect

    def look(self) -> list[str]:
        """What was told since the last look."""
        before = list(self.notices.told)
        assert not self.watch.run(self.made.now)
        return list(self.notices.told)[len(before) :]

    def one(self) -> AlertView:
        (found,) = self.alerts.list("acme")
        return found


def test_an_alert_is_told_once_when_it_is_reached_and_not_before() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(5))
    assert acme.look() == [], "400 so far"
    acme.made.travel(day(6))
    assert acme.look() == ["alert.reached/a/acme.2026-01-01/1"]
    acme.made.travel(day(20))
    assert acme.look() == []
    assert acme.one().reached_at == day(6)


def test_a_look_that_was_forgotten_tells_nothing_twice() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(6))
    acme.look()
    acme.looks.found.clear()
    assert acme.look() == []


def test_every_cycle_is_told_of_anew() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(10))
    acme.look()
    acme.made.travel(FEBRUARY + timedelta(days=7))
    acme.made.advance()
    assert acme.look() == ["alert.reached/a/acme.2026-02-01/1"]


def test_another_threshold_arms_it_again_and_the_same_does_not() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(10))
    acme.look()
    assert acme.configure("a", amount=500) == "nothing"
    assert acme.look() == []
    assert acme.configure("a", amount=600) == "recorded"
    assert acme.look() == ["alert.reached/a/acme.2026-01-01/2"]


def test_a_removed_alert_is_silent() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(10))
    effects = [acme.alerts.remove("acme", "a", actor=ACTOR, at=day(10)).effect for _ in range(2)]
    assert effects == ["recorded", "nothing"]
    assert acme.look() == []
    assert acme.alerts.list("acme") == ()


def test_a_percentage_is_of_a_budget() -> None:
    acme = Alarmed()
    acme.configure("half", percent=50, budget=1001)
    assert acme.one().threshold == 501
    acme.made.travel(day(6))
    assert acme.look() == []
    acme.made.travel(day(7))
    assert acme.look() == ["alert.reached/half/acme.2026-01-01/1"]


def test_a_percentage_without_a_budget_is_of_the_last_invoice() -> None:
    acme = Alarmed()
    acme.configure("tenth", percent=10)
    assert acme.one().threshold is None
    acme.made.travel(day(30))
    assert acme.look() == [], "there is no last invoice"
    acme.made.travel(FEBRUARY + timedelta(days=4))
    acme.made.advance()
    assert (acme.one().threshold, acme.look()) == (310, ["alert.reached/tenth/acme.2026-02-01/1"])


def test_a_forecast_is_told_of_before_the_money_is_spent() -> None:
    acme = Alarmed()
    for number in range(1, 6):
        acme.made.travel(day(number, 12))
        acme.made.use("1", day(number, 12))
    acme.configure("above", "forecast", amount=3230)
    assert acme.look() == [], "3100 and an hour a day: 10 × 5 + 21 × 3, about 3213"
    acme.configure("soon", "forecast", amount=3200)
    assert acme.look() == ["alert.reached/soon/acme.2026-01-01/1"]
    assert acme.made.current().invoice.accrued < 500


def test_one_organization_in_trouble_does_not_keep_the_others_waiting() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(10))
    acme.looks.extra = [AlertLook("nobody", "nobody.2026-01-01", 1, 1)]
    assert acme.look() == ["alert.reached/a/acme.2026-01-01/1"]


def test_a_look_at_all_counts_and_names_those_that_cannot_be_looked_at() -> None:
    acme = Alarmed()
    acme.configure("a", amount=500)
    acme.made.travel(day(10))
    acme.looks.extra = [AlertLook("nobody", "nobody.2026-01-01", 1, 1)]
    problem = "could not be looked at: nobody.2026-01-01"
    assert acme.watch.look_anyway(acme.made.now) == Tally(expected=2, done=1, problem=problem)
    assert list(acme.notices.told) == ["alert.reached/a/acme.2026-01-01/1"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        pytest.param({}, "amount", id="nothing to compare"),
        pytest.param({"amount": 1, "percent": 1}, "amount", id="two things to compare"),
        pytest.param({"amount": 1, "budget": 1}, "budget", id="a budget and no percentage"),
        pytest.param({"amount": 0}, "amount", id="nothing"),
        pytest.param({"percent": 10_001}, "percent", id="too many percent"),
        pytest.param({"amount": 1, "of": "mood"}, "of", id="what nobody measures"),
    ],
)
def test_what_cannot_be_compared_is_refused(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Alarmed().configure("a", **wanted)
    assert refusal.value.context["field"] == field


def test_an_organization_has_only_so_many() -> None:
    acme = Alarmed()
    for number in range(50):
        acme.configure(f"a{number}", amount=500)
    with pytest.raises(RuleViolation) as refusal:
        acme.configure("one-more", amount=500)
    assert refusal.value.code == "too_many_alerts"
    assert acme.configure("a1", amount=501) == "recorded"
