"""Books to measure on: a catalog, organizations with a machine each, and the usage path."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from application.attaching import Attaching
from application.changing import Carrying
from application.cycles import CycleOpener
from application.publishing import Publishing
from application.views import Receipt
from domain.events.cycle import ServiceAttached
from domain.events.organization import OrganizationRegistered
from domain.period import Calendar

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=20)
ACTOR = "bench"
CONNECTIONS = 80
WARMED_AT_ONCE = 1_000


@dataclass(kw_only=True)
class Bench:
    """The usage path over a database, as one process of the service has it."""

    database: Database
    catalog: PostgresCatalog
    books: PostgresBooks
    routes: Routes
    planner: Planner
    usage_log: GroupCommit
    attaching: Attaching[Receipt]

    def warm(self, organizations: Sequence[str]) -> None:
        """Fill the routing cache, as it is in a process that has been at work for a while."""
        with self.database.connection() as connection:
            for first in range(0, len(organizations), WARMED_AT_ONCE):
                self.routes.load(connection, organizations[first : first + WARMED_AT_ONCE])


@contextmanager
def bench(url: str) -> Iterator[Bench]:
    """Everything over a database, closed afterwards."""
    database = Database(url, size=CONNECTIONS)
    catalog = PostgresCatalog(database)
    books = PostgresBooks(database, catalog)
    routes = Routes(catalog)
    planner = Planner(database, routes, CycleOpener(books, lambda: NOW))
    recorder = UsageRecorder(database, routes, planner)
    try:
        yield Bench(
            database=database,
            catalog=catalog,
            books=books,
            routes=routes,
            planner=planner,
            usage_log=GroupCommit(recorder.append),
            attaching=Attaching(Carrying(books), catalog, lambda: NOW),
        )
    finally:
        database.close()


def names(count: int) -> list[str]:
    """Names of organizations."""
    return [f"org-{number:05}" for number in range(count)]


def publish_catalog(url: str) -> None:
    """A meter with one dimension, a graduated price on it, a base fee, a service with both."""
    database, events = Database(url), CyclebookEvents(url)
    publishing = Publishing(PostgresEventLog(database, events), PostgresCatalog(database))
    who: dict[str, Any] = {"actor": ACTOR, "at": START}
    publishing.define_meter(
        "cpu", {"aggregation": "sum", "unit": "second", "dimensions": ["region"]}, **who
    )
    tiers = [{"up_to": "100000", "unit_amount": "0.05"}, {"up_to": None, "unit_amount": "0.03"}]
    metered = {"kind": "metered", "meter": "cpu", "model": "graduated", "tiers": tiers}
    recurring = {"kind": "recurring", "model": "flat", "amount": "3100"}
    for price in (
        {"price": "cpu", "currency": "usd", "group_by": ["region"], **metered},
        {"price": "base", "currency": "usd", **recurring},
    ):
        publishing.publish_price(price, **who)
    publishing.define_service("machine", {"name": "Machine", "prices": ["base", "cpu"]}, **who)
    events.close()
    database.close()


def register(url: str, organizations: Sequence[str]) -> None:
    """Organizations with one machine each, attached since the first of January."""
    full = Calendar("UTC", 1).full_period(START)
    with bench(url) as made:
        for name in organizations:
            registered = OrganizationRegistered(
                at=START, organization=name, currency="usd", time_zone="UTC", anchor_day=1
            )
            made.books.register([registered], full, full, actor=ACTOR)
            with made.books.change(name, actor=ACTOR) as books:
                attached = ServiceAttached(
                    at=START,
                    attachment="a1",
                    service="machine",
                    name="Machine",
                    quantity=Decimal(1),
                    prices=("base@1", "cpu@1"),
                )
                books.append(books.cycles[0], [attached])
