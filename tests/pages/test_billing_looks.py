"""The billing pages in a browser: how they look, what they load, and that everybody can use them.

Changes ``sundial`` of the demo.
"""

import re

import pytest
from playwright.sync_api import Page as Window
from playwright.sync_api import Response, expect

from tests.pages.stage import STARRING, Open, Stage

FIRST_LOAD_MAX = 250_000
NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}


def paths(stage: Stage, organization: str) -> dict[str, str]:
    """Every kind of page, by what its picture is called."""
    before, now = stage.wired.books.cycle_names(organization)[-2:]
    root = f"/billing/{organization}"
    return {
        "overview": root,
        "costs": f"{root}/costs",
        "tips": f"{root}/tips",
        "invoices": f"{root}/invoices",
        "invoice": f"{root}/invoices/{before}",
        "story": f"{root}/invoices/{before}/story",
        "changes": f"{root}/invoices/{now}/changes?since=2020-01-01",
        "line": f"{root}/invoices/{before}/lines/usage/net/egress@1/region=fra",
        "alerts": f"{root}/alerts",
        "cases": f"{root}/cases",
        "new-case": f"{root}/cases/new",
        "notices": f"{root}/notices",
    }


def settled(window: Window) -> None:
    """Wait until what the overview loads afterwards is there."""
    expect(window.get_by_role("heading", name="Cost by day")).to_be_visible()
    expect(window.locator(".u-wrap").first).to_be_visible()


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", NARROW)],
    ids=["light and wide", "dark and narrow"],
)
def test_every_page_is_there_for_everybody(
    stage: Stage, open_window: Open, scheme: str, viewport: dict[str, int]
) -> None:
    visit = open_window(color_scheme=scheme, viewport=viewport)
    visit.sign_in(STARRING)
    for name, path in paths(stage, STARRING).items():
        window = visit.go(path)
        if name == "overview":
            settled(window)
        visit.assert_accessible()
        visit.shoot(f"billing-{name}-{scheme}-{viewport['width']}")
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not window.evaluate(wider), f"{name} is wider than the window"


def test_what_staff_see_is_there_for_everybody(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in()
    settled(visit.go("/billing/kite-labs"))
    visit.assert_accessible()


def test_a_line_opens_to_its_arithmetic_with_one_click(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    window = visit.sign_in(STARRING)
    settled(window)

    line = window.locator("details.line").filter(has_text="Bandwidth, region fra")
    line.locator("summary").click()

    expect(line.get_by_role("table")).to_contain_text("Measured: Bandwidth")
    expect(line.get_by_role("link", name="Report a problem with this amount")).to_be_visible()
    visit.assert_accessible()


def test_a_line_opens_by_keyboard(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    window = visit.sign_in(STARRING)
    settled(window)

    line = window.locator("details.line").first
    line.locator("summary").focus()
    window.keyboard.press("Enter")

    expect(line.get_by_role("table")).to_be_visible()


def test_without_scripts_everything_is_a_page_away(stage: Stage, open_window: Open) -> None:
    visit = open_window(java_script_enabled=False)
    window = visit.sign_in(STARRING)

    window.get_by_role("link", name="See the forecast, and costs by day").click()
    expect(window.get_by_role("heading", name="Cost by day")).to_be_visible()
    window.get_by_text("The numbers as a table").click()
    expect(window.get_by_role("table", name="Cost by day")).to_be_visible()

    window = visit.go(f"/billing/{STARRING}")
    window.locator("details.line summary").first.click()
    window.get_by_role("link", name="Show how this amount comes about").first.click()
    expect(window.get_by_role("table").first).to_contain_text("On the invoice")


def test_a_first_visit_loads_little(stage: Stage, open_window: Open) -> None:
    visit, sizes = open_window(), dict[str, int]()

    def add(response: Response) -> None:
        if response.status == 200:
            sizes[response.url] = len(response.body())

    visit.go(stage.link(STARRING))
    visit.page.on("response", add)
    visit.page.get_by_role("button", name="Go on").click()
    settled(visit.page)
    visit.page.wait_for_load_state("networkidle")

    assert len(sizes) > 8, "the page, its files, and its parts"
    assert sum(sizes.values()) < FIRST_LOAD_MAX, sizes


def test_an_alert_from_an_empty_form_to_its_removal(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in("sundial")
    window = visit.go("/billing/sundial/alerts")

    window.get_by_label("Name").fill("Monthly budget")
    window.get_by_role("button", name="Set the alert").click()
    expect(window.get_by_label("Amount (USD)")).to_have_attribute("aria-invalid", "true")
    expect(window.get_by_label("Name")).to_have_value("Monthly budget")
    visit.assert_accessible()
    visit.troubles.clear()  # the browser tells of every 422

    window.get_by_label("Amount (USD)").fill("500")
    window.get_by_role("button", name="Set the alert").click()
    expect(window.get_by_role("status")).to_contain_text("is set")
    visit.shoot("billing-alert-set")
    visit.assert_accessible()

    window.get_by_role("button", name="Remove monthly-budget").click()
    expect(window.get_by_role("status")).to_contain_text("removed")


def test_a_problem_from_the_line_to_its_page(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    window = visit.sign_in("sundial")

    line = window.locator("details.line").first
    line.locator("summary").click()
    line.get_by_role("link", name="Report a problem with this amount").click()
    visit.assert_accessible()
    window.get_by_label("What is wrong?").fill("Why is this so much?")
    window.get_by_role("button", name="Send the report").click()

    expect(window.get_by_role("status")).to_contain_text("We have received your report")
    expect(window.get_by_text("Why is this so much?")).to_be_visible()
    visit.shoot("billing-case")
    visit.assert_accessible()


def test_the_ways_to_the_payment_provider(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    window = visit.sign_in("fjord")

    window.get_by_role("button", name="Pay now").click()
    expect(window.get_by_role("button", name="Pay at Stripe")).to_be_visible()
    visit.shoot("billing-pay")
    visit.assert_accessible()

    window = visit.go("/billing/fjord")
    window.get_by_role("button", name="Open the pages at Stripe").click()
    expect(window.get_by_role("button", name="Go on to Stripe")).to_be_visible()
    visit.assert_accessible()


def test_an_invoice_on_paper(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in(STARRING)
    window = visit.go(paths(stage, STARRING)["invoice"])

    window.emulate_media(media="print")

    expect(window.get_by_role("navigation", name="Billing")).to_be_hidden()
    expect(window.get_by_role("heading", name="Was this bill clear?")).to_be_hidden()
    expect(window.get_by_text("Together")).to_be_visible()
    visit.shoot("billing-paper")


@pytest.mark.parametrize(("scheme", "name"), [("light", "billing"), ("dark", "billing-dark")])
def test_the_picture_in_the_guide(stage: Stage, open_window: Open, scheme: str, name: str) -> None:
    visit = open_window(color_scheme=scheme, viewport={"width": 1100, "height": 1250})
    window = visit.sign_in(STARRING)
    settled(window)

    window.screenshot(path=stage.shots / f"{name}.png")

    assert (stage.shots / f"{name}.png").stat().st_size < 200_000


PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("name", ["invoices", "invoice", "line", "costs"])
def test_on_a_phone_every_amount_of_a_table_is_seen(
    stage: Stage, open_window: Open, name: str
) -> None:
    visit = open_window(viewport=PHONE)
    visit.sign_in(STARRING)
    window = visit.go(paths(stage, STARRING)[name])
    if name == "costs":
        window.get_by_text("The numbers as a table").click()
    if name == "invoice":
        line = window.locator("details.line").filter(has_text="CPU hours, region fra")
        line.locator("summary").click()
        expect(line.get_by_role("table")).to_contain_text("On the invoice")

    seen = window.locator("table td.number:visible, table .badge:visible").all()
    assert seen
    for cell in seen:
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"], cell.inner_text()
    visit.shoot(f"billing-{name}-phone")
    visit.assert_accessible()


def test_on_a_phone_every_tab_is_seen_and_its_focus_is_whole(
    stage: Stage, open_window: Open
) -> None:
    visit = open_window(viewport=PHONE)
    window = visit.sign_in(STARRING)

    for tab in window.get_by_role("navigation", name="Billing").get_by_role("link").all():
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"], tab.inner_text()

    window.get_by_role("link", name="Notices").first.focus()
    window.keyboard.press("Shift+Tab")
    style = "getComputedStyle(document.activeElement)"
    assert window.evaluate("document.activeElement.innerText") == "Problems"
    assert window.evaluate(f"{style}.outlineStyle") == "solid"
    assert window.evaluate(f"{style}.outlineOffset") == "-2px", "inside, so nothing cuts it"
    assert window.evaluate(f"{style}.transitionDuration") in ("0s", "")
    visit.shoot("billing-tabs-phone")


def test_a_charts_legend_says_what_is_what_before_anybody_points(
    stage: Stage, open_window: Open
) -> None:
    window = open_window().sign_in(STARRING)
    settled(window)

    legend = window.locator(".u-legend").first

    expect(legend).to_contain_text("So far")
    assert "–" not in legend.inner_text()
    markers = [
        legend.locator(".u-series", has_text=name)
        .locator(".u-marker")
        .evaluate("each => [each.style.borderStyle, getComputedStyle(each).backgroundColor]")
        for name in ("So far", "Expected")
    ]
    assert markers[0] != markers[1]
    assert markers[1][0] == "dashed"


def test_a_chart_names_days_as_the_page_does(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    window = visit.sign_in(STARRING)
    settled(window)
    chart = window.locator(".u-over").first

    chart.hover()

    legend = window.locator(".u-legend").first
    expect(legend.locator(".u-value").first).to_have_text(re.compile(r"^\d+ [A-Z][a-z]{2,3}$"))
    expect(legend).to_contain_text("USD")
    visit.shoot("billing-chart")
