"""The sandbox's balances and customers behave as Stripe's do."""

import pytest

from tests.adapters.sandbox_api import delete, made
from tests.adapters.test_sandbox import Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


# Balances


def balance(api: Api, customer: str) -> tuple[int, list[tuple[str, int]]]:
    moves = api.get(f"/v1/customers/{customer}/balance_transactions").json["data"]
    told = [(move["type"], move["amount"]) for move in reversed(moves)]
    return api.get(f"/v1/customers/{customer}").json["balance"], told


@pytest.mark.parametrize(
    ("start", "total", "due", "end"),
    [
        pytest.param(-300, 500, 200, 0, id="a credit is used up"),
        pytest.param(-800, 500, 0, -300, id="a credit covers it all"),
        pytest.param(200, 500, 700, 0, id="a debt is added"),
        pytest.param(0, -400, 0, -400, id="a total below zero becomes a credit"),
        pytest.param(100, -400, 0, -300, id="and pays a debt first"),
        pytest.param(900, -400, 500, 0, id="which may leave something due"),
    ],
)
def test_the_balance_is_applied_when_an_invoice_is_finalized(
    api: Api, start: int, total: int, due: int, end: int
) -> None:
    customer = made(api.post("/v1/customers", {"balance": start}))["id"]
    invoice = api.draft(total, customer=customer)
    assert api.get(f"/v1/invoices/{invoice}").json["amount_due"] == max(total, 0)
    seen = made(api.post(f"/v1/invoices/{invoice}/finalize"))
    assert (seen["total"], seen["amount_due"], seen["ending_balance"]) == (total, due, end)
    assert (seen["starting_balance"], seen["status"]) == (start, "open" if due else "paid")
    assert balance(api, customer)[0] == end


def test_less_than_can_be_charged_moves_to_the_balance_where_that_is_switched_on(api: Api) -> None:
    customer = api.customer()
    assert made(api.post(f"/v1/invoices/{api.draft(49)}/finalize"))["status"] == "open"
    api.app.extensions["sandbox"].world.minimum_charge = True
    small, then = api.draft(49, customer=customer), api.draft(50, customer=customer)
    seen = made(api.post(f"/v1/invoices/{small}/finalize"))
    assert (seen["status"], seen["total"], seen["amount_due"]) == ("paid", 49, 0)
    assert balance(api, customer) == (49, [("invoice_too_small", 49)])
    assert made(api.post(f"/v1/invoices/{then}/finalize"))["amount_due"] == 99
    assert balance(api, customer)[1][1:] == [("applied_to_invoice", -49)]


def test_paying_a_draft_that_comes_to_nothing_is_done_by_finalizing(api: Api) -> None:
    assert made(api.post(f"/v1/invoices/{api.draft(0)}/pay"))["status"] == "paid"


# Customers


def test_a_deleted_customer_says_so_and_takes_nothing_more(api: Api) -> None:
    customer = api.customer()
    invoice = api.draft(5, customer=customer)
    assert delete(api, f"/v1/customers/{customer}").json["deleted"] is True
    gone = {"id": customer, "object": "customer", "deleted": True}
    assert api.get(f"/v1/customers/{customer}").json == gone
    assert api.get("/v1/customers").json["data"] == []
    for path, form in (
        ("/v1/invoices", {"customer": customer}),
        ("/v1/invoiceitems", {"customer": customer, "amount": 1}),
        ("/v1/billing_portal/sessions", {"customer": customer}),
        (f"/v1/invoices/{invoice}/add_lines", {"lines[0][amount]": 1}),
        (f"/v1/invoices/{invoice}/finalize", {}),
    ):
        status, error = refusal(api.post(path, form))
        assert (status, error["code"], error["param"]) == (400, "resource_missing", "customer")
    assert refusal(api.post(f"/v1/customers/{customer}", {"name": "x"}))[0] == 404
    assert delete(api, f"/v1/invoices/{invoice}").json["deleted"] is True


def test_customers_are_listed_by_when_they_were_made(api: Api) -> None:
    first = api.customer()
    api.now += 10
    then = api.customer()
    found = api.get(f"/v1/customers?created[gte]={api.now}").json["data"]
    assert [customer["id"] for customer in found] == [then]
    found = api.get(f"/v1/customers?created[lt]={api.now}").json["data"]
    assert [customer["id"] for customer in found] == [first]
