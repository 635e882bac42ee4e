"""What people could do in Stripe's Dashboard, and what customers and banks could do."""

from typing import Any

from adapters.sandbox import (
    balance,
    collecting,
    credit_notes,
    customers,
    discounts,
    invoices,
    issuing,
    lines,
    refunds,
    taken_back,
)
from adapters.sandbox.ledger import Thing
from adapters.sandbox.world import World

ACTIONS = {
    "finalize": issuing.finalize,
    "send": issuing.send,
    "pay": issuing.pay,
    "void": issuing.void,
    "mark_uncollectible": issuing.mark_uncollectible,
    "delete": invoices.delete,
}


class Dashboard:
    """A person at work behind our back. Every change makes the same events as the API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_line(self, invoice: str, amount: int, description: str, **more: Any) -> Thing:
        """Put a line on a draft by hand; below zero it takes something off."""
        row = {"amount": amount, "description": description, **more}
        with self._world.ledger.transaction():
            return lines.add(self._world, {"lines": [row]}, invoice)

    def edit_line(self, line: str, **fields: Any) -> Thing:
        """Change a line's amount, description or period."""
        with self._world.ledger.transaction():
            invoice = self._world.need("line", line, "id")["invoice"]
            return lines.update(self._world, {"lines": [{"id": line, **fields}]}, invoice)

    def remove_line(self, line: str) -> Thing:
        """Take a line off a draft."""
        with self._world.ledger.transaction():
            invoice = self._world.need("line", line, "id")["invoice"]
            return lines.remove(self._world, {"lines": [{"id": line}]}, invoice)

    def discount(self, invoice: str, **off: Any) -> Thing:
        """Take ``amount_off`` minor units or ``percent_off`` off a whole draft."""
        with self._world.ledger.transaction():
            return discounts.give(self._world, invoice, **off)

    def memo(self, invoice: str, text: str) -> Thing:
        """Write the memo, which the API calls an invoice's description."""
        with self._world.ledger.transaction():
            return invoices.update(self._world, {"description": text}, invoice)

    def edit_customer(self, customer: str, **fields: Any) -> Thing:
        """Change a customer's fields, such as ``address``."""
        with self._world.ledger.transaction():
            return customers.update(self._world, fields, customer)

    def delete_customer(self, customer: str) -> Thing:
        """Delete a customer for good."""
        with self._world.ledger.transaction():
            return customers.delete(self._world, {}, customer)

    def change_balance(self, customer: str, amount: int) -> Thing:
        """Move a customer's balance: below zero is a credit. Minor units."""
        with self._world.ledger.transaction():
            currency = self._world.need("customer", customer, "id")["currency"] or "usd"
            params = {"amount": amount, "currency": currency}
            return balance.create(self._world, params, customer)

    def act(self, invoice: str, action: str) -> Thing:
        """Finalize, send, pay, void, mark as uncollectible or delete an invoice."""
        with self._world.ledger.transaction():
            return ACTIONS[action](self._world, {}, invoice)

    def decline(
        self,
        invoice: str,
        message: str = "Your card was declined.",
        retry_in_s: int | None = 86_400,
    ) -> Thing:
        """Let an attempt to collect fail. retry_in_s: until the next one, ``None`` for never."""
        with self._world.ledger.transaction():
            return collecting.decline(self._world, invoice, message, retry_in_s)

    def ask_customer(self, invoice: str) -> Thing:
        """Let the bank want a confirmation by the customer."""
        with self._world.ledger.transaction():
            return collecting.ask_customer(self._world, invoice)

    def overdue(self, invoice: str) -> Thing:
        """Let the due date go by."""
        with self._world.ledger.transaction():
            return collecting.overdue(self._world, invoice)

    def credit(self, invoice: str, **params: Any) -> Thing:
        """Issue a credit note; parameters as Stripe's API has them."""
        with self._world.ledger.transaction():
            return credit_notes.create(self._world, {"invoice": invoice, **params})

    def refund(
        self, invoice: str, amount: int, reason: str | None = "requested_by_customer"
    ) -> Thing:
        """Pay back a part of what was collected. Minor units."""
        with self._world.ledger.transaction():
            return refunds.refund(self._world, invoice, amount, reason)

    def void_note(self, note: str) -> Thing:
        """Take a credit note back, while its invoice is open."""
        with self._world.ledger.transaction():
            return taken_back.void_note(self._world, {}, note)

    def fail_refund(self, refund: str, reason: str = "lost_or_stolen_card") -> Thing:
        """Let the bank send a refund back, days after it succeeded."""
        with self._world.ledger.transaction():
            return taken_back.fail_refund(self._world, refund, reason)

    def dispute(self, invoice: str, amount: int | None = None, reason: str = "fraudulent") -> Thing:
        """Let the customer dispute what was collected, all of it unless told."""
        with self._world.ledger.transaction():
            return refunds.dispute(self._world, invoice, amount, reason)

    def decide(self, dispute: str, status: str) -> Thing:
        """Let the bank decide a dispute: ``won`` or ``lost``."""
        with self._world.ledger.transaction():
            return refunds.decide(self._world, dispute, status)

    def tax(self, percent: int) -> None:
        """The rate that all invoices without automatic tax have from now on."""
        self._world.tax_percent = percent

    def tax_automatically(self, percent: int) -> None:
        """The rate that automatic tax finds everywhere from now on."""
        self._world.automatic_tax = percent
