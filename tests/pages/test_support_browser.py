"""The support console in a browser: the slider, forms, keyboard, light and dark, wide and narrow.

Mutates organizations of its own, all called ``win-...``.
"""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.pages.staff import call, current, project, registered
from tests.pages.stage import STARRING, Open, Stage, Visit

NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def waiting(stage: Stage) -> str:
    """An organization with a case on an item, whose invoice changed since."""
    organization = registered(stage, "win-case", "Window & Sons")
    path = f"/v1/organizations/{organization}"
    item = {"item": "i1", "description": "Set-up", "amount": 12_000, "currency": "usd"}
    call(stage, "POST", f"{path}/items", {**item, "reason": "agreed in the order form"})
    cycle = current(stage, organization)
    text = "The set-up was to be free.\nPlease look at our order."
    case = {"case": "free-set-up", "text": text, "cycle": cycle, "line": "item/i1"}
    call(stage, "POST", f"{path}/cases", case)
    more = {"item": "i2", "description": "Training", "amount": 4_000, "currency": "usd"}
    call(stage, "POST", f"{path}/items", {**more, "reason": "booked by e-mail"})
    inside = {"text": "Sales did promise it.", "visibility": "internal"}
    call(stage, "POST", f"/v1/cases/{organization}.free-set-up/comment", inside)
    project(stage)
    return organization


def _slide(page: Page, step: int) -> None:
    """Move the slider as a hand would, and wait for the answer."""
    with page.expect_response(lambda answer: f"step={step}" in answer.url):
        page.get_by_role("slider").fill(str(step))


def test_the_slider_goes_back_and_forth(stage: Stage, open_window: Open) -> None:
    cycle = current(stage, STARRING)
    visit = open_window()
    visit.sign_in()
    page = visit.go(f"/support/invoices/{cycle}")
    total = f"{stage.wired.invoices.get(cycle).total / 100:,.2f} USD"
    slider = page.get_by_role("slider")
    last = slider.get_attribute("max")
    assert last

    expect(page.get_by_role("columnheader", name="Then")).to_have_count(0)
    _slide(page, 0)
    expect(page.get_by_role("columnheader", name="Then")).to_be_visible()
    expect(page.locator("#replay")).to_contain_text("what we knew by then")
    with page.expect_response(lambda answer: "clock=happened" in answer.url):
        page.get_by_label("What had happened by then").check()
    expect(page.locator("#replay")).to_contain_text("what had happened by then")
    visit.assert_accessible()
    _slide(page, int(last))
    expect(page.get_by_role("columnheader", name="Then")).to_have_count(0)
    expect(page.locator("#replay tfoot")).to_contain_text(total)
    assert page.evaluate("document.querySelectorAll('#replay').length") == 1


def test_the_slider_moves_by_keys(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in()
    page = visit.go(f"/support/invoices/{current(stage, STARRING)}")

    page.get_by_role("slider").focus()
    with page.expect_response(lambda answer: "step=" in answer.url):
        page.keyboard.press("ArrowLeft")

    expect(page.get_by_role("columnheader", name="Then")).to_be_visible()
    expect(page.get_by_role("slider")).to_be_focused()


def test_the_slider_works_without_scripts(stage: Stage, open_window: Open) -> None:
    visit = open_window(java_script_enabled=False)
    visit.sign_in()
    page = visit.go(f"/support/invoices/{current(stage, STARRING)}")

    page.get_by_role("slider").fill("0")
    page.get_by_role("button", name="Show").first.click()

    assert "step=0" in page.url
    expect(page.get_by_role("columnheader", name="Then")).to_be_visible()


def test_a_credit_is_granted_by_hand(stage: Stage, open_window: Open) -> None:
    organization = registered(stage, "win-credit")
    visit = open_window()
    visit.sign_in()
    page = visit.go(f"/support/organizations/{organization}")

    page.get_by_role("button", name="Grant a credit").click()
    page.get_by_label("Amount (USD)").fill("12,50")
    page.get_by_label("Reason").fill("An outage")
    page.get_by_role("button", name="Look at the effect").click()
    expect(page.get_by_label("Amount (USD)")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Reason")).to_have_value("An outage")
    visit.assert_accessible()
    visit.troubles.clear()  # the browser tells of every 422
    page.get_by_label("Amount (USD)").fill("12.50")
    page.get_by_role("button", name="Look at the effect").click()
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    visit.assert_accessible()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.method))
    page.get_by_role("button", name="Do it").dblclick()

    expect(page.get_by_role("status")).to_contain_text("Grant a credit: done.")
    assert [each.amount for each in stage.wired.holdings.credits(organization)] == [1_250]
    assert sent.count("POST") == 1


def test_what_they_saw_is_one_click_from_their_case(open_window: Open, waiting: str) -> None:
    visit = open_window()
    visit.sign_in()
    page = visit.go("/support/cases")

    page.get_by_role("link", name=f"{waiting}.free-set-up").click()
    expect(page.get_by_text("only support sees this")).to_be_visible()
    visit.shoot("support-case")
    page.get_by_role("button", name="The very screen they saw").click()

    expect(page.locator("#replay")).to_contain_text("added, +40.00 USD")
    page.get_by_role("link", name="Why did it change since?").click()
    expect(page.get_by_text("The causes add up to +40.00 USD")).to_be_visible()


PAGES = {
    "desk": "/support?q=acme",
    "organization": f"/support/organizations/{STARRING}",
    "usage": f"/support/organizations/{STARRING}/usage?meter=egress_gb",
    "notices": f"/support/organizations/{STARRING}/notices",
    "invoice": "/support/invoices/CYCLE",
    "invoice-then": "/support/invoices/CYCLE?step=6",
    "story": "/support/invoices/CYCLE/story",
    "diff": "/support/invoices/CYCLE/diff?from=2026-01-01T00:00:00Z",
    "line": "/support/invoices/CYCLE/lines/usage%2Fnet%2Fegress%401%2Fregion%3Dfra",
    "line-then": "/support/invoices/CYCLE/lines/usage%2Fnet%2Fegress%401%2Fregion%3Dfra?as_of=NOW",
    "plan": "/support/invoices/CYCLE/stripe",
    "form": f"/support/organizations/{STARRING}/do/item",
    "refused": f"/support/organizations/{STARRING}/do/attach",
    "amounts": "/support/invoices/FIRST/do/credit-note",
    "issued": "/support/invoices/FIRST",
    "cases": "/support/cases",
    "case": "/support/cases/win-case.free-set-up",
    "quarantine": "/support/quarantine",
    "discrepancies": "/support/discrepancies",
    "requests": "/support/change-requests",
    "feedback": "/support/feedback?show=all",
}


def _go(visit: Visit, name: str) -> Page:
    stage = visit.stage
    first = stage.wired.books.cycle_names(STARRING)[0]
    path = PAGES[name].replace("CYCLE", current(stage, STARRING)).replace("FIRST", first)
    return visit.go(path.replace("NOW", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everybody(open_window: Open, waiting: str, scheme: str) -> None:
    visit = open_window(color_scheme=scheme)
    visit.sign_in()
    for name in PAGES:
        page = _go(visit, name)
        visit.shoot(f"support-{name}-{scheme}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        visit.assert_accessible()


def test_pages_fit_into_a_narrow_window(open_window: Open, waiting: str) -> None:
    visit = open_window(viewport=NARROW)
    visit.sign_in()
    for name in PAGES:
        page = _go(visit, name)
        visit.shoot(f"support-{name}-narrow")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"], f"{name} is {wide} wide"


def test_everything_is_reached_by_keys(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in()
    page = visit.go(f"/support/organizations/{STARRING}/do/credit")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for name in (None, "credit", "amount", "expires_at", "reason"):
        page.keyboard.press("Tab")
        if name:
            expect(page.locator(f"#field-{name}")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=re.compile("effect"))).to_be_focused()
