"""One side of the contract: the sandbox, or Stripe itself with a test key."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import stripe_client
from tests.stripe_contract.facts import FACTS, FINDINGS

MARK = {"made_by": "cyclebook contract tests"}
"""On everything made, so that whoever finds it knows that it may go."""


def asked_key() -> str | None:
    """The key of a test account, if Stripe itself is to be asked; no other is ever used."""
    if os.environ.get("STRIPE_CONTRACT") != "stripe":
        return None
    key = os.environ.get("STRIPE_TEST_KEY", "")
    if not key.startswith(("sk_test_", "rk_test_")):
        pytest.exit("STRIPE_TEST_KEY must begin with sk_test_ or rk_test_", returncode=2)
    return key


class Side:
    """Somebody who answers as Stripe. What is made here is taken away again by ``clean``."""

    def __init__(self, name: str, client: stripe.StripeClient) -> None:
        self.name = name
        self.v1 = client.v1
        self._customers: list[str] = []
        self._invoices: list[str] = []
        self._products: list[str] = []

    def customer(self, **params: Any) -> str:
        fields: Any = {"metadata": MARK, **params}
        made = self.v1.customers.create(fields)
        self._customers.append(made.id)
        return made.id

    def draft(self, *amounts: int, customer: str | None = None, **params: Any) -> str:
        fields: Any = {"customer": customer or self.customer(), "currency": "usd", "metadata": MARK}
        fields |= {"auto_advance": False, "pending_invoice_items_behavior": "exclude", **params}
        made = self.v1.invoices.create(fields)
        self._invoices.append(made.id)
        if amounts:
            self.add(made.id, *({"amount": amount} for amount in amounts))
        return made.id

    def product(self, **params: Any) -> str:
        fields: Any = {"name": "Contract test", "metadata": MARK, **params}
        made = self.v1.products.create(fields)
        self._products.append(made.id)
        return made.id

    def add(self, invoice: str, *rows: dict[str, Any], **params: Any) -> Any:
        lines: Any = [{"description": "Contract test", "metadata": MARK, **row} for row in rows]
        return self.v1.invoices.add_lines(invoice, {"lines": lines, **params})

    def lines(self, invoice: str) -> list[Any]:
        listed = self.v1.invoices.line_items.list(invoice, {"limit": 100})
        return list(listed.auto_paging_iter())

    def found(self, fact: str, answer: str) -> None:
        """Note how a fact was settled; the sandbox has to answer as the facts say it does."""
        FINDINGS.answers[fact, self.name] = answer
        if self.name == "sandbox":
            assert answer == FACTS[fact].sandbox

    def clean(self) -> None:
        """Delete, void or put away what was made; note what Stripe does not let go of."""
        for invoice in self._invoices:
            self._take_away(invoice, lambda id_=invoice: self._end(id_))
        for customer in self._customers:
            self._take_away(customer, lambda id_=customer: self.v1.customers.delete(id_))
        for product in self._products:
            put_away: Any = {"active": False}
            self._take_away(
                product, lambda id_=product, how=put_away: self.v1.products.update(id_, how)
            )

    def _take_away(self, id_: str, how: Callable[[], Any]) -> None:
        error = refusal(how)
        if error is not None and error.http_status != 404:
            FINDINGS.left_behind.append(f"{id_} at {self.name}: {error.user_message}")

    def _end(self, invoice: str) -> None:
        status = self.v1.invoices.retrieve(invoice).status
        if status == "draft":
            self.v1.invoices.delete(invoice)
        elif status in ("open", "uncollectible"):
            self.v1.invoices.void_invoice(invoice)


def refusal(call: Callable[[], Any]) -> stripe.StripeError | None:
    """How a call was refused, or ``None`` if it was not."""
    try:
        call()
    except stripe.StripeError as error:
        return error
    return None


def told(error: stripe.StripeError | None) -> str:
    """The status and the code of an answer, in short."""
    return "200" if error is None else f"{error.http_status} {error.code}"


def sandbox() -> Side:
    """A sandbox that charges no less than Stripe, on a real clock."""
    app = create_sandbox(Ledger(), clock=time.time, minimum_charge=True)
    return Side("sandbox", stripe_client("sk_test_sandbox", http_client=InProcess(app)))


def real(key: str) -> Side:
    """Stripe itself. Slow answers and dropped connections are tried again."""
    return Side("stripe", stripe_client(key, retries=3))
