"""The billing page: what it says of each state an organization can be in, and to whom.

Lets a payment of ``blue-bottle`` of the demo fail. Makes ``fresh-pay``, ``gone``, ``fresh``,
``idle`` and ``taxed``.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.app import create_app
from api.demo.client import Client
from api.instants import format_instant
from application.inbox import Message
from tests.pages.customers import Desk, Page, send
from tests.pages.stage import STARRING, Stage
from tests.pages.test_billing_visitors import OF_AN_INVOICE, PAGES


def read(stage: Stage, path: str, organization: str = STARRING) -> Page:
    response = stage.client(organization).get(path)
    assert response.status_code == 200, response.text
    return Page(response.text)


def test_billing_begins_at_ones_own_organization(stage: Stage) -> None:
    assert stage.client(STARRING).get("/billing").headers["Location"] == f"/billing/{STARRING}"
    assert stage.client().get("/billing").headers["Location"] == "/support"


def test_what_has_come_together_and_what_the_bill_will_be(stage: Stage) -> None:
    view = stage.wired.invoices.current(STARRING).invoice
    text = read(stage, f"/billing/{STARRING}").text

    assert f"So far {view.accrued / 100:,.2f} USD" in text
    assert f"The bill {view.total / 100:,.2f} USD" in text
    assert "and charge your payment method then" in text


@pytest.mark.parametrize(
    ("organization", "words"),
    [
        pytest.param("kite-labs", "it is due about", id="by transfer"),
        pytest.param("fjord", "15.00 EUR", id="a credit note"),
        pytest.param("quito-pay", "We are checking it", id="a held invoice"),
        pytest.param("quito-pay", "Not issued yet", id="a period that is over"),
        pytest.param("sakura", "JPY", id="without decimals"),
        pytest.param("tiny", "Your credit", id="a credit"),
    ],
)
def test_each_state_is_told(stage: Stage, organization: str, words: str) -> None:
    assert words in read(stage, f"/billing/{organization}", organization).text


def test_a_brand_new_organization(stage: Stage) -> None:
    Desk(stage).register("fresh")

    page = read(stage, "/billing/fresh", "fresh")

    assert "Nothing runs yet" in page.text
    assert "Where it is going" not in page.text
    for path in PAGES:
        read(stage, f"/billing/fresh{path}", "fresh")


def test_a_service_that_costs_nothing_yet_runs(stage: Stage) -> None:
    desk = Desk(stage)
    cycle = desk.register("idle")
    desk("PUT", "/meters/idle_hours", {"unit": "hour"})
    terms = {"price": "idle-hours", "currency": "usd", "kind": "metered", "meter": "idle_hours"}
    desk("POST", "/prices", {**terms, "model": "per_unit", "unit_amount": "2"})
    desk("PUT", "/services/idle", {"name": "Idle", "prices": ["idle-hours"]})
    desk("POST", "/organizations/idle/attachments", {"attachment": "i1", "service": "idle"})

    assert "Nothing runs yet" not in read(stage, "/billing/idle", "idle").text
    assert (
        "nothing on this invoice yet" in read(stage, f"/billing/idle/invoices/{cycle}", "idle").text
    )


def test_a_closed_organization_keeps_its_invoices(stage: Stage) -> None:
    desk = Desk(stage)
    desk.register("gone", policies={"grace_s": 0})
    desk("POST", "/organizations/gone/close", {"reason": "left"})
    stage.wired.closing.advance("gone", datetime.now(UTC) + timedelta(seconds=2), "test")
    desk.settle()

    page = read(stage, "/billing/gone", "gone")

    assert "This account is closed" in page.text
    for path in ("/invoices", "/alerts", "/cases", "/notices"):
        read(stage, f"/billing/gone{path}", "gone")


def test_tax_is_told_before_it_is_known(stage: Stage) -> None:
    Desk(stage).register("taxed", policies={"automatic_tax": True})

    assert "plus tax, which is computed when" in read(stage, "/billing/taxed", "taxed").text


def test_every_page_of_every_organization_is_there(stage: Stage) -> None:
    for organization in ("acme", "fjord", "quito-pay", "sakura", "blue-bottle"):
        client = stage.client(organization)
        cycles = stage.wired.books.cycle_names(organization)
        of_invoices = [f"/invoices/{each}{path}" for each in cycles for path in OF_AN_INVOICE]
        for path in [*PAGES, *of_invoices]:
            response = client.get(f"/billing/{organization}{path}")
            assert response.status_code == 200, (organization, path)


def test_a_line_leads_to_its_usage_records_in_pages(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]
    path = f"/billing/{STARRING}/invoices/{cycle}/lines/usage/net/egress@1/region=fra"

    page = read(stage, path)
    more = [link for link in page.links() if "?after=" in link]
    rest = read(stage, more[0]) if more else page

    assert "Measured: Bandwidth" in page.text
    assert "Reported by" in rest.text
    assert "fra-meter" in rest.text


def test_a_part_of_a_page_is_answered_where_a_script_asks(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]
    path = f"/billing/{STARRING}/invoices/{cycle}/lines/fee/db/database@1"

    part = stage.client(STARRING).get(path, headers={"HX-Request": "true"})

    assert "<html" not in part.text
    assert "On the invoice" in part.text


def test_a_part_that_cannot_be_shown_says_why_in_its_place(stage: Stage) -> None:
    path = f"/billing/{STARRING}/costs?cycle=acme.2020-01-01"

    part = stage.client(STARRING).get(path, headers={"HX-Request": "true"})

    assert part.status_code == 404
    assert "<html" not in part.text
    assert "We cannot find this." in part.text


def test_a_part_asked_for_after_the_session_has_the_window_sign_in(stage: Stage) -> None:
    window = f"{stage.base}/billing/{STARRING}/invoices"
    asked = {"HX-Request": "true", "HX-Current-URL": window}

    part = stage.app.test_client().get(f"/billing/{STARRING}/costs", headers=asked)

    assert part.headers["HX-Redirect"] == f"/sign-in?next=%2Fbilling%2F{STARRING}%2Finvoices"
    assert part.text == ""


def test_why_it_changed_adds_up(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[-1]
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()

    text = read(stage, f"/billing/{STARRING}/invoices/{cycle}/changes?since={day}").text

    assert "At the beginning of that day 0.00 USD" in text
    assert "Usage of an earlier period that came late" in text
    assert "cycle before" not in text


@pytest.mark.parametrize("since", ["yesterday", "2999-01-01", "2026-02-30"])
def test_a_day_that_cannot_be_is_refused_beside_its_field(stage: Stage, since: str) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[-1]

    text = read(stage, f"/billing/{STARRING}/invoices/{cycle}/changes?since={since}").text

    assert "Choose a day" in text


def test_the_payment_provider_is_asked_on_a_click_alone(stage: Stage) -> None:
    """A customer without a payment account is told so in words for people."""
    client = stage.client("fresh-pay")
    Desk(stage).register("fresh-pay")

    refused = send(client, "/billing/fresh-pay/portal")

    assert refused.status_code == 409
    assert "There are no payment details of yours yet" in Page(refused.text).text
    assert "Stripe" not in Page(refused.text).text


def test_why_a_payment_failed_and_when_it_is_tried_again(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names("blue-bottle")[0]
    invoice = stage.wired.invoices.get(cycle).stripe.invoice
    assert invoice is not None
    with Client(stage.wired.settings.stripe_api_base or "", "") as sandbox:
        declined = {"message": "Your card has expired.", "retry_in_s": 86_400}
        sandbox("POST", f"/_sandbox/invoices/{invoice}/decline", declined)
    heard = Message(
        id="evt_declined", type="invoice.payment_failed", object_id=invoice, cycle=cycle
    )
    stage.wired.inbox.accept(heard, b"{}")
    stage.wired.inbox.handle(heard.id, datetime.now(UTC))
    Desk(stage).settle()

    for path in ("/billing/blue-bottle", f"/billing/blue-bottle/invoices/{cycle}"):
        text = read(stage, path, "blue-bottle").text
        assert "The payment did not go through: Your card has expired." in text
        assert "We try again on" in text
    assert "Pay now" in read(stage, "/billing/blue-bottle", "blue-bottle").text


def test_without_a_payment_provider_nothing_leads_to_one(stage: Stage) -> None:
    settings = replace(stage.wired.settings, processor="journal", stripe_api_key=None)
    client = create_app(replace(stage.wired, settings=settings)).test_client()
    client.post(stage.link("fjord"))

    text = Page(client.get("/billing/fjord").text).text

    assert "To be paid" in text
    assert "Pay now" not in text
    assert "Stripe" not in text
    assert "payment provider" not in text


def test_what_came_late_leads_to_the_invoice_that_bills_it(stage: Stage) -> None:
    before, now_ = stage.wired.books.cycle_names(STARRING)[-2:]

    page = read(stage, f"/billing/{STARRING}/invoices/{before}")
    assert "became known after it was settled. It is on the invoice for 1" in page.text
    assert f"/billing/{STARRING}/invoices/{now_}" in page.links()
    after = read(stage, f"/billing/{STARRING}/invoices/{now_}").text
    assert "From the period that began on 1" in after


def test_the_portal_and_the_invoices_links_open_on_a_click(stage: Stage) -> None:
    client, cycle = stage.client("fjord"), stage.wired.books.cycle_names("fjord")[0]

    portal = send(client, "/billing/fjord/portal")
    links = send(client, f"/billing/fjord/invoices/{cycle}/links")

    assert any("http" in link for link in Page(portal.text).links())
    assert "Pay at Stripe" in Page(links.text).text
    assert "Download the PDF" in Page(links.text).text
    for page in (portal, links):
        assert "This is a sandbox: the pages at Stripe do not exist." in Page(page.text).text


def test_what_was_on_the_screen_is_in_the_way_to_report_it(stage: Stage) -> None:
    view = stage.wired.invoices.current(STARRING).invoice
    links = [each for each in read(stage, f"/billing/{STARRING}").links() if "cases/new" in each]

    assert links
    assert all("known_at=" in each and view.invoice.cycle in each for each in links)
    assert format_instant(view.known_at)[:4] in links[0]


def test_what_is_wrong_at_the_provider_is_ours_to_mend(stage: Stage) -> None:
    with Client(stage.wired.settings.stripe_api_base or "", "") as sandbox:
        sandbox("POST", "/_sandbox/faults", {"fault": "forbidden", "path": "billing_portal"})

    refused = send(stage.client("fjord"), "/billing/fjord/portal")

    text = Page(refused.text).text
    assert refused.status_code == 503
    assert "Something on our side needs a person" in text
    assert "Stripe" not in text
