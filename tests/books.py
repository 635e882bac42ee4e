"""The books on a real database, wired for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.postgres import heads, retally
from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.folding import Layer, folded
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from application.attaching import Attaching
from application.changing import Carrying
from application.cycles import CycleOpener, open_next
from application.publishing import Publishing
from application.recording import Recording
from application.registration import Details, Registration
from domain.billing_cycle import BillingCycle
from domain.events.cycle import FinalizationStarted
from domain.events.outcome import InvoiceFinalized
from domain.tally import Tallies
from domain.usage import UsageRecord


def jan(day: int, hour: int = 0) -> datetime:
    """An instant of January 2026."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def record(identity: str, **changes: Any) -> UsageRecord:
    """A usage record of acme's cpu on the fifth of January."""
    fields: dict[str, Any] = {
        "source": "test",
        "id": identity,
        "organization": "acme",
        "meter": "cpu",
        "value": "1",
        "occurred_at": jan(5),
        "attachment": "a1",
    }
    return UsageRecord(**(fields | changes))


@dataclass(kw_only=True)
class Wired:
    """Use cases over one database. ``now`` stands still at the twentieth of January."""

    database: Database
    books: PostgresBooks
    catalog: PostgresCatalog
    log: PostgresEventLog
    quarantine: PostgresQuarantine
    finder: PostgresUsageFinder
    publishing: Publishing
    registration: Registration
    attaching: Attaching
    recording: Recording
    usage_log: GroupCommit
    recorder: UsageRecorder
    routes: Routes
    now: datetime

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.database.connection() as connection:
            return connection.execute(query).fetchall()

    def by_log(self, cycle: str, layer: Layer = Layer.BASE) -> Tallies:
        """What a cycle's usage adds up to by the log alone."""
        organization = cycle.rpartition(".")[0]
        with self.database.connection() as connection:
            head = heads.one(connection, organization, cycle)
            assert head is not None
            place = retally.logged(head)
            known = build_cycle(read_control(connection, head.cycle_id))
            return folded(connection, place, known, self.catalog.current(), layer)


@contextmanager
def wired(url: str) -> Iterator[Wired]:
    """Everything over a database, closed afterwards."""
    database = Database(url)
    events = CyclebookEvents(url)
    log = PostgresEventLog(database, events)
    catalog = PostgresCatalog(database)
    books = PostgresBooks(database, catalog)
    routes = Routes(catalog)
    opener = CycleOpener(books, lambda: jan(20))
    recorder = UsageRecorder(database, routes, Planner(database, routes, opener))
    usage_log = GroupCommit(recorder.append)
    try:
        yield Wired(
            database=database,
            books=books,
            catalog=catalog,
            log=log,
            quarantine=PostgresQuarantine(database),
            finder=PostgresUsageFinder(database),
            publishing=Publishing(log, catalog),
            registration=Registration(log, books, PostgresDirectory(database), catalog),
            attaching=Attaching(Carrying(books), catalog, lambda: jan(20)),
            recording=Recording(usage_log),
            usage_log=usage_log,
            recorder=recorder,
            routes=routes,
            now=jan(20),
        )
    finally:
        events.close()
        database.close()


def cut_off(case: Wired, organization: str = "acme") -> BillingCycle:
    """End an organization's newest cycle: the next is open, and this one's usage is cut off."""
    with case.books.change(organization, actor="test") as books:
        ended = books.cycles[-1]
        open_next(books)
        books.append(ended, ended.close(books.version(ended), ended.period.end))
    return ended


def issue(case: Wired, cycle: str, *, due_at: datetime | None = None) -> None:
    """Settle a closed cycle and have it issued."""
    with case.books.change(cycle.rpartition(".")[0], actor="test", cycle=cycle) as books:
        asked = books.asked
        assert asked is not None
        at = asked.period.end
        settled = FinalizationStarted(
            at=at,
            version=books.version(asked),
            digest="",
            subtotal=0,
            lines={},
            basis={},
        )
        books.append(asked, [settled, InvoiceFinalized(at=at, total=0, due_at=due_at)])


def void(case: Wired, cycle: str, mode: str) -> None:
    """Take an issued invoice back."""
    with case.books.change(cycle.rpartition(".")[0], actor="test", cycle=cycle) as books:
        assert books.asked is not None
        version, at = books.version(books.asked), books.asked.period.end
        books.append(books.asked, books.asked.void("wrong", mode, version, at))


def january(case: Wired) -> None:
    """acme, with a machine a1 since the first: cpu graduated, memory per unit, a base fee."""
    publish = case.publishing
    at = jan(1)
    publish.define_meter("cpu", {"aggregation": "sum", "unit": "hour"}, actor="test", at=at)
    publish.define_meter(
        "traffic",
        {"aggregation": "sum", "unit": "GB", "dimensions": ["region"]},
        actor="test",
        at=at,
    )
    tiers = [
        {"up_to": "10", "unit_amount": "5"},
        {"up_to": None, "unit_amount": "3"},
    ]
    metered = {"currency": "usd", "kind": "metered"}
    publish.publish_price(
        {"price": "cpu", "meter": "cpu", "model": "graduated", "tiers": tiers, **metered},
        actor="test",
        at=at,
    )
    publish.publish_price(
        {
            "price": "traffic",
            "meter": "traffic",
            "model": "per_unit",
            "unit_amount": "2",
            "group_by": ["region"],
            "scope": "organization",
            **metered,
        },
        actor="test",
        at=at,
    )
    publish.publish_price(
        {
            "price": "base",
            "currency": "usd",
            "kind": "recurring",
            "model": "flat",
            "amount": "3100",
        },
        actor="test",
        at=at,
    )
    publish.define_service(
        "machine", {"name": "Machine", "prices": ["base", "cpu", "traffic"]}, actor="test", at=at
    )
    case.registration.put(
        "acme", Details(name="Acme", currency="usd", starts_at=at), actor="test", at=at
    )
    case.attaching.attach("acme", "a1", "machine", Decimal(1), at=at, actor="test")
