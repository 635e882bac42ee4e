"""The billing page for staff and for those who make addresses and forms up.

Makes ``made-up``.
"""

import pytest

from tests.pages.customers import Desk, Page, send
from tests.pages.stage import STARRING, Stage

PAGES = ("", "/costs", "/tips", "/invoices", "/alerts", "/cases", "/cases/new", "/notices")
OF_AN_INVOICE = ("", "/story", "/changes", "/lines.csv")
CHANGING = (
    "/portal",
    "/alerts",
    "/alerts/a1/remove",
    "/cases",
    "/cases/c1/comments",
    "/cases/c1/reopen",
    "/notices/read",
    "/members/ada/notifications",
)


@pytest.mark.parametrize("path", PAGES)
def test_staff_see_a_page_as_the_customer_does(stage: Stage, path: str) -> None:
    page = Page(stage.client().get(f"/billing/{STARRING}{path}").text)

    assert "You see this page as Acme Robotics sees it. You can change nothing here." in page.text
    actions = [given.get("action") for tag, given in page.tags if tag == "form"]
    assert set(actions) - {f"/billing/{STARRING}/invoices"} == {"/sign-out"}


@pytest.mark.parametrize("role", ["support", "admin"])
@pytest.mark.parametrize("path", CHANGING)
def test_staff_change_nothing_here(stage: Stage, role: str, path: str) -> None:
    assert send(stage.client(role=role), f"/billing/{STARRING}{path}").status_code == 403


@pytest.mark.parametrize("role", ["support", "admin"])
@pytest.mark.parametrize("path", ["links", "feedback"])
def test_staff_change_nothing_about_an_invoice(stage: Stage, role: str, path: str) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]
    client = stage.client(role=role)

    assert send(client, f"/billing/{STARRING}/invoices/{cycle}/{path}").status_code == 403


def test_nobody_sees_an_invoice_under_another_organizations_address(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names("northwind")[0]
    lines = [f"/invoices/{cycle}{path}" for path in (*OF_AN_INVOICE, "/lines/fee/shop/machine@1")]

    for client in (stage.client(STARRING), stage.client()):
        for path in [*lines, f"/costs?cycle={cycle}", f"/cases/new?cycle={cycle}"]:
            assert client.get(f"/billing/{STARRING}{path}").status_code == 404, path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/invoices?after=%00", 422),
        ("/invoices?after=northwind.2026-01-01", 404),
        ("/cases?after=%00", 422),
        (f"/cases?after={10**30}", 200),
        (f"/notices?before={10**30}", 200),
        ("/notices?before=-1", 200),
        ("/costs?cycle=%00", 422),
        ("/cases/acme.%00", 404),
        ("/cases/northwind.c1", 404),
        ("/cases/new?cycle=acme.2020-01-01&known_at=2026-01-01T00:00:00Z&digest=x", 404),
        ("/cases/new?known_at=%00", 422),
        ("/invoices/acme.2020-01-01", 404),
        ("/invoices/acme.2020-01-01/lines/%00", 404),
        ("/alerts?change=%00", 422),
    ],
)
def test_an_address_that_somebody_made_up(stage: Stage, path: str, status: int) -> None:
    assert stage.client(STARRING).get(f"/billing/{STARRING}{path}").status_code == status


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/notices/read", {"up_to": str(10**30)}),
        ("/notices/read", {"up_to": "\0"}),
        ("/alerts", {"name": "a\0", "limit": "\0", "of": "\0", "percent": "1"}),
        ("/alerts/%00/remove", {}),
        ("/cases", {"case": "\0", "text": "x"}),
        ("/cases", {"text": "\0"}),
        ("/members/%00/notifications", {"subject": "\0"}),
    ],
)
def test_a_form_that_somebody_made_up_breaks_nothing(
    stage: Stage, path: str, values: dict[str, str]
) -> None:
    Desk(stage).register("made-up")

    answered = send(stage.client("made-up"), f"/billing/made-up{path}", **values)

    assert answered.status_code in (303, 404, 422)
