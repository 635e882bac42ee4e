"""What Stripe's catalogue has is asked once for all processes, until something is gone from it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.postgres.database import Database
from adapters.postgres.products import PostgresProducts
from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from application.gateway import StripeCall
from domain.invoice import Sold

SEAT = Sold(product="seat", name="Seat", currency="usd")


class Processes:
    """Gateways of several processes to one Stripe."""

    def __init__(self, database: Database) -> None:
        app = create_sandbox(Ledger(), clock=lambda: 1_767_225_600)
        self._sandbox: Sandbox = app.extensions["sandbox"]
        self.client = stripe_client("sk_test_sandbox", http_client=InProcess(app))
        self.one, self.two = (
            StripeGateway(self.client, PostgresProducts(database)) for _ in range(2)
        )

    def asked(self) -> int:
        """How often a product was read since the last time."""
        calls = self._sandbox.transport.calls
        found = [each for each in calls if each["method"] == "GET"]
        calls.clear()
        return len(found)


@pytest.fixture
def stripe(each_database_url: str) -> Iterator[Processes]:
    with closing(Database(each_database_url, size=2)) as database:
        yield Processes(database)


def make(gateway: StripeGateway) -> None:
    request = gateway.new_product(SEAT)
    gateway.send(
        StripeCall(
            key="k1",
            method=request.method,
            endpoint=request.endpoint,
            parameters=request.parameters,
        )
    )


def test_what_one_process_made_another_knows(stripe: Processes) -> None:
    assert not stripe.one.has_product(SEAT, ask=False)
    make(stripe.one)
    assert stripe.two.has_product(SEAT)
    assert stripe.asked() == 0


def test_what_somebody_else_made_is_found_by_asking_once(stripe: Processes) -> None:
    stripe.client.v1.products.create({"id": "cyclebook_seat", "name": "Seat"})
    assert not stripe.one.has_product(SEAT, ask=False)
    assert stripe.asked() == 0
    assert stripe.one.has_product(SEAT)
    assert stripe.two.has_product(SEAT, ask=False)
    assert stripe.asked() == 1


def test_after_a_call_that_met_something_gone_all_are_asked_for_again(stripe: Processes) -> None:
    make(stripe.one)
    gone = StripeCall(key="k2", method="post", endpoint="/v1/invoices/in_gone", parameters={})
    assert stripe.one.send(gone).code == "resource_missing"
    assert not stripe.two.has_product(SEAT, ask=False)
    assert stripe.two.has_product(SEAT)
