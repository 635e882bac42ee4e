"""The sandbox answers as Stripe was recorded to answer."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.ledger import Ledger
from tests.stripe_memory import Billed

AUTH = {"Authorization": "Bearer sk_test_x"}


class Api:
    """Form posts to a sandbox, as curl would send them."""

    def __init__(self, now: float = 1_767_225_600, **sandbox: Any) -> None:
        self.now = now
        self.app = create_sandbox(Ledger(), clock=lambda: self.now, **sandbox)
        self.sandbox: Sandbox = self.app.extensions["sandbox"]
        self.client: FlaskClient = self.app.test_client()

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.post(path, data=form or {}, headers=AUTH | headers)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=AUTH)

    def switch(self, name: str, **asked: Any) -> Any:
        answer = self.client.post(f"/_sandbox/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json

    def customer(self) -> str:
        return self.post("/v1/customers").json["id"]

    def draft(self, *amounts: int, customer: str | None = None) -> str:
        form = {"customer": customer or self.customer(), "currency": "usd"}
        invoice = self.post("/v1/invoices", form).json["id"]
        if amounts:
            rows = {f"lines[{n}][amount]": amount for n, amount in enumerate(amounts)}
            assert self.post(f"/v1/invoices/{invoice}/add_lines", rows).status_code == 200
        return invoice


@pytest.fixture
def api() -> Api:
    return Api()


def refusal(answer: Any) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json["error"]


def test_no_key_is_401(api: Api) -> None:
    answer = api.client.get("/v1/customers")
    assert answer.status_code == 401 and answer.headers["Request-Id"]


def test_a_key_may_come_as_user_name(api: Api) -> None:
    assert api.client.get("/v1/customers", auth=("sk_test_x", "")).status_code == 200


def test_a_new_invoice_is_an_empty_draft(api: Api) -> None:
    invoice = api.get(f"/v1/invoices/{api.draft()}").json
    assert (invoice["status"], invoice["auto_advance"], invoice["total"]) == ("draft", False, 0)
    assert invoice["number"] is invoice["hosted_invoice_url"] is None
    assert invoice["lines"]["total_count"] == 0


@pytest.mark.parametrize(
    ("form", "code", "param", "message"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour", "Received unknown parameter: colour"),
        (
            {"automatic_tax[enable]": "true"},
            "parameter_unknown",
            "automatic_tax[enable]",
            "Received unknown parameter: automatic_tax[enable]",
        ),
        ({"days_until_due": "abc"}, "parameter_invalid_integer", "days_until_due", "abc"),
        ({"auto_advance": "maybe"}, None, "auto_advance", "Invalid boolean: maybe"),
        (
            {"collection_method": "beg"},
            None,
            "collection_method",
            "must be one of charge_automatically, or send_invoice",
        ),
        ({"collection_method": "send_invoice"}, None, None, "you must specify 'due_date'"),
        ({"customer": "cus_x"}, "resource_missing", "customer", "No such customer: 'cus_x'"),
    ],
)
def test_a_parameter_stripe_would_refuse_is_refused(
    api: Api, form: dict[str, str], code: str | None, param: str | None, message: str
) -> None:
    status, error = refusal(api.post("/v1/invoices", {"customer": api.customer()} | form))
    assert (status, error.get("code"), error.get("param")) == (400, code, param)
    assert message in error["message"]
    assert error["type"] == "invalid_request_error"


def test_a_missing_parameter_is_named(api: Api) -> None:
    status, error = refusal(api.post(f"/v1/invoices/{api.draft()}/add_lines"))
    assert (status, error["param"], error["code"]) == (400, "lines", "parameter_missing")


def test_bulk_calls_recount_the_invoice_at_once(api: Api) -> None:
    invoice = api.draft(5, 7)
    first = api.get(f"/v1/invoices/{invoice}/lines").json["data"][0]["id"]
    path = f"/v1/invoices/{invoice}/update_lines"
    changed = api.post(path, {"lines[0][id]": first, "lines[0][amount]": "-1"}).json
    assert (changed["subtotal"], changed["total"], changed["amount_due"]) == (6, 6, 6)
    form = {"lines[0][id]": first, "lines[0][behavior]": "delete"}
    assert api.post(f"/v1/invoices/{invoice}/remove_lines", form).json["total"] == 7


def test_lines_come_ten_inline_and_page_by_page(api: Api) -> None:
    invoice = api.draft(*range(25))
    inline = api.get(f"/v1/invoices/{invoice}").json["lines"]
    assert (len(inline["data"]), inline["has_more"], inline["total_count"]) == (10, True, 25)
    page = api.get(f"/v1/invoices/{invoice}/lines?limit=20").json
    last = page["data"][-1]["id"]
    rest = api.get(f"/v1/invoices/{invoice}/lines?limit=20&starting_after={last}").json
    assert (len(page["data"]), page["has_more"]) == (20, True)
    assert (len(rest["data"]), rest["has_more"]) == (5, False)


def test_a_limit_out_of_bounds_is_clamped_and_a_wrong_cursor_refused(api: Api) -> None:
    assert api.get("/v1/invoices?limit=5000").status_code == 200
    status, error = refusal(api.get("/v1/invoices?starting_after=in_x"))
    assert (status, error["code"], error["param"]) == (400, "resource_missing", "starting_after")


def test_an_invoice_holds_250_lines(api: Api) -> None:
    invoice = api.draft(*range(250))
    status, _ = refusal(api.post(f"/v1/invoices/{invoice}/add_lines", {"lines[0][amount]": 1}))
    assert status == 400
    assert api.get(f"/v1/invoices/{invoice}").json["lines"]["total_count"] == 250


def test_finalizing_numbers_per_customer_and_drafts_use_no_number(api: Api) -> None:
    customer = api.customer()
    invoices = [api.draft(5, customer=customer) for _ in range(3)]
    numbers = [
        api.post(f"/v1/invoices/{invoice}/finalize").json["number"]
        for invoice in (invoices[2], invoices[0])
    ]
    assert [number.split("-")[1] for number in numbers] == ["0001", "0002"]


def test_a_zero_total_is_paid_at_once(api: Api) -> None:
    assert api.post(f"/v1/invoices/{api.draft(0)}/finalize").json["status"] == "paid"


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ("finalize", "finalize", "This invoice is already finalized"),
        ("finalize", "DELETE", "You can only delete draft invoices."),
        (None, "void", "You can only pass in open invoices. This invoice isn't open."),
        ("pay", "void", "Invoices with `paid` payments cannot be voided."),
        ("pay", "pay", "Invoice is already paid"),
        ("finalize", "add_lines", "This invoice is no longer editable"),
        ("finalize", "description", "Finalized invoices can't be updated in this way"),
    ],
)
def test_an_illegal_step_is_refused_in_stripes_words(
    api: Api, first: str | None, then: str, message: str
) -> None:
    path = f"/v1/invoices/{api.draft(5)}"
    if first:
        api.post(f"{path}/{first}")
    if then == "DELETE":
        answer = api.client.delete(path, headers=AUTH)
    elif then == "description":
        answer = api.post(path, {"description": "x"})
    else:
        answer = api.post(f"{path}/{then}", {"lines[0][amount]": 1} if "lines" in then else {})
    status, error = refusal(answer)
    assert status == 400 and message in error["message"]


def test_metadata_of_a_finalized_invoice_may_still_change(api: Api) -> None:
    path = f"/v1/invoices/{api.draft(5)}"
    api.post(f"{path}/finalize")
    assert api.post(path, {"metadata[a]": "1"}).json["metadata"] == {"a": "1"}
    assert api.post(path, {"metadata[a]": ""}).json["metadata"] == {}


def test_an_unknown_url_is_404(api: Api) -> None:
    status, error = refusal(api.get("/v1/teapots"))
    assert status == 404 and "Unrecognized request URL (GET: /v1/teapots)" in error["message"]


def test_a_body_that_is_no_form_is_refused(api: Api) -> None:
    answer = api.client.post("/v1/customers", json={"name": "a"}, headers=AUTH)
    status, error = refusal(answer)
    assert status == 400 and "application/x-www-form-urlencoded" in error["message"]


def test_every_answer_names_its_request_and_the_version_it_speaks(api: Api) -> None:
    asked = AUTH | {"Stripe-Version": "2025-03-31.basil"}
    for path in ("/v1/customers", "/v1/customers/cus_x", "/v1/teapots", "/elsewhere"):
        answer = api.client.get(path, headers=asked)
        assert answer.headers["Request-Id"].startswith("req_")
        assert answer.headers["Stripe-Version"] == "2025-03-31.basil"


def test_a_refusal_says_where_to_read_on(api: Api) -> None:
    _, error = refusal(api.post("/v1/customers", {"colour": "red"}))
    assert error["doc_url"].endswith("/error-codes/parameter-unknown")
    assert "/logs/req_" in error["request_log_url"]


def test_two_cursors_are_one_too_many(api: Api) -> None:
    status, error = refusal(api.get("/v1/events?starting_after=evt_a&ending_before=evt_b"))
    assert status == 400 and "only specify one of these" in error["message"]


def test_a_portal_session_needs_its_customer(api: Api) -> None:
    form = {"customer": api.customer(), "return_url": "https://a.example"}
    assert api.post("/v1/billing_portal/sessions", form).json["url"].startswith("https://")
    assert api.post("/v1/billing_portal/sessions", {"customer": "cus_x"}).status_code == 400


def test_events_tell_what_happened_and_which_call_it_was() -> None:
    billed = Billed({"a": 5})
    billed.reconciler.finalize("acme.2026-01-01", "scheduler")
    events = billed.sandbox.world.ledger.every("event")
    types = [event["type"] for event in events]
    assert types == [
        "customer.created",
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
    ]
    assert events[-1]["request"]["idempotency_key"].startswith("acme.2026-01-01/1/finalize/")
    assert events[-1]["data"]["object"]["status"] == "open"


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"amount": "100"}},
        {"data": b'{"amount": ', "content_type": "application/json"},
        {"data": b"[1]", "content_type": "application/json"},
    ],
    ids=["a form", "half an object", "a list"],
)
def test_a_switch_says_what_to_send(api: Api, sent: dict[str, Any]) -> None:
    answer = api.client.post("/_sandbox/invoices/in_1/dispute", **sent)
    assert answer.status_code == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert "send a JSON object" in answer.json["error"]["message"]


@pytest.mark.parametrize("asked", [{"mood": 1}, {"tax_percent": "19"}, {"minimum_charge": 1}])
def test_a_behaviour_it_does_not_have_is_refused(api: Api, asked: dict[str, Any]) -> None:
    assert api.client.post("/_sandbox/behaviour", json=asked).status_code == 400
    assert api.client.get("/_sandbox").json["behaviour"]["tax_percent"] == 0
