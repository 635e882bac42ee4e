"""The Stripe adapter, through the real SDK over HTTP, against a sandbox server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from adapters.sandbox.server import SandboxServer
from adapters.stripe.gateway import StripeGateway, stripe_client
from application.gateway import Collection, Draft, StripeCall, StripeCustomer, StripeRequest
from domain.errors import GatewayBusy, GatewayMisconfigured, GatewayRejected, GatewayUnavailable
from projections.change_set import AddLine
from projections.remote_invoice import Marks
from tests.stripe_memory import CYCLE, JANUARY, line

MARKS = Marks(cycle=CYCLE, revision=1, plan=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    server = SandboxServer("127.0.0.1", 0, tmp_path)
    running = Thread(target=server.run, daemon=True)
    running.start()
    yield server
    server.stop()
    running.join(10)


@pytest.fixture
def gateway(server: SandboxServer) -> StripeGateway:
    return StripeGateway(stripe_client("sk_test_x", base=server.url, timeout_s=(1, 1)))


def call(request: StripeRequest, key: str) -> StripeCall:
    return StripeCall(
        key=key, method=request.method, endpoint=request.endpoint, parameters=request.parameters
    )


def made(gateway: StripeGateway, request: StripeRequest, key: str) -> str:
    answer = gateway.send(call(request, key))
    assert answer.status == 200, answer
    return answer.reference or ""


def draft(gateway: StripeGateway, lines: int = 0) -> str:
    customer = made(gateway, gateway.new_customer(StripeCustomer(organization="acme")), "k-c")
    opened = Draft(customer=customer, currency="usd", collection=Collection(), marks=MARKS)
    invoice = made(gateway, gateway.new_draft(opened), "k-i")
    if lines:
        added = [AddLine(line=line(f"usage/ä&b={n}", n - 20)) for n in range(lines)]
        made(gateway, gateway.change_lines(invoice, added, MARKS), "k-l")
    return invoice


def test_every_line_is_read_whatever_their_number(gateway: StripeGateway) -> None:
    invoice = draft(gateway, lines=230)
    glance = gateway.glance(invoice)
    assert glance and not glance.complete and glance.line_count == 230
    seen = gateway.complete(glance)
    assert len(seen.lines) == 230 and seen.complete
    one = seen.lines["usage/ä&b=7"]
    assert (one.amount, one.period, one.description) == (-13, JANUARY, "Line usage/ä&b=7")


def test_an_invoice_is_found_by_our_id(gateway: StripeGateway) -> None:
    invoice = draft(gateway)
    glance = gateway.glance(invoice)
    assert glance
    assert [each.id for each in gateway.find(glance.customer, CYCLE)] == [invoice]
    assert gateway.find(glance.customer, "acme.2026-02-01") == ()
    assert glance.marks == MARKS


def test_a_customer_is_found_by_our_id(gateway: StripeGateway) -> None:
    customer = made(gateway, gateway.new_customer(StripeCustomer(organization="acme")), "k")
    since = datetime(2020, 1, 1, tzinfo=UTC)
    assert gateway.find_customer("acme", since) == customer
    assert gateway.find_customer("other", since) is None


def test_what_is_gone_is_none(gateway: StripeGateway) -> None:
    assert gateway.glance("in_nowhere") is None


def test_the_same_call_again_does_nothing_again(gateway: StripeGateway) -> None:
    request = gateway.new_customer(StripeCustomer(organization="acme"))
    assert made(gateway, request, "k1") == made(gateway, request, "k1")
    assert made(gateway, request, "k2") != made(gateway, request, "k1")


def test_a_key_with_another_content_is_refused_for_good(gateway: StripeGateway) -> None:
    made(gateway, gateway.new_customer(StripeCustomer(organization="acme")), "k1")
    answer = gateway.send(call(gateway.new_customer(StripeCustomer(organization="zeta")), "k1"))
    assert answer.status == 400 and "same parameters" in (answer.message or "")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", GatewayBusy),
        ("lock_timeout", GatewayBusy),
        ("error_before", GatewayUnavailable),
        ("dropped", GatewayUnavailable),
        ("cut", GatewayUnavailable),
        ("bad_json", GatewayUnavailable),
        ("error_after", GatewayUnavailable),
        ("lost_response", GatewayUnavailable),
    ],
)
def test_an_outcome_that_is_open_is_not_an_answer(
    server: SandboxServer, gateway: StripeGateway, fault: str, error: type[Exception]
) -> None:
    server.sandbox.faults.add(fault)
    customer = call(gateway.new_customer(StripeCustomer(organization="acme")), "k1")
    with pytest.raises(error):
        gateway.send(customer)
    expected = 500 if fault == "error_after" else 200
    assert gateway.send(customer).status == expected
    assert len(server.sandbox.world.ledger.every("customer")) == 1


def test_a_call_still_running_is_busy_until_it_is_done(
    server: SandboxServer, gateway: StripeGateway
) -> None:
    server.sandbox.faults.add("hang", seconds=2)
    customer = call(gateway.new_customer(StripeCustomer(organization="acme")), "k1")
    with pytest.raises(GatewayUnavailable):
        gateway.send(customer)
    with pytest.raises(GatewayBusy):
        gateway.send(customer)


def test_a_refusal_is_an_answer_with_its_reason(gateway: StripeGateway) -> None:
    answer = gateway.send(call(gateway.void("in_nowhere"), "k1"))
    assert (answer.status, answer.code) == (404, "resource_missing")
    assert answer.message == "No such invoice: 'in_nowhere'"


def test_a_key_stripe_does_not_know_is_ours_to_mend(server: SandboxServer) -> None:
    gateway = StripeGateway(stripe_client("nonsense", base=server.url))
    with pytest.raises(GatewayMisconfigured, match="set STRIPE_API_KEY"):
        gateway.glance("in_1")


def test_nobody_there_is_unavailable() -> None:
    gateway = StripeGateway(stripe_client("sk_test_x", base="http://127.0.0.1:9"))
    with pytest.raises(GatewayUnavailable):
        gateway.glance("in_1")


def test_a_portal_link_is_made_for_a_customer(gateway: StripeGateway) -> None:
    customer = made(gateway, gateway.new_customer(StripeCustomer(organization="acme")), "k")
    assert gateway.portal_url(customer, "https://a.example").startswith("https://billing.stripe")
    with pytest.raises(GatewayRejected):
        gateway.portal_url("cus_nowhere", "https://a.example")
