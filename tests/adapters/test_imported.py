"""Imported customers and invoices as rows: kept once, found by whose they are."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.postgres.database import Database
from adapters.postgres.imported import PostgresImported
from domain.period import Period
from projections.imported_invoice import ImportedInvoice, ImportedLine

START = datetime(2026, 1, 1, tzinfo=UTC)
JANUARY = Period(START, datetime(2026, 2, 1, tzinfo=UTC))


@pytest.fixture
def store(each_database_url: str) -> Iterator[PostgresImported]:
    database = Database(each_database_url)
    yield PostgresImported(database)
    database.close()


def invoice(id_: str, **more: Any) -> ImportedInvoice:
    line = ImportedLine(
        id="il_1",
        description="CPU 'hours'",
        amount=1250,
        period=JANUARY,
        price="price_1",
        quantity=Decimal("12.500000000001"),
        proration=True,
        tax=7,
    )
    fields: dict[str, Any] = {
        "customer": "cus_1",
        "number": "A-1",
        "status": "open",
        "currency": "usd",
        "period": JANUARY,
        "issued_at": JANUARY.end,
        "subtotal": 1250,
        "discount": 50,
        "tax": 228,
        "total": 1428,
        "amount_paid": 0,
        "lines": (line,),
        "organization": "acme",
    }
    return ImportedInvoice(id=id_, **(fields | more))


def test_an_invoice_is_given_back_as_it_was_kept(store: PostgresImported) -> None:
    store.keep(invoice("in_1"))
    assert store.every_of("acme", None) == [invoice("in_1")]
    assert store.known(["in_1", "in_2"]) == {"in_1": ("open", 0, "acme")}


def test_what_is_kept_again_takes_the_place_of_what_was_known(store: PostgresImported) -> None:
    store.keep(invoice("in_1"))
    paid = invoice("in_1", status="paid", amount_paid=1428)
    store.keep(replace(paid, organization=None))
    assert store.every_of("acme", None) == [paid]


def test_pages_of_an_organization_the_newest_first(store: PostgresImported) -> None:
    for number in range(5):
        store.keep(invoice(f"in_{number}", issued_at=START + timedelta(days=number // 2)))
    store.keep(invoice("in_x", organization="globex", customer="cus_2"))
    first = store.of_organization("acme", None, None, 3)
    rest = store.of_organization("acme", None, first[-1].id, 3)
    assert [each.id for each in (*first, *rest)] == ["in_4", "in_3", "in_2", "in_1", "in_0"]


def test_what_was_nobodys_is_found_by_the_customer(store: PostgresImported) -> None:
    store.keep(invoice("in_1", organization=None))
    assert [each.id for each in store.every_of("acme", "cus_1")] == ["in_1"]
    assert store.every_of("acme", None) == []
    assert [each.id for each in store.nobodys(None, JANUARY.end)] == ["in_1"]
    assert store.nobodys(JANUARY.end, JANUARY.end) == []
    assert store.nobodys(None, START) == []


def test_what_was_anothers_is_not_found_by_a_customer_that_it_let_go(
    store: PostgresImported,
) -> None:
    store.keep(invoice("in_1", organization="globex"))
    assert store.every_of("acme", "cus_1") == []
    assert store.of_organization("acme", "cus_1", None, 9) == []
    assert [each.id for each in store.every_of("globex", None)] == ["in_1"]


def test_an_organization_is_claimed_for_one_customer(store: PostgresImported) -> None:
    assert store.claim("cus_1", "acme") and store.claim("cus_1", "acme")
    assert not store.claim("cus_2", "acme")
    assert not store.claim("cus_1", "globex")
    assert store.claims() == {"cus_1": "acme"}
    assert store.claims("cus_2") == {}
