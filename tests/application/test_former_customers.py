"""Customers that are deleted or changed at Stripe: a problem of the invoices, or the end of one."""

from typing import Any

import pytest

from application.linking import Linking
from application.refusals import CUSTOMER_GONE
from domain.errors import GatewayRejected
from tests.application.test_inbox import CYCLE, Message, Post
from tests.memory_queue import MarkedQueue


class Customers(Post):
    """acme with a draft in step, and its customer at Stripe."""

    def __init__(self) -> None:
        super().__init__()
        self.made.reconciler.sync(CYCLE, "test")
        self.customer = self.made.stripe.load(CYCLE)[0].customer or ""
        self.board = self.made.sandbox.dashboard
        self.count = 0

    def hear(self, what: str, customer: str = "", organization: str | None = "acme") -> None:
        self.count += 1
        message = Message(
            id=f"evt_{self.count}",
            type=what,
            object_id=customer or self.customer,
            cycle=None,
            organization=organization,
        )
        self.inbox.accept(message, b"{}")
        self.work()
        assert self.box.errors == {}

    @property
    def problem(self) -> str | None:
        problem = self.made.stripe.load(CYCLE)[0].problem
        return problem.code if problem else None


@pytest.fixture
def acme() -> Customers:
    return Customers()


def test_a_deleted_customer_is_a_problem_of_the_invoice_although_its_draft_is_in_step(
    acme: Customers,
) -> None:
    acme.board.delete_customer(acme.customer)
    acme.hear("customer.deleted")
    assert (acme.problem, acme.resynced) == (CUSTOMER_GONE, [CYCLE])
    for _ in range(2):
        with pytest.raises(GatewayRejected, match="link the organization") as refused:
            acme.made.conflicts.sync(CYCLE, "sync")
        assert refused.value.context["person"], "it is parked, and not tried again and again"
    told = [entry.what for entry in acme.made.invoices.history(CYCLE)]
    assert sum("was deleted at Stripe" in each for each in told) == 1


def test_another_customer_ends_it(acme: Customers) -> None:
    acme.board.delete_customer(acme.customer)
    acme.hear("customer.deleted")
    other = acme.made.client.v1.customers.create({"name": "Acme"}).id
    linking = Linking(acme.made.books, acme.made.gateway, MarkedQueue())
    linking.link("acme", other, actor="test", at=acme.made.now)
    proof = acme.made.conflicts.sync(CYCLE, "sync").proof
    assert proof is not None
    assert (acme.problem, acme.made.stripe.load(CYCLE)[0].customer) == (None, other)


@pytest.mark.parametrize(
    ("customer", "organization"),
    [("", None), ("", "nobody"), ("cus_another", "acme")],
    ids=["whose it is was not said", "of nobody here", "acme is another one"],
)
def test_other_customers_are_no_concern(
    acme: Customers, customer: str, organization: str | None
) -> None:
    acme.hear("customer.deleted", customer, organization)
    assert (acme.problem, acme.resynced) == (None, [])


def test_a_webhook_alone_does_not_make_a_customer_deleted(acme: Customers) -> None:
    acme.hear("customer.deleted")
    assert (acme.problem, acme.resynced) == (None, [])


def test_a_changed_customer_may_be_what_a_failed_sync_waited_for(acme: Customers) -> None:
    acme.hear("customer.updated")
    assert acme.resynced == []
    acme.made.attach("a2", "seat", acme.made.now)
    refuse(acme, "customer_tax_location_invalid")
    acme.hear("customer.updated")
    assert acme.resynced == [CYCLE]


def refuse(acme: Customers, code: str) -> None:
    state, version = acme.made.stripe.load(CYCLE)
    events: Any = state.failed(code, "Stripe cannot compute tax")
    acme.made.stripe.append(CYCLE, version, events, "sync")
