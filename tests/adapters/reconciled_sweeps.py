"""Drafts and invoices to reconcile, and a gateway with a poor memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.stripe.gateway import StripeGateway
from projections.remote_invoice import RemoteInvoice
from tests.january import FEBRUARY, JANUARY, day
from tests.reconciled_world import Reconciled

JAN, FEB = "acme.2026-01-01", "acme.2026-02-01"
ISSUE = FEBRUARY + timedelta(hours=12)


def draft(world: Reconciled) -> str:
    """A draft in step, made on the tenth of January."""
    world.made.attach("a1", "seat", JANUARY)
    world.made.travel(day(10))
    world.stored.settle_down()
    return str(world.invoice(JAN)["id"])


def issued(world: Reconciled) -> str:
    """An open invoice, and February's draft."""
    draft(world)
    world.made.travel(ISSUE)
    world.made.advance()
    world.stored.settle_down()
    return str(world.invoice(JAN)["id"])


class Forgetful:
    """A gateway whose list lacks what it should show."""

    def __init__(self, gateway: StripeGateway, keep: int) -> None:
        self._gateway, self._keep = gateway, keep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        for page in self._gateway.listed(start, end):
            yield page[: self._keep]
            return


def another(world: Reconciled, cycle: str, amount: int, **more: str) -> str:
    """An invoice that carries a cycle's id, made without us."""
    customer = world.made.client.v1.customers.create({})
    invoice = world.made.client.v1.invoices.create(
        {
            "customer": customer.id,
            "currency": "usd",
            "metadata": {"cycle_id": cycle, "revision": "1", **more},
        }
    )
    if amount:
        world.made.sandbox.dashboard.add_line(invoice.id, amount, "Something")
    return str(invoice.id)


def tamper(world: Reconciled, kind: str, thing: dict[str, Any], **fields: Any) -> None:
    """Change at Stripe what nobody should be able to change."""
    excluding = {f"{name}_excluding_tax": amount for name, amount in fields.items()}
    known = {name: value for name, value in excluding.items() if name in thing}
    parent = thing["customer"] if kind == "invoice" else thing["invoice"]
    with world.ledger.transaction():
        world.ledger.put(kind, thing | fields | known, parent=parent)
