"""What the syncing benchmark runs in: invoices, and a sandbox with limits in virtual time."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import stripe

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.limits import LIKE
from adapters.stripe.gateway import StripeGateway, stripe_client
from adapters.stripe.paced import PacedClient, endpoint_of
from application.gateway import Desired, StripeCustomer
from application.pacer import LocalPace, Pacer
from application.pacing import SECOND
from application.reconciler import Reconciler
from application.worker import SyncWorker
from benchmarks.syncing_queue import Queue
from benchmarks.virtual_time import VirtualTime
from domain.errors import ConcurrentChange
from domain.invoice import Invoice, LineItem
from domain.period import Period
from domain.stripe_invoice import StripeInvoice, replay

START = datetime(2026, 2, 1, tzinfo=UTC)
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), START)
LINES = 20
WORKERS = 48
IDLE = 2 * SECOND
ON_ITS_WAY = (20_000, 40_000)
"""How long a call is on its way, each direction; it may arrive 20 ms sooner than the one before."""

OUTAGE_BEGINS, OUTAGE = SECOND, 6 * 3600 * SECOND
NO_ANSWER_AFTER = 3 * SECOND


class Wire:
    """Carries calls to the sandbox in virtual time, and counts them as they arrive."""

    def __init__(self, inner: InProcess, time: VirtualTime) -> None:
        self._inner = inner
        self._time = time
        self._random = random.Random(1)
        self.calls: Counter[str] = Counter()
        self.times: dict[str, list[int]] = defaultdict(list)
        self.refused = 0
        self.away: range = range(0)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> Any:
        """Carry out one request; none while Stripe is away."""
        self._time.sleep(self._random.randint(*ON_ITS_WAY))
        if self._time.now in self.away:
            self._time.sleep(NO_ANSWER_AFTER)
            raise stripe.APIConnectionError("no answer", should_retry=True)
        endpoint = endpoint_of(method, url)
        self.calls[endpoint] += 1
        self.times[endpoint].append(self._time.now)
        response = self._inner.request(method, url, headers, post_data)
        self.refused += response[1] == 429
        self._time.sleep(self._random.randint(*ON_ITS_WAY))
        return response

    def close(self) -> None:
        """Nothing to close."""


class Streams:
    """Every cycle's events, in memory."""

    def __init__(self) -> None:
        self._events: dict[str, list[object]] = defaultdict(list)

    def load(self, cycle: str) -> tuple[StripeInvoice, int]:
        """The state of a cycle's stream and its version."""
        history = self._events[cycle]
        return replay(history), len(history)

    def append(
        self, cycle: str, expected_version: int, events: Sequence[object], actor: str
    ) -> int:
        """Append at a version."""
        history = self._events[cycle]
        if len(history) != expected_version:
            raise ConcurrentChange(f"{cycle} is at {len(history)}")
        history.extend(events)
        return len(history)


class Syncing:
    """Invoices to sync, and Stripe as it stands before. new, changed, unchanged: how many.

    Those that are not new were synced before at no pace, which costs no virtual time.
    """

    def __init__(self, new: int, changed: int, unchanged: int) -> None:
        self.time = VirtualTime(int(START.timestamp()) * SECOND)
        app = create_sandbox(Ledger(), clock=lambda: self.time.now / SECOND)
        self._sandbox: Sandbox = app.extensions["sandbox"]
        inner = InProcess(app)
        self._wire = Wire(inner, self.time)
        self._streams = Streams()
        self.queue = Queue(self.time)
        self.cycles = [f"o{each}.2026-01-01" for each in range(new + changed + unchanged)]
        self._client = stripe_client("sk_test_x", http_client=inner)
        self._customers = self._make_customers()
        self._lines = _lines(1)
        self._changed: set[str] = set()
        before = self.reconciler(StripeGateway(self._client))
        for cycle in self.cycles[new:]:
            before.sync(cycle, "before")
        self._changed = set(self.cycles[new : new + changed])
        self._changed_lines = _lines(2)
        random.Random(3).shuffle(self.cycles)
        for cycle in self.cycles:
            self.queue.add(cycle)

    @property
    def calls(self) -> Counter[str]:
        """By endpoint, as they arrived at the sandbox."""
        return self._wire.calls

    @property
    def times(self) -> dict[str, list[int]]:
        """When they arrived, by endpoint; microseconds, in order."""
        return self._wire.times

    @property
    def refused(self) -> int:
        """How many were answered by 429."""
        return self._wire.refused

    def paced(self, pacer: Pacer) -> PacedClient:
        """The wire to the sandbox, at a pace."""
        return PacedClient(self._wire, pacer, sleep=self.time.sleep)

    def sync_all(self, *, outage: bool) -> int:
        """Work the queue off; microseconds of virtual time until the last one left it."""
        self._sandbox.transport.limits.enforce(LIKE["live"])
        pace = LocalPace(100, 25, lambda: self.time.now)
        pacer = Pacer(pace, self.time.sleep, self.time.new_turn)
        gateway = StripeGateway(stripe_client("sk_test_x", http_client=self.paced(pacer)))
        began = self.time.now
        if outage:
            self._wire.away = range(began + OUTAGE_BEGINS, began + OUTAGE_BEGINS + OUTAGE)
        sync = self.reconciler(gateway).sync
        worker = SyncWorker(self.queue, sync, pacer.away)
        self.time.run([lambda: self._work(worker)] * WORKERS)
        return self.queue.last_left_at - began

    def unequal(self) -> int:
        """Invoices that Stripe does not hold once, with exactly our lines."""
        ledger, wrong = self._sandbox.world.ledger, 0
        for cycle in self.cycles:
            wanted = {line.key: line.amount for line in self._lines_of(cycle)}
            invoices = list(ledger.every("invoice", self._customers[cycle]))
            lines = [line for each in invoices for line in ledger.every("line", each["id"])]
            held = {line["metadata"]["line_key"]: line["amount"] for line in lines}
            wrong += len(invoices) != 1 or len(lines) != LINES or held != wanted
        return wrong

    def _work(self, worker: SyncWorker) -> None:
        while self.queue.left:
            if not worker.step() and self.queue.left:
                self.time.sleep(IDLE)

    def reconciler(self, gateway: StripeGateway) -> Reconciler:
        """The real one, over these invoices."""
        return Reconciler(
            gateway,
            self._streams,
            self._desired,
            lambda: datetime.fromtimestamp(self.time.now // SECOND, UTC),
            on_customer_linked=lambda organization, customer: None,
        )

    def _desired(self, cycle: str) -> Desired:
        organization = cycle.partition(".")[0]
        customer = StripeCustomer(organization=organization, stripe_id=self._customers[cycle])
        invoice = Invoice(
            cycle=cycle,
            organization=organization,
            currency="usd",
            period=JANUARY,
            revision=1,
            lines=self._lines_of(cycle),
        )
        return Desired(invoice=invoice, customer=customer)

    def _lines_of(self, cycle: str) -> tuple[LineItem, ...]:
        return self._changed_lines if cycle in self._changed else self._lines

    def _make_customers(self) -> dict[str, str]:
        """One for each cycle, put there as copies of the first."""
        ledger = self._sandbox.world.ledger
        first = self._client.v1.customers.create({}).id
        like = ledger.get("customer", first) or {}
        made = {cycle: f"cus_{place:06}" for place, cycle in enumerate(self.cycles)}
        with ledger.transaction():
            for customer in made.values():
                ledger.put("customer", {**like, "id": customer})
        return made


def _lines(times: int) -> tuple[LineItem, ...]:
    """Twenty lines, whose amounts are so many times what they are at first."""
    return tuple(
        LineItem(
            key=f"usage/web/cpu@1/region=r{place:02}",
            kind="usage",
            description=f"App machine (web): CPU hours, region r{place:02}, {place + 1} hour",
            quantity=Fraction(place + 1),
            unit="hour",
            amount=times * (place + 1) * 25,
            unrounded=Fraction(times * (place + 1) * 25),
            period=JANUARY,
        )
        for place in range(LINES)
    )
