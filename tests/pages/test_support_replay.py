"""A replay of the quarantine at the console: the effect first, in a window."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.pages.staff import call, current, registered
from tests.pages.stage import Open, Stage

PRICE = {
    "price": "win-tape",
    "currency": "usd",
    "kind": "metered",
    "meter": "win_tape",
    "model": "per_unit",
    "unit_amount": "250",
}


@pytest.fixture(scope="module")
def waiting(stage: Stage) -> str:
    """Usage came before its meter was defined and sold: the organization it is of."""
    who = registered(stage, "win-replay")
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    record = {"source": "tapes", "organization": who, "meter": "win_tape", "attachment": "t1"}
    sent = [{**record, "id": f"tape-{n}", "value": "2", "occurred_at": at} for n in (1, 2)]
    call(stage, "POST", "/v1/usage", sent)
    call(stage, "PUT", "/v1/meters/win_tape", {"aggregation": "sum", "unit": "tape"})
    call(stage, "POST", "/v1/prices", PRICE)
    call(stage, "PUT", "/v1/services/win-tape", {"name": "Tapes", "prices": ["win-tape"]})
    begun = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    attach = {"attachment": "t1", "service": "win-tape", "at": begun}
    call(stage, "POST", f"/v1/organizations/{who}/attachments", attach)
    return who


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_effect_is_looked_at_and_then_it_is_done(
    stage: Stage, open_window: Open, waiting: str, scheme: str
) -> None:
    visit = open_window(color_scheme=scheme)
    visit.sign_in()
    page = visit.go("/support/quarantine")
    for number in (1, 2):
        page.get_by_role("checkbox", name=f"Choose record tape-{number}", exact=True).check()
    page.get_by_label("Reason").fill("tapes are sold now")
    page.get_by_role("button", name="Look at the effect").click()

    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    expect(page.locator(".effect")).to_contain_text("+10.00 USD")
    expect(page.locator(".effect")).to_contain_text("4 tapes")
    visit.assert_accessible()
    visit.shoot(f"support-replay-{scheme}")
    before = stage.wired.invoices.get(current(stage, waiting)).invoice.subtotal
    if scheme == "dark":
        page.get_by_role("button", name="Yes, replay").click()
        expect(page.get_by_role("status")).to_contain_text("2 usage records recorded")
        after = stage.wired.invoices.get(current(stage, waiting)).invoice.subtotal
        assert (before, after) == (0, 1_000)
