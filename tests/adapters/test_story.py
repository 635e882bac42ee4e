"""The same month on PostgreSQL and in memory: the same events, and the same invoice to the cent."""

from collections.abc import Iterator

import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from application.cycles import CycleOpener
from application.handling import Handling
from application.inbox import Inbox, Message
from tests.january import FEBRUARY, JANUARY, day
from tests.world import Ports, World, january, without_chance, world

CYCLE, NEXT = "acme.2026-01-01", "acme.2026-02-01"


@pytest.fixture
def stored(database_url: str) -> Iterator[World]:
    database, events = Database(database_url), CyclebookEvents(database_url)
    catalog = PostgresCatalog(database)
    books, routes = PostgresBooks(database, catalog), Routes(catalog)
    opener = CycleOpener(books, lambda: FEBRUARY)
    recorder = UsageRecorder(database, routes, Planner(database, routes, opener))
    ports = Ports(
        log=PostgresEventLog(database, events),
        books=books,
        catalog=catalog,
        directory=PostgresDirectory(database),
        records=PostgresCycleRecords(database),
        usage=GroupCommit(recorder.append),
        find=PostgresUsageFinder(database),
    )
    made = world(JANUARY, ports)
    made.url = database_url
    yield made
    events.close()
    database.close()


def test_the_same_month_comes_to_the_same(stored: World) -> None:
    remembered = world()
    for made in (stored, remembered):
        january(made)
    for cycle in (CYCLE, NEXT):
        told = [
            [
                (entry.version, entry.actor, without_chance(entry.what))
                for entry in made.invoices.history(cycle)
            ]
            for made in (stored, remembered)
        ]
        assert told[0] == told[1]
        views = [made.invoice(cycle) for made in (stored, remembered)]
        assert views[0].invoice == views[1].invoice
        assert views[0].digest == views[1].digest
        assert (views[0].status, views[0].unpriced) == (views[1].status, views[1].unpriced)
    assert stored.holdings.credits("acme") == remembered.holdings.credits("acme")


def test_live_and_replayed_are_one_invoice(stored: World) -> None:
    january(stored)
    for cycle in (CYCLE, NEXT):
        live = stored.invoice(cycle)
        replayed = stored.invoice(cycle, as_of=live.as_of)
        known = stored.invoice(cycle, known_at=live.as_of)
        assert live.digest == replayed.digest == known.digest
        assert live.version == replayed.version == known.version
    then = stored.current(as_of=day(12)).invoice
    machine, seats, item, cpu, credit = 2900, 6300, 4900, 52, -1000
    assert then.status == "accruing"
    assert then.invoice.subtotal == machine + seats + item + cpu + credit


def test_an_explanation_finds_its_records(stored: World) -> None:
    january(stored)
    found = stored.invoices.explain(CYCLE, "usage/a1/cpu@1", limit=2)
    assert (found.records, [each.value for each in found.usage]) == (3, ["8", "2.5"])
    rest = stored.invoices.explain(CYCLE, "usage/a1/cpu@1", after=found.next_cursor)
    assert ([each.value for each in rest.usage], rest.next_cursor) == (["1.5"], None)


def test_an_item_sent_again_after_the_issue_is_found_on_its_invoice(stored: World) -> None:
    january(stored)
    assert stored.invoice().status == "issued"
    (key,) = [line.key for line in stored.invoice().invoice.lines if line.kind == "item"]
    billed = stored.invoice().digest, stored.current().invoice.digest
    again = stored.item(key.removeprefix("item/"), 4900, stored.now)
    assert (again.cycle, again.effect) == (CYCLE, "nothing")
    assert (stored.invoice().digest, stored.current().invoice.digest) == billed


def test_a_payment_reaches_an_issued_cycle(stored: World) -> None:
    january(stored)
    stored.client.v1.invoices.pay(stored.invoice().stripe.invoice or "")
    message = Message(
        id="evt_1", type="invoice.paid", object_id=stored.invoice().stripe.invoice or "", cycle=None
    )
    database = Database(stored.url)
    resynced: list[str] = []
    handling = Handling(
        stored.books, stored.gateway, stored.stripe, resynced.append, stored.renewals.claim
    )
    inbox = Inbox(PostgresInbox(database), handling)
    assert inbox.accept(message, b"{}")
    assert inbox.work(stored.now) == 1
    database.close()
    assert [entry.what for entry in stored.invoices.history(CYCLE)][-1] == "112.56 USD paid"
    assert stored.invoice().status == "paid"
    assert stored.current().invoice.invoice.cycle == NEXT
