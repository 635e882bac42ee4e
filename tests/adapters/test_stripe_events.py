"""Stripe's list of events: every page of it, only what matters here, and nothing half read."""

from datetime import timedelta

import pytest

from adapters.stripe.events import TYPES
from domain.errors import GatewayBusy, GatewayUnavailable
from tests.adapters.test_stripe_listing import START, Account


@pytest.fixture
def account() -> Account:
    return Account()


def test_every_event_is_read_newest_first_a_hundred_a_read(account: Account) -> None:
    made = account.makes(120, every=timedelta(seconds=1))
    pages = list(account.gateway.events.happened(START))
    assert [len(page) for page in pages] == [100, 20]
    heard = [each for page in pages for each in page]
    assert [each.message.object_id for each in heard] == made[::-1]
    assert heard[-1].created == START
    assert {each.message.type for each in heard} == {"invoice.created"}


def test_only_what_happened_since_and_only_what_leads_to_something(account: Account) -> None:
    account.makes(3)
    account.client.v1.products.create({"name": "none of ours"})
    (page,) = account.gateway.events.happened(START + timedelta(hours=2))
    assert len(page) == 1
    assert account.http.asked[-1].count("types") == len(TYPES) == 20


def test_an_event_says_what_we_wrote_at_its_object(account: Account) -> None:
    marks = {"metadata": {"organization": "acme"}}
    account.client.v1.customers.update(account.customer, marks)  # type: ignore[arg-type]
    (page,) = account.gateway.events.happened(START)
    (message,) = [each.message for each in page]
    assert (message.type, message.organization, message.cycle) == ("customer.updated", "acme", None)
    account.client.v1.invoices.create(
        {"customer": account.customer, "metadata": {"cycle_id": "acme.2026-01-01"}}
    )
    (page,) = account.gateway.events.happened(START)
    assert page[0].message.cycle == "acme.2026-01-01"
    assert page[0].message.id.encode() in page[0].payload


@pytest.mark.parametrize(
    "replaced",
    [
        pytest.param(('"has_more": false', '"has_more": true'), id="there is more, and it ends"),
        pytest.param(('"has_more": false', '"has_more": null'), id="whether there is more"),
        pytest.param(('"type": "invoice.created"', '"type": null'), id="no kind"),
        pytest.param(('"data": [', '"date": ['), id="no rows"),
    ],
)
def test_what_cannot_be_right_is_refused(account: Account, replaced: tuple[str, str]) -> None:
    account.makes(1)
    account.http.replace = replaced
    with pytest.raises(GatewayUnavailable):
        list(account.gateway.events.happened(START))


def test_trouble_on_the_second_page_is_told(account: Account) -> None:
    account.makes(101, every=timedelta(0))
    account.sandbox.faults.add("rate_limit", method="GET", path="/v1/events", skip=1)
    with pytest.raises(GatewayBusy):
        list(account.gateway.events.happened(START))


def test_refunds_and_disputes_are_messages_once_for_each_state(account: Account) -> None:
    draft = account.client.v1.invoices.create({"customer": account.customer})
    board = account.sandbox.dashboard
    board.add_line(draft.id, 500, "something")
    board.act(draft.id, "pay")
    refund = board.refund(draft.id, 100)["id"]
    dispute = board.dispute(draft.id, 100)["id"]
    told = [account.gateway.events.given_back(START) for _ in range(2)]
    first, second = ([each.message for page in pages for each in page] for pages in told)
    assert first == second
    assert [(each.type, each.object_id) for each in first] == [
        ("refund.listed", refund),
        ("charge.dispute.listed", dispute),
    ]
    board.fail_refund(refund)
    (after, *_) = [
        each.message for page in account.gateway.events.given_back(START) for each in page
    ]
    assert after.id != first[0].id
    invoices = {account.gateway.invoice_of(each.type, each.object_id) for each in first}
    assert invoices == {draft.id}
