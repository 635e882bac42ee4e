"""Over HTTP and on the command line: the customer portal, an invoice's pages, the customer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stripe import StripeClient

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.settings import Settings
from api.wiring import Wired, wire
from tests.api.conftest import CYCLE, Caller

BACK = {"return_url": "https://app.acme.example/billing"}
PORTAL = "/v1/organizations/acme/portal-sessions"
CUSTOMER = "/v1/organizations/acme/stripe-customer"


@pytest.fixture
def client() -> StripeClient:
    """What somebody else does at Stripe."""
    return stripe_client("sk_test_sandbox", http_client=InProcess(create_sandbox(Ledger())))


@pytest.fixture
def wired(database_url: str, client: StripeClient) -> Iterator[Wired]:
    settings = Settings.from_environment({"DATABASE_URL": database_url, "THREADS": "2"})
    with wire(settings, database_url, StripeGateway(client)) as wired:
        yield wired


@pytest.fixture
def customer(client: StripeClient) -> str:
    """A customer that somebody made at Stripe."""
    return client.v1.customers.create({"name": "Acme"}).id


def test_a_portal_session_is_opened_for_a_customer_that_exists(
    wired: Wired, admin: Caller, acme: str, customer: str
) -> None:
    refused = admin("POST", PORTAL, BACK)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_stripe_customer")
    linked = admin("POST", CUSTOMER, {"customer": customer})
    assert linked.get_json() == {"organization": "acme", "customer": customer, "former": None}
    opened = admin("POST", PORTAL, BACK).get_json()
    assert opened["url"].startswith("https://billing.stripe.com/")
    assert [each.cycle for each in wired.sync_queue.list()] == [CYCLE]


def test_customers_open_their_own_portal_and_no_other(
    caller: Callable[..., Caller], admin: Caller, acme: str, customer: str
) -> None:
    admin("POST", CUSTOMER, {"customer": customer})
    mine, other = caller("organization", "acme"), caller("organization", "globex")
    assert mine("POST", PORTAL, BACK).status_code == 200
    assert other("POST", PORTAL, BACK).status_code == 404
    assert mine("POST", CUSTOMER, {"customer": "cus_1"}).status_code == 403


@pytest.mark.parametrize("body", [{}, {"return_url": "javascript:1"}, {"return_url": 5}])
def test_a_way_back_that_cannot_be_used_names_the_field(
    admin: Caller, acme: str, body: dict[str, Any]
) -> None:
    refused = admin("POST", PORTAL, body)
    assert refused.status_code == 422
    assert "return_url" in refused.get_data(as_text=True)


def test_a_customer_that_is_not_there_is_told_so(admin: Caller, acme: str) -> None:
    refused = admin("POST", CUSTOMER, {"customer": "cus_nobody"})
    assert refused.status_code == 404
    assert "same account and mode" in refused.get_json()["detail"]


def test_a_draft_has_no_links_yet(admin: Caller, acme: str) -> None:
    assert admin("GET", f"/v1/invoices/{CYCLE}/links").status_code == 404
