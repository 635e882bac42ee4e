"""How the sandbox taxes, lists, searches and refuses."""

from typing import Any

import pytest

from tests.adapters.sandbox_api import made
from tests.adapters.sandbox_drafts import HOUR, advancing
from tests.adapters.test_sandbox import AUTH, Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


# Tax


def taxed(api: Api, behavior: str = "exclusive", amount: int = 1000, **customer: Any) -> Any:
    product = made(api.post("/v1/products", {"name": "CPU", "tax_code": "txcd_10000000"}))["id"]
    who = made(api.post("/v1/customers", customer))["id"]
    form = {"customer": who, "currency": "usd", "automatic_tax[enabled]": "true"}
    invoice = made(api.post("/v1/invoices", form))["id"]
    price = {"currency": "usd", "product": product, "unit_amount": amount, "tax_behavior": behavior}
    rows = {f"lines[0][price_data][{name}]": value for name, value in price.items()}
    return api.post(f"/v1/invoices/{invoice}/add_lines", rows)


@pytest.mark.parametrize(
    ("behavior", "untaxed", "tax", "total"),
    [("exclusive", 1000, 190, 1190), ("inclusive", 840, 160, 1000)],
)
def test_automatic_tax_is_found_when_the_invoice_is_finalized(
    api: Api, behavior: str, untaxed: int, tax: int, total: int
) -> None:
    api.app.extensions["sandbox"].dashboard.tax_automatically(19)
    draft = made(taxed(api, behavior, **{"address[country]": "DE"}))
    assert (draft["total"], draft["total_taxes"]) == (1000, [])
    seen = made(api.post(f"/v1/invoices/{draft['id']}/finalize"))
    assert (seen["subtotal"], seen["total_excluding_tax"], seen["total"]) == (1000, untaxed, total)
    assert [each["amount"] for each in seen["total_taxes"]] == [tax]
    assert (seen["automatic_tax"]["status"], seen["amount_due"]) == ("complete", total)


def test_without_a_location_nothing_is_finalized_and_the_invoice_says_why(api: Api) -> None:
    draft = made(taxed(api, **{"address[country]": "US"}))
    assert draft["automatic_tax"]["status"] == "requires_location_inputs"
    path = f"/v1/invoices/{draft['id']}"
    _, error = refusal(api.post(f"{path}/finalize"))
    assert error["code"] == "customer_tax_location_invalid"
    seen = api.get(path).json
    assert (seen["status"], seen["number"]) == ("draft", None)
    assert seen["last_finalization_error"]["code"] == "customer_tax_location_invalid"
    assert api.get("/v1/events").json["data"][0]["type"] == "invoice.finalization_failed"
    made(api.post(f"/v1/customers/{draft['customer']}", {"address[postal_code]": "94107"}))
    made(api.post(f"/v1/customers/{draft['customer']}", {"address[country]": "DE"}))
    done = made(api.post(f"{path}/finalize"))
    assert (done["status"], done["last_finalization_error"]) == ("open", None)


def test_what_advances_without_a_location_stays_a_draft(api: Api) -> None:
    draft = advancing(api, **{"automatic_tax[enabled]": "true"})["id"]
    api.now += 2 * HOUR
    seen = api.get(f"/v1/invoices/{draft}").json
    assert (seen["status"], seen["automatically_finalizes_at"]) == ("draft", None)
    assert seen["last_finalization_error"]["code"] == "customer_tax_location_invalid"


def test_automatic_tax_takes_no_line_below_zero_and_no_unspecified_behavior(api: Api) -> None:
    invoice = made(taxed(api, **{"address[country]": "DE"}))["id"]
    answer = api.post(f"/v1/invoices/{invoice}/add_lines", {"lines[0][amount]": -1})
    assert "Negative line items" in refusal(answer)[1]["message"]
    assert "must be specified" in refusal(taxed(api, "unspecified"))[1]["message"]
    assert api.get(f"/v1/invoices/{invoice}").json["lines"]["total_count"] == 1


# Lists and search


def test_invoices_are_listed_by_what_stripe_can_filter(api: Api) -> None:
    sent = {"collection_method": "send_invoice", "days_until_due": 7}
    one = made(api.post("/v1/invoices", {"customer": api.customer()} | sent))["id"]
    api.now += 60
    two = api.draft(5)
    api.post(f"/v1/invoices/{one}/finalize")
    api.post(f"/v1/invoices/{two}/finalize")
    due = api.now + 7 * 24 * HOUR
    found = {
        query: [each["id"] for each in api.get(f"/v1/invoices?{query}").json["data"]]
        for query in (
            f"created[gte]={api.now}",
            f"created[lt]={api.now}",
            "status=open",
            "collection_method=send_invoice",
            f"due_date={due}",
            f"due_date[gt]={due}",
            "limit=-5",
        )
    }
    assert list(found.values()) == [[two], [one], [two], [one], [one], [], [two]]


def test_search_is_a_minute_behind(api: Api) -> None:
    form = {"customer": api.customer(), "metadata[cycle_id]": "c1"}
    invoice = made(api.post("/v1/invoices", form))["id"]

    def found(query: str) -> list[str]:
        answer = api.client.get("/v1/invoices/search", query_string={"query": query}, headers=AUTH)
        return [each["status"] for each in made(answer)["data"]]

    mine = 'metadata["cycle_id"]:"c1"'
    assert found(mine) == []
    api.now += 60
    assert found(mine) == ["draft"]
    api.post(f"/v1/invoices/{invoice}/finalize")
    assert found(f'{mine} AND status:"draft"') == ["draft"]
    api.now += 60
    assert found(f'{mine} AND status:"draft"') == []
    assert found(f'-{mine} OR status:"paid"') == found("total<1 AND created>0") == ["paid"]


@pytest.mark.parametrize("query", ["", 'colour:"red"', 'status:"a" AND total>1 OR total<2', "x"])
def test_a_search_that_cannot_be_read_is_refused(api: Api, query: str) -> None:
    answer = api.client.get("/v1/invoices/search", query_string={"query": query}, headers=AUTH)
    assert (refusal(answer)[0], refusal(answer)[1]["param"]) == (400, "query")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param({"default_tax_rates[]": "txr_1"}, "does not do default_tax_rates", id="ours"),
        pytest.param({"description": "x" * 1501}, "at most 1500", id="description"),
        pytest.param({"number": "x" * 27}, "at most 26", id="number"),
        pytest.param({"currency": "dollars"}, "Invalid currency", id="currency"),
        pytest.param({"metadata[a]": "x" * 501}, "up to 500", id="metadata value"),
        pytest.param({f"metadata[k{n}]": "v" for n in range(51)}, "up to 50", id="metadata keys"),
    ],
)
def test_what_an_invoice_cannot_hold_is_refused(
    api: Api, form: dict[str, Any], message: str
) -> None:
    code, error = refusal(api.post("/v1/invoices", {"customer": api.customer()} | form))
    assert code == 400 and message in error["message"]


def test_what_may_change_depends_on_whether_it_is_finalized(api: Api) -> None:
    path = f"/v1/invoices/{api.draft(5)}"
    assert refusal(api.post(path, {"customer": "cus_x"}))[1]["code"] == "parameter_unknown"
    assert refusal(api.post(path, {"days_until_due": 5}))[0] == 400
    changed = {"collection_method": "send_invoice", "days_until_due": 5}
    assert made(api.post(path, changed))["days_until_due"] == 5
    assert made(api.post(f"{path}/send"))["status"] == "open"
    for name, value in changed.items():
        _, error = refusal(api.post(path, {name: value}))
        assert error["message"] == "Finalized invoices can't be updated in this way"
        assert error["param"] == name
