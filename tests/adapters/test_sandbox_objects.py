"""The sandbox's items, lines, prices, balances and customers behave as Stripe's do."""

from typing import Any

import pytest

from tests.adapters.sandbox_api import delete, item, lines, made, priced
from tests.adapters.test_sandbox import Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


# Invoice items


def test_an_item_waits_until_an_invoice_takes_it_the_newest_first(api: Api) -> None:
    customer = api.customer()
    old, new = (item(api, customer, description=name)["id"] for name in ("old", "new"))
    pending = api.get(f"/v1/invoiceitems?customer={customer}&pending=true").json["data"]
    assert [each["id"] for each in pending] == [new, old]
    form = {"customer": customer, "pending_invoice_items_behavior": "include"}
    invoice = made(api.post("/v1/invoices", form))
    assert (invoice["total"], invoice["lines"]["total_count"]) == (10, 2)
    made(api.post(f"/v1/invoices/{invoice['id']}/add_lines", {"lines[0][amount]": 1}))
    behind = [
        each["parent"]["invoice_item_details"]["invoice_item"] for each in lines(api, invoice["id"])
    ]
    assert behind[:2] == [new, old]
    assert api.get(f"/v1/invoiceitems/{behind[2]}").json["amount"] == 1


def test_a_draft_leaves_pending_items_alone_unless_told(api: Api) -> None:
    customer = api.customer()
    item(api, customer)
    assert api.get(f"/v1/invoices/{api.draft(customer=customer)}").json["total"] == 0


def test_an_item_and_its_line_are_one(api: Api) -> None:
    customer = api.customer()
    invoice = api.draft(customer=customer)
    made_item = item(api, customer, invoice=invoice)
    assert api.get(f"/v1/invoices/{invoice}").json["total"] == 5
    made(api.post(f"/v1/invoiceitems/{made_item['id']}", {"amount": 8}))
    (line,) = lines(api, invoice)
    made(api.post(f"/v1/invoices/{invoice}/lines/{line['id']}", {"description": "by line"}))
    assert api.get(f"/v1/invoiceitems/{made_item['id']}").json["description"] == "by line"
    assert api.get(f"/v1/invoices/{invoice}").json["total"] == 8
    assert delete(api, f"/v1/invoiceitems/{made_item['id']}").json["deleted"] is True
    assert lines(api, invoice) == []


def test_an_unassigned_line_is_pending_again_and_can_be_taken_once_more(api: Api) -> None:
    customer = api.customer()
    invoice = api.draft(7, customer=customer)
    (line,) = lines(api, invoice)
    form = {"lines[0][id]": line["id"], "lines[0][behavior]": "unassign"}
    assert made(api.post(f"/v1/invoices/{invoice}/remove_lines", form))["total"] == 0
    (pending,) = api.get(f"/v1/invoiceitems?customer={customer}&pending=true").json["data"]
    form = {"lines[0][invoice_item]": pending["id"], "lines[0][metadata][line_key]": "k"}
    taken = made(api.post(f"/v1/invoices/{invoice}/add_lines", form))
    assert (taken["total"], taken["lines"]["data"][0]["metadata"]) == (7, {"line_key": "k"})
    assert api.get(f"/v1/invoiceitems?customer={customer}&pending=true").json["data"] == []


def test_items_go_with_their_deleted_draft_in_stripes_words(api: Api) -> None:
    customer = api.customer()
    made_item = item(api, customer, invoice=(invoice := api.draft(customer=customer)))["id"]
    assert delete(api, f"/v1/invoices/{invoice}").json["deleted"] is True
    assert api.get(f"/v1/invoiceitems?customer={customer}").json["data"] == []
    _, error = refusal(api.post(f"/v1/invoiceitems/{made_item}", {"amount": 1}))
    assert error["message"] == "This invoice item has been deleted."
    status, error = refusal(delete(api, f"/v1/invoiceitems/{made_item}"))
    assert status == 400 and "attached to an invoice that is no longer editable" in error["message"]


def test_an_item_of_a_finalized_invoice_is_fixed(api: Api) -> None:
    customer = api.customer()
    made_item = item(api, customer, invoice=(invoice := api.draft(customer=customer)))["id"]
    api.post(f"/v1/invoices/{invoice}/finalize")
    status, error = refusal(api.post(f"/v1/invoiceitems/{made_item}", {"amount": 1}))
    assert (status, error["code"]) == (400, "invoice_not_editable")
    status, error = refusal(delete(api, f"/v1/invoiceitems/{made_item}"))
    assert status == 400 and "no longer editable" in error["message"]


def test_a_pending_item_can_be_deleted_and_is_then_unknown(api: Api) -> None:
    made_item = item(api, api.customer())["id"]
    delete(api, f"/v1/invoiceitems/{made_item}")
    status, error = refusal(api.get(f"/v1/invoiceitems/{made_item}"))
    assert (status, error["param"]) == (404, "id")
    assert error["message"] == f"No such Invoice Item: '{made_item}'(livemode=false)"


def test_items_count_among_an_invoices_250_lines(api: Api) -> None:
    customer = api.customer()
    invoice = api.draft(*range(250), customer=customer)
    form = {"customer": customer, "invoice": invoice, "amount": 1}
    status, error = refusal(api.post("/v1/invoiceitems", form))
    assert (status, error["param"]) == (400, "invoice")


def test_one_customer_has_one_currency_under_way(api: Api) -> None:
    customer = api.customer()
    item(api, customer, currency="usd")
    form = {"customer": customer, "currency": "eur"}
    status, error = refusal(api.post("/v1/invoices", form))
    assert status == 400 and "cannot combine currencies" in error["message"]


# Prices


@pytest.mark.parametrize(
    ("unit", "quantity", "amount"),
    [
        pytest.param("0.05", "30", 2, id="0.05 × 30 = 1.5, up"),
        pytest.param("0.1", "4", 0, id="0.1 × 4 = 0.4, down"),
        pytest.param("-0.5", "1", -1, id="-0.5, away from zero"),
        pytest.param("0.000000000001", "1000000000000", 1, id="twelve decimals"),
        pytest.param("3", "2.5", 8, id="3 × 2.5 = 7.5, up"),
    ],
)
def test_quantity_times_unit_amount_is_rounded_per_line(
    api: Api, unit: str, quantity: str, amount: int
) -> None:
    fields = {"price_data][unit_amount_decimal": unit, "quantity_decimal": quantity}
    invoice = made(priced(api, api.draft(), **fields))
    line = invoice["lines"]["data"][0]
    assert (invoice["total"], line["amount"]) == (amount, amount)
    assert line["quantity"] == int(float(quantity))
    assert line["pricing"]["unit_amount_decimal"] == unit


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"amount": 5, "price_data][unit_amount": 5}, "only specify one", id="both"),
        pytest.param({}, "exactly one of", id="no unit amount"),
        pytest.param({"price_data][unit_amount": 5, "price_data][currency": "eur"}, "currency"),
        pytest.param(
            {"price_data][unit_amount": 5, "price_data][product": "prod_x"}, "No such product"
        ),
        pytest.param(
            {"price_data][unit_amount_decimal": "0.0000000000001"}, "12 decimal places", id="13"
        ),
        pytest.param(
            {"price_data][unit_amount": 5, "quantity_decimal": "-1"}, "greater than or equal to 0"
        ),
        pytest.param({"price_data][unit_amount": 5, "description": "x" * 5001}, "at most 5000"),
        pytest.param({"price_data][unit_amount": 5, "metadata][a": "x" * 501}, "up to 500"),
    ],
)
def test_a_line_that_contradicts_itself_is_refused(
    api: Api, fields: dict[str, Any], message: str
) -> None:
    status, error = refusal(priced(api, api.draft(), **fields))
    assert status == 400 and message in error["message"]


def test_a_product_may_have_an_id_of_ours_once(api: Api) -> None:
    form = {"id": "cyclebook_cpu", "name": "CPU", "tax_code": "txcd_10000000"}
    assert made(api.post("/v1/products", form))["tax_code"] == "txcd_10000000"
    status, error = refusal(api.post("/v1/products", form))
    assert (status, error["code"]) == (400, "resource_already_exists")
    assert made(api.post("/v1/products/cyclebook_cpu", {"name": "vCPU"}))["name"] == "vCPU"
    listed = api.get("/v1/products?ids[]=cyclebook_cpu").json["data"]
    assert [product["name"] for product in listed] == ["vCPU"]


def test_a_price_can_be_named_by_many_lines(api: Api) -> None:
    product = made(api.post("/v1/products", {"name": "CPU"}))["id"]
    form = {"product": product, "currency": "usd", "unit_amount": 7}
    price = made(api.post("/v1/prices", form))["id"]
    rows = {"lines[0][pricing][price]": price, "lines[0][quantity]": 3}
    invoice = made(api.post(f"/v1/invoices/{api.draft()}/add_lines", rows))
    line = invoice["lines"]["data"][0]
    assert (line["amount"], line["pricing"]["price_details"]["price"]) == (21, price)
    change = {"lines[0][id]": line["id"], "lines[0][quantity]": 4}
    assert made(api.post(f"/v1/invoices/{invoice['id']}/update_lines", change))["total"] == 28
    assert api.get(f"/v1/prices/{price}").json["unit_amount"] == 7


# The Dashboard


def test_a_person_can_do_everything_to_a_draft(api: Api) -> None:
    customer = api.customer()
    invoice = api.draft(500, customer=customer)
    (line,) = lines(api, invoice)

    def by_hand(path: str, **form: Any) -> Any:
        return made(api.client.post(f"/_sandbox/{path}", json=form))

    by_hand(f"invoices/{invoice}/lines", amount=-100, description="goodwill")
    by_hand(f"lines/{line['id']}", amount=600, period={"start": 1, "end": 2}, description="more")
    by_hand(f"invoices/{invoice}/memo", text="Thank you")
    by_hand(f"invoices/{invoice}/discount", percent_off="10")
    by_hand(f"invoices/{invoice}/discount", amount_off=30)
    by_hand(f"customers/{customer}", address={"country": "DE"})
    by_hand(f"customers/{customer}/balance", amount=-20)
    seen = by_hand(f"invoices/{invoice}/finalize")
    assert (seen["subtotal"], seen["total"], seen["amount_due"]) == (500, 420, 400)
    assert [each["amount"] for each in seen["total_discount_amounts"]] == [50, 30]
    assert (seen["description"], seen["lines"]["data"][0]["period"]["end"]) == ("Thank you", 2)
    assert api.get(f"/v1/customers/{customer}").json["address"] == {"country": "DE"}
    assert made(api.client.delete(f"/_sandbox/customers/{customer}"))["deleted"] is True
