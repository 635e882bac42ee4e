"""How lines that Stripe taxes, products and terms go out; and what is read back of them."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from adapters.stripe import requests
from adapters.stripe.products import new_product, product_id
from adapters.stripe.reading import read_customer, read_invoice
from domain.invoice import LineItem, Sold
from domain.period import Period
from projections.change_set import AddLine, UpdateDraft
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import Collection, Marks

MONTH = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
CPU = Sold(product="cpu", name="CPU hours", currency="eur", tax_code="txcd_10103001")
BY_CARD, BY_MAIL = Collection(), Collection(method="send_invoice", days_until_due=14)
TAXED = Collection(automatic_tax=True)


def line(sold: Sold | None) -> LineItem:
    return LineItem(
        key="usage/a1/cpu@1",
        kind="usage",
        description="CPU",
        quantity=Fraction(1),
        unit=None,
        amount=3168,
        unrounded=Fraction(3168),
        period=MONTH,
        sold=sold,
    )


def invoice(**fields: Any) -> dict[str, Any]:
    blank = {"id": "in_1", "status": "draft", "customer": "cus_1", "currency": "eur"}
    return blank | {"subtotal": 3168, "total": 3168} | fields


def test_a_taxed_line_is_one_of_a_product_at_its_whole_amount() -> None:
    form = requests.change_lines("in_1", (AddLine(line=line(CPU)),), Marks()).parameters
    assert "lines[0][amount]" not in form
    assert {name: text for name, text in form.items() if "price" in name or "quantity" in name} == {
        "lines[0][price_data][currency]": "eur",
        "lines[0][price_data][product]": "cyclebook_cpu_txcd_10103001",
        "lines[0][price_data][tax_behavior]": "exclusive",
        "lines[0][price_data][unit_amount]": "3168",
        "lines[0][quantity]": "1",
    }


def test_another_line_is_just_an_amount() -> None:
    form = requests.change_lines("in_1", (AddLine(line=line(None)),), Marks()).parameters
    assert form["lines[0][amount]"] == "3168"
    assert not [name for name in form if "price_data" in name]


@pytest.mark.parametrize(
    ("item", "code", "id_"),
    [
        ("cpu", None, "cyclebook_cpu"),
        ("cpu", "txcd_1", "cyclebook_cpu_txcd_1"),
        ("g.b", None, "cyclebook_19d9bcfdc4114d169a7c83be45b78855"),
    ],
)
def test_a_product_is_named_by_its_item_and_tax_code(item: str, code: str | None, id_: str) -> None:
    sold = Sold(product=item, name="CPU", currency="eur", tax_code=code)
    assert new_product(sold).parameters["id"] == product_id(sold) == id_


@pytest.mark.parametrize(
    ("change", "form"),
    [
        (
            UpdateDraft(was=BY_CARD, becomes=BY_MAIL),
            {
                "collection_method": "send_invoice",
                "days_until_due": "14",
                "automatic_tax[enabled]": "false",
                "metadata[days_until_due]": "14",
            },
        ),
        (
            UpdateDraft(was=BY_MAIL, becomes=TAXED),
            {
                "collection_method": "charge_automatically",
                "automatic_tax[enabled]": "true",
                "metadata[days_until_due]": "",
            },
        ),
        (
            UpdateDraft(was=BY_CARD, becomes=BY_CARD, undiscounted=True),
            {
                "collection_method": "charge_automatically",
                "automatic_tax[enabled]": "false",
                "metadata[days_until_due]": "",
                "discounts": "",
            },
        ),
    ],
    ids=["by mail", "taxed", "without discount"],
)
def test_new_terms_of_a_draft(change: UpdateDraft, form: dict[str, str]) -> None:
    request = requests.update_draft("in_1", change)
    assert (request.endpoint, request.parameters) == ("/v1/invoices/in_1", form)


@pytest.mark.parametrize(
    ("fields", "untaxed"),
    [
        ({"total": 3770, "total_excluding_tax": 3168}, 3168),
        ({"total": 2668, "total_excluding_tax": 2668}, 2668),
        ({"total": 3168}, 3168),
        ({"total": 0, "total_excluding_tax": 0}, 0),
    ],
    ids=["tax on top", "a discount", "not said", "all of it off"],
)
def test_the_total_is_read_without_tax(fields: dict[str, Any], untaxed: int) -> None:
    assert read_invoice(invoice(**fields)).untaxed == untaxed


def test_terms_are_read_back_as_they_were_written() -> None:
    sent = invoice(collection_method="send_invoice", metadata={"days_until_due": "14"})
    assert read_invoice(sent).collection == BY_MAIL
    taxed = invoice(collection_method="charge_automatically", automatic_tax={"enabled": True})
    assert read_invoice(taxed).collection == TAXED


@pytest.mark.parametrize(
    ("customer", "read"),
    [
        ({"id": "cus_1", "deleted": True}, RemoteCustomer(id="cus_1", deleted=True)),
        (
            {"id": "cus_1", "metadata": {"organization": "acme"}, "currency": "eur"},
            RemoteCustomer(id="cus_1", organization="acme", currency="eur"),
        ),
        ({"id": "cus_1", "metadata": {}, "currency": None}, RemoteCustomer(id="cus_1")),
    ],
)
def test_a_customer_is_read(customer: dict[str, Any], read: RemoteCustomer) -> None:
    assert read_customer(customer) == read
