"""A StripeStream in memory, invoices to owe, and a reconciler over a sandbox in this process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from application.gateway import Desired, InvoiceGateway, StripeCustomer, StripeStream
from application.reconciler import Reconciler
from application.sync import SyncResult
from domain.errors import ConcurrentChange, EditedAtStripe
from domain.invoice import Invoice, LineItem
from domain.period import Period
from domain.stripe_invoice import StripeInvoice, replay

CYCLE = "acme.2026-01-01"
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


class MemoryStream:
    """Every cycle's events in a list."""

    def __init__(self) -> None:
        self.events: dict[str, list[object]] = {}

    def load(self, cycle: str) -> tuple[StripeInvoice, int]:
        history = self.events.get(cycle, [])
        return replay(history), len(history)

    def append(
        self, cycle: str, expected_version: int, events: Sequence[object], actor: str
    ) -> int:
        history = self.events.setdefault(cycle, [])
        if len(history) != expected_version:
            raise ConcurrentChange(f"{cycle} is at {len(history)}, not at {expected_version}")
        history.extend(events)
        return len(history)

    def names(self, cycle: str = CYCLE) -> list[str]:
        return [type(event).__name__ for event in self.events.get(cycle, [])]


def line(key: str, amount: int, description: str | None = None, **more: Any) -> LineItem:
    return LineItem(
        key=key,
        kind=key.split("/")[0],
        description=description or f"Line {key}",
        quantity=Fraction(1),
        unit=None,
        amount=amount,
        unrounded=Fraction(amount),
        period=more.pop("period", JANUARY),
        **more,
    )


def owed(amounts: dict[str, int] | None = None, **more: Any) -> Invoice:
    """An invoice with one line for each amount."""
    lines = tuple(line(key, amount) for key, amount in sorted((amounts or {}).items()))
    plain = Invoice(
        cycle=CYCLE,
        organization="acme",
        currency="usd",
        period=JANUARY,
        revision=1,
        lines=lines,
    )
    return replace(plain, **more)


class Billed:
    """An organization that owes something, a sandbox, and a reconciler between the two."""

    def __init__(
        self,
        amounts: dict[str, int] | None = None,
        *,
        linked: bool = True,
        wrap_stream: Callable[[StripeStream], StripeStream] = lambda stream: stream,
        wrap_gateway: Callable[[InvoiceGateway], InvoiceGateway] = lambda gateway: gateway,
        **sandbox: Any,
    ) -> None:
        self.now = datetime(2026, 1, 10, tzinfo=UTC)
        app = create_sandbox(Ledger(), clock=lambda: self.now.timestamp(), **sandbox)
        self.sandbox: Sandbox = app.extensions["sandbox"]
        client = stripe_client("sk_test_sandbox", http_client=InProcess(app))
        self.gateway = wrap_gateway(StripeGateway(client))
        self.stream = MemoryStream()
        self._wrapped = wrap_stream(self.stream)
        self.links: dict[str, str] = {}
        self.desired = Desired(invoice=owed(amounts), customer=StripeCustomer(organization="acme"))
        if linked:
            customer = client.v1.customers.create({"metadata": {"organization": "acme"}})
            self.links["acme"] = customer.id
            self.sandbox.transport.calls.clear()

    def owes(self, amounts: dict[str, int], **more: Any) -> None:
        self.desired = replace(self.desired, invoice=owed(amounts, **more))

    @property
    def reconciler(self) -> Reconciler:
        """A fresh one, as after a restart."""
        return Reconciler(
            self.gateway,
            self._wrapped,
            self._desired,
            lambda: self.now,
            on_customer_linked=self.links.__setitem__,
        )

    def overwriting(self, *, force: bool = False) -> SyncResult:
        """A sync that makes the draft ours again, whatever others did to it."""
        try:
            return self.reconciler.sync(CYCLE, "worker", force)
        except EditedAtStripe:
            self.reconciler.decide(CYCLE, "overwrite", "ours is right", "support")
            return self.reconciler.sync(CYCLE, "worker", force)

    def _desired(self, cycle: str) -> Desired:
        customer = replace(self.desired.customer, stripe_id=self.links.get("acme"))
        return replace(self.desired, customer=customer)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    # What Stripe holds

    @property
    def invoices(self) -> list[dict[str, Any]]:
        return self.sandbox.world.ledger.every("invoice")

    @property
    def invoice(self) -> dict[str, Any]:
        (only,) = self.invoices
        return only

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.sandbox.world.ledger.every("line")

    @property
    def held(self) -> dict[str, int]:
        """Amounts by line key; a key held twice would fail here."""
        pairs = [
            (each["metadata"].get("line_key", "by hand"), each["amount"]) for each in self.lines
        ]
        assert len(dict(pairs)) == len(pairs), f"a line is there twice: {pairs}"
        return dict(pairs)

    def writes(self) -> list[str]:
        """What was written since the last look, oldest first."""
        return self._calls("POST", "DELETE")

    def reads(self) -> list[str]:
        return self._calls("GET")

    def _calls(self, *methods: str) -> list[str]:
        calls = self.sandbox.transport.calls
        return [call["path"].split("/")[-1] for call in calls if call["method"] in methods]

    def forget_calls(self) -> None:
        self.sandbox.transport.calls.clear()
