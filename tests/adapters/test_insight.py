"""Insight on PostgreSQL: usage by day, past invoices, alerts that are due, unusual lines."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.postgres.insight import PostgresPastInvoices, PostgresUsageDays
from adapters.postgres.notices import PostgresNotices
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.spend_alerts import AGAIN_AFTER, AGAIN_ANYWAY, PostgresAlertLooks
from application.alerts import Alerts, AlertWatch
from application.changing import Carrying
from application.closing import Closing
from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.issuing import Issuing
from application.unusual import AnomalyCheck
from domain.alert import Wanted
from tests.january import FEBRUARY, JANUARY, MARCH
from tests.stored_stories import FIRST, SECOND, february_is_issued, much_happened
from tests.stored_world import StoredWorld, stored_world
from tests.world import ACTOR, World

APRIL, MAY = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
GRACE = timedelta(hours=12)


@pytest.fixture
def stored(each_database_url: str) -> Iterator[StoredWorld]:
    with stored_world(each_database_url) as world_of_it:
        yield world_of_it


def test_days_are_found_by_organization_span_and_meter(stored: StoredWorld) -> None:
    much_happened(stored)
    days = PostgresUsageDays(stored.database)
    found = days.days("acme", date(2026, 1, 5), date(2026, 1, 7))
    assert [(each.day.day, each.meter, each.quantity, each.records) for each in found] == [
        (5, "cpu", 1, 1),
        (6, "cpu", 5, 1),
        (7, "cpu", 3, 1),
    ]
    assert days.days("acme", date(2026, 1, 5), date(2026, 1, 7), "disk") == []
    assert days.days("nobody", date(2026, 1, 1), date(2026, 2, 1)) == []


def test_settled_invoices_are_found_newest_first(stored: StoredWorld) -> None:
    february_is_issued(stored)
    invoices = PostgresPastInvoices(stored.database)
    found = invoices.settled("acme", MARCH, 5)
    assert [each.cycle for each in found] == [SECOND, FIRST]
    for each in found:
        assert sum(each.lines.values()) == each.subtotal
        assert each.subtotal == stored.made.invoice(each.cycle).invoice.subtotal
    assert (found[1].start, found[1].end, found[1].currency) == (JANUARY, FEBRUARY, "usd")
    assert [each.cycle for each in invoices.settled("acme", MARCH, 1)] == [SECOND]
    assert [each.cycle for each in invoices.settled("acme", FEBRUARY, 5)] == [FIRST]
    assert invoices.settled("nobody", MARCH, 5) == []


def test_a_void_invoice_is_nothing_to_compare_with(stored: StoredWorld) -> None:
    much_happened(stored)
    stored.made.voiding.void(FIRST, "forgive", "wrong customer", actor=ACTOR)
    assert PostgresPastInvoices(stored.database).settled("acme", MARCH, 5) == []


def test_days_add_up_to_what_accrued(stored: StoredWorld) -> None:
    february_is_issued(stored)
    made = stored.made
    costs = DailyCosts(made.books, stored.catalog, made.ports.records)
    for cycle in (FIRST, SECOND):
        for _ in range(2):
            found = costs.cost("acme", cycle)
            total = sum(each.amount for each in found.days) + sum(found.apart.values())
            assert total == found.accrued == made.invoice(cycle).invoice.subtotal


def test_only_what_came_since_is_read_and_comes_to_the_same(stored: StoredWorld) -> None:
    much_happened(stored)
    made = stored.made

    def costs() -> DailyCosts:
        return DailyCosts(made.books, stored.catalog, made.ports.records)

    kept = costs()
    kept.cost("acme", SECOND)
    for hours in range(3):
        made.use("0.5", FEBRUARY + timedelta(days=1, hours=hours))
        made.use("2", FEBRUARY + timedelta(days=2))
        assert kept.cost("acme", SECOND).days == costs().cost("acme", SECOND).days
    made.correcting.retract("test", f"r{made.records}", "sent twice", actor=ACTOR)
    assert kept.cost("acme", SECOND).days == costs().cost("acme", SECOND).days


class Alarmed:
    """acme's alerts on PostgreSQL."""

    def __init__(self, stored: StoredWorld) -> None:
        self.stored, self.made = stored, stored.made
        self.looks = PostgresAlertLooks(stored.database)
        self.notices = PostgresNotices(stored.database, mails=False)
        invoices = PostgresPastInvoices(stored.database)
        books, catalog = self.made.books, stored.catalog
        self.alerts = Alerts(Carrying(books), books, invoices, self.looks)
        costs = DailyCosts(books, catalog, self.made.ports.records)
        usage = PostgresUsageDays(stored.database)
        forecasts = Forecasts(costs, books, catalog, usage, invoices)
        self.watch = AlertWatch(
            books, catalog, forecasts.forecast, invoices, self.looks, self.notices
        )

    def configure(self, alert: str, amount: int) -> None:
        wanted = Wanted(of="spend", amount=amount)
        self.alerts.configure("acme", alert, wanted, actor=ACTOR, at=self.made.now)
        self.stored.settle_down()

    def due(self, at: datetime) -> list[str]:
        return [each.cycle for each in self.looks.due(at, 100)]

    def unseen(self, at: datetime) -> list[str]:
        return [each.cycle for each in self.looks.unseen(at, 100)]

    def told(self) -> list[str]:
        rows = self.stored.rows("SELECT occurrence FROM notice WHERE kind = 'alert.reached'")
        return sorted(occurrence for (occurrence,) in rows)


def test_only_cycles_of_organizations_with_alerts_are_looked_at(stored: StoredWorld) -> None:
    much_happened(stored)
    acme = Alarmed(stored)
    assert acme.due(acme.made.now) == []
    acme.configure("a", 10**9)
    assert acme.due(acme.made.now) == [SECOND]
    acme.alerts.remove("acme", "a", actor=ACTOR, at=acme.made.now)
    stored.settle_down()
    assert acme.due(acme.made.now) == []


def test_a_cycle_is_due_again_when_it_changed_or_after_a_while(stored: StoredWorld) -> None:
    much_happened(stored)
    acme = Alarmed(stored)
    acme.configure("a", 10**9)
    now = acme.made.now
    acme.watch.run(now)
    soon = now + AGAIN_AFTER
    assert acme.due(soon) == [], "nothing changed"
    assert acme.due(now + AGAIN_ANYWAY) == [], "that is for the schedule"
    assert acme.unseen(now + AGAIN_ANYWAY) == [SECOND], "fees went on"
    assert acme.unseen(soon) == [], "it was looked at a moment ago"
    acme.made.use("1", FEBRUARY)
    assert acme.due(now) == [], "it was looked at a moment ago"
    assert acme.due(soon) == [SECOND]
    acme.watch.run(soon)
    acme.configure("b", 10**9)
    assert acme.due(soon) == [SECOND], "another alert"


def test_an_alert_is_told_once_however_often_it_is_looked_at(stored: StoredWorld) -> None:
    much_happened(stored)
    acme = Alarmed(stored)
    acme.configure("a", 1)
    now = FEBRUARY + timedelta(days=20)
    acme.watch.run(now)
    stored.damage("DELETE FROM alert_look")
    stored.damage("DELETE FROM alert_reached")
    acme.watch.run(now)
    assert acme.told() == [f"alert.reached/a/{SECOND}/1"]
    assert acme.alerts.list("acme")[0].alert == "a"


def test_alerts_are_the_same_when_they_are_rebuilt(stored: StoredWorld) -> None:
    much_happened(stored)
    acme = Alarmed(stored)
    for alert in ("a", "b"):
        acme.configure(alert, 10)
    acme.configure("a", 20)
    acme.alerts.remove("acme", "b", actor=ACTOR, at=acme.made.now)
    stored.settle_down()
    rebuilder = PostgresRebuilder(stored.database, stored.catalog)
    assert rebuilder.differing("spend_alert") == {}
    before = stored.rows("SELECT * FROM spend_alert")
    rebuilder.rebuild("spend_alert")
    assert stored.rows("SELECT * FROM spend_alert") == before != []


def months(made: World, check: AnomalyCheck) -> None:
    """Three months of about 1000 hours, and one of 9000, in which a person is to look."""
    made.register(policies={"anomaly": "hold"})
    made.attach("a1", "machine", JANUARY)
    issuing = Issuing(made.books, made.conflicts, made.stripe)
    made.closing = Closing(made.books, made.ports.catalog, issuing, made.crediting, check)
    starts = (JANUARY, FEBRUARY, MARCH, APRIL, MAY)
    for hours, start, end in zip(
        ("1000", "1100", "1050", "9000"), starts, starts[1:], strict=False
    ):
        made.travel(start + timedelta(days=10))
        made.use(hours, made.now)
        made.travel(end)
        made.advance()
        made.travel(end + GRACE)
        made.advance()


def test_an_unusual_invoice_waits_is_told_of_and_the_books_stay_in_order(
    stored: StoredWorld,
) -> None:
    made = stored.made
    months(made, AnomalyCheck(PostgresPastInvoices(stored.database)))
    view = made.invoice("acme.2026-04-01")
    assert (view.status, view.hold and view.hold.kind) == ("closed", "anomaly")
    assert [each.amount for each in view.unusual] == [27_020]
    stored.settle_down()
    assert not stored.verify().broken
    made.holding.release("acme.2026-04-01", "a campaign", actor=ACTOR, at=made.now)
    made.advance()
    assert made.invoice("acme.2026-04-01").status == "issued"
