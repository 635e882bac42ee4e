"""Every use case over the ports in memory and a Stripe sandbox in this process."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from stripe import HTTPClient

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from application.adjusting import Adjusting, NewCredit, NewItem
from application.attaching import Attaching
from application.changing import Carrying, Rehearsing
from application.closing import Advance, Closing
from application.conflicts import Conflicts
from application.correcting import Correcting
from application.crediting import Crediting
from application.desired import DesiredState
from application.ending import Ending
from application.gateway import InvoiceGateway
from application.holding import Holding
from application.holdings import Holdings
from application.invoices import Invoices
from application.issuing import Issuing
from application.ports import (
    Appended,
    Books,
    CatalogReader,
    Directory,
    EventLog,
    UsageFinder,
    UsageLog,
)
from application.publishing import Publishing
from application.reconciler import Reconciler, random_token
from application.recording import Recording
from application.registration import Details, Registration
from application.renewals import Renewals
from application.replays import CycleRecords
from application.stripe_stream import CustomerLinks, LoggedStripeStream
from application.views import CurrentView, InvoiceView, Receipt
from application.voiding import Voiding
from domain.usage import UsageRecord
from tests.january import FEBRUARY, JANUARY, day
from tests.memory import MemoryStore
from tests.memory_usage import MemoryUsageLog

ACTOR = "test"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a world keeps its facts in. processor: another than the sandbox."""

    log: EventLog
    books: Books
    catalog: CatalogReader
    directory: Directory
    records: CycleRecords
    usage: UsageLog
    find: UsageFinder
    processor: InvoiceGateway | None = None


def in_memory(store: MemoryStore) -> Ports:
    """Every port over one store."""
    return Ports(
        log=store,
        books=store,
        catalog=store,
        directory=store,
        records=store,
        usage=MemoryUsageLog(store),
        find=store,
    )


class World:
    """acme in January 2026, with a catalog. ``now`` is the one clock.

    carrier: what takes requests to Stripe; by default into a sandbox in this process.
    """

    def __init__(
        self,
        now: datetime = JANUARY,
        ports: Ports | None = None,
        carrier: HTTPClient | None = None,
    ) -> None:
        self.store = MemoryStore(now)
        ports = ports or in_memory(self.store)
        self.ports = ports
        log, books, catalog, directory = ports.log, ports.books, ports.catalog, ports.directory
        app = create_sandbox(Ledger(), clock=lambda: self.now.timestamp())
        self.sandbox = app.extensions["sandbox"]
        self.client = stripe_client("sk_test_world", http_client=carrier or InProcess(app))
        self.gateway = ports.processor or StripeGateway(self.client)
        self.stripe = LoggedStripeStream(log, self.clock)
        self.publishing = Publishing(log, catalog)
        self.registration = Registration(log, books, directory, catalog)
        carrying, rehearsing = Carrying(books), Rehearsing(books, catalog)
        self.attaching = Attaching(carrying, catalog, self.clock)
        self.adjusting = Adjusting(carrying, catalog, self.clock)
        self.correcting = Correcting(carrying, ports.find, catalog, self.clock)
        self.ending = Ending(carrying, self.clock)
        self.holding = Holding(carrying, catalog)
        self.rehearsed_attaching = Attaching(rehearsing, catalog, self.clock)
        self.rehearsed_correcting = Correcting(rehearsing, ports.find, catalog, self.clock)
        self.holdings = Holdings(books)
        self.recording = Recording(ports.usage)
        self.invoices = Invoices(books, log, catalog, ports.records, self.stripe)
        self.reconciler = Reconciler(
            self.gateway,
            self.stripe,
            DesiredState(books, catalog, directory),
            self.clock,
            on_customer_linked=CustomerLinks(books, self.clock),
        )
        self.crediting = Crediting(books, carrying, catalog, self.reconciler, self.clock)
        self.voiding = Voiding(books, carrying, catalog, self.reconciler, self.clock)
        self.unparked: list[str] = []
        self.conflicts = Conflicts(
            self.reconciler, books, self.stripe, self.clock, self.unparked.append
        )
        self.resynced: list[str] = []
        self.renewals = Renewals(
            books, self.gateway, self.stripe, self.resynced.append, self.clock, random_token
        )
        issuing = Issuing(books, self.conflicts, self.stripe)
        self.closing = Closing(books, catalog, issuing, self.crediting)
        self.books = books
        self.url = ""
        self.records = 0

    @property
    def now(self) -> datetime:
        return self.store.now

    def clock(self) -> datetime:
        return self.store.now

    def travel(self, to: datetime) -> None:
        """Go on in time."""
        assert to >= self.now
        self.store.now = to

    def later(self, **span: int) -> None:
        self.store.now += timedelta(**span)

    # What happens

    def register(self, organization: str = "acme", **details: Any) -> None:
        fields: dict[str, Any] = {"name": "Acme", "currency": "usd"}
        self.registration.put(organization, Details(**(fields | details)), actor=ACTOR, at=self.now)

    def meter(self, meter: str, aggregation: str = "sum", *dimensions: str) -> None:
        values = {"aggregation": aggregation, "unit": "hour", "dimensions": list(dimensions)}
        self.publishing.define_meter(meter, values, actor=ACTOR, at=self.now)

    def price(self, identity: str, **terms: Any) -> None:
        kind = "metered" if "meter" in terms else "recurring"
        values = {"price": identity, "currency": "usd", "kind": kind} | terms
        self.publishing.publish_price(values, actor=ACTOR, at=self.now)

    def service(self, service: str, *prices: str) -> None:
        values = {"name": service.title(), "prices": list(prices)}
        self.publishing.define_service(service, values, actor=ACTOR, at=self.now)

    def attach(self, attachment: str, service: str, at: datetime, count: str = "1") -> Receipt:
        return self.attaching.attach(
            "acme", attachment, service, Decimal(count), at=at, actor=ACTOR
        )

    def detach(self, attachment: str, at: datetime) -> Receipt:
        return self.attaching.detach("acme", attachment, at=at, actor=ACTOR)

    def count(self, attachment: str, count: str, at: datetime) -> Receipt:
        return self.attaching.change_quantity(
            "acme", attachment, Decimal(count), at=at, actor=ACTOR
        )

    def item(self, item: str, amount: int, at: datetime) -> Receipt:
        new = NewItem(
            item=item, description="Set-up", amount=amount, currency="usd", reason="by phone"
        )
        return self.adjusting.add_item("acme", new, at=at, actor=ACTOR)

    def credit(self, credit: str, amount: int, expires_at: datetime | None = None) -> Receipt:
        new = NewCredit(
            credit=credit, amount=amount, currency="usd", reason="sorry", expires_at=expires_at
        )
        return self.adjusting.grant_credit("acme", new, at=self.now, actor=ACTOR)

    def use(self, value: str, at: datetime, attachment: str = "a1", **more: Any) -> Appended:
        return self.record([self.usage(value, at, attachment, **more)])

    def usage(self, value: str, at: datetime, attachment: str = "a1", **more: Any) -> UsageRecord:
        self.records += 1
        fields: dict[str, Any] = {
            "source": "test",
            "id": f"r{self.records}",
            "organization": "acme",
            "meter": "cpu",
            "value": value,
            "occurred_at": at,
            "attachment": attachment,
        }
        return UsageRecord(**(fields | more))

    def record(self, records: Sequence[UsageRecord]) -> Appended:
        return self.recording.record(records, actor=ACTOR, now=self.now)

    def advance(self, organization: str = "acme") -> Advance:
        return self.closing.advance(organization, self.now, "scheduler")

    # What it looks like

    def current(self, **when: Any) -> CurrentView:
        return self.invoices.current("acme", **when)

    def invoice(self, cycle: str = "acme.2026-01-01", **when: Any) -> InvoiceView:
        return self.invoices.get(cycle, **when)

    def lines(self, cycle: str = "acme.2026-01-01", **when: Any) -> dict[str, int]:
        """Line key -> minor units."""
        return {line.key: line.amount for line in self.invoice(cycle, **when).invoice.lines}

    def names(self, cycle: str = "acme.2026-01-01") -> list[str]:
        """The cycle's events, by name."""
        return [type(each.event).__name__ for each in self.store.history(cycle)]


def world(now: datetime = JANUARY, ports: Ports | None = None) -> World:
    """A catalog of two services, and acme.

    machine: 3100 a month and cpu in two tiers, by region. seat: 3100 each.
    """
    made = World(now, ports)
    made.meter("cpu", "sum", "region")
    made.price("base", model="flat", amount="3100")
    made.price("seat", model="per_unit", unit_amount="3100")
    tiers = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]
    made.price("cpu", meter="cpu", model="graduated", tiers=tiers)
    made.service("machine", "base", "cpu")
    made.service("seat", "seat")
    made.register()
    return made


def without_chance(text: str) -> str:
    """A text without Stripe's ids, which are different every time."""
    text = re.sub(r"\b(cus|in)_\w+", r"\1_1", text)
    return re.sub(r"Invoice \w+-(\d{4})", r"Invoice A-\1", text)


def january(made: World) -> None:
    """A month in which a bit of everything happens, closed and issued."""
    made.attach("a1", "machine", day(3))
    made.travel(day(5))
    made.record([made.usage("8", day(4, 12)), made.usage("2.5", day(5))])
    made.item("set-up", 4900, day(5))
    made.travel(day(11))
    made.attach("a2", "seat", day(11), "3")
    made.count("a2", "2", day(21))
    made.credit("sorry", 1000)
    made.travel(day(26))
    made.use("6", day(26), properties={"region": "fra"})
    made.detach("a1", day(26))
    made.travel(FEBRUARY + timedelta(hours=2))
    made.advance()
    made.use("1.5", day(20))
    made.detach("a2", day(31))
    made.travel(FEBRUARY + timedelta(hours=12))
    made.advance()
