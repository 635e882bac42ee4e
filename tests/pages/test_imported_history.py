"""What another biller issued stands below our own invoices, marked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.ledger import Ledger
from api.app import create_app
from tests.api.shadowed import OLDER, Shadowed, shadowed
from tests.biller import line
from tests.pages.customers import Page
from tests.pages.stage import Stage


@pytest.fixture
def made(database_url: str) -> Iterator[Shadowed]:
    with shadowed(database_url, create_sandbox(Ledger())) as found:
        yield found


def test_imported_invoices_are_shown_as_such_to_their_own_customer(made: Shadowed) -> None:
    customers = {name: made.biller.customer(name) for name in ("Acme", "Globex")}
    made.bring_customers()
    made.biller.bill(customers["Acme"], line("Fee", 12345, OLDER.start, OLDER.end))
    made.bring_invoices()
    stage = Stage(wired=made.wired, app=create_app(made.wired), base="", shots=Path())
    text = Page(stage.client("acme").get("/billing/acme/invoices").text).text
    assert "Earlier invoices" in text and "imported, open" in text and "123.45" in text
    assert "Earlier" not in Page(stage.client("globex").get("/billing/globex/invoices").text).text
