"""The sandbox's payments, credit notes, refunds and disputes, as Stripe says they work."""

from typing import Any

import pytest

from tests.adapters.test_sandbox import Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


def issued(api: Api, *amounts: int, **form: Any) -> str:
    invoice = api.draft(*amounts)
    assert api.post(f"/v1/invoices/{invoice}/finalize", form).status_code == 200
    return invoice


def happen(api: Api, invoice: str, what: str, **details: Any) -> Any:
    answer = api.client.post(f"/_sandbox/invoices/{invoice}/{what}", json=details)
    assert answer.status_code == 200, answer.json
    return answer.json


def pay(api: Api, invoice: str, **form: Any) -> None:
    assert api.post(f"/v1/invoices/{invoice}/pay", form).json["status"] == "paid"


def payment(api: Api, invoice: str) -> dict[str, Any]:
    (only,) = api.get(f"/v1/invoice_payments?invoice={invoice}").json["data"]
    return only


def events(api: Api) -> list[str]:
    """What happened, oldest first."""
    return [event["type"] for event in reversed(api.get("/v1/events?limit=100").json["data"])]


def note(api: Api, invoice: str, **form: Any) -> Any:
    fields = {"invoice": invoice} | {name.replace("__", "["): v for name, v in form.items()}
    return api.post("/v1/credit_notes", fields)


# Payments


def test_an_issued_invoice_asks_for_a_payment_that_paying_completes(api: Api) -> None:
    invoice = issued(api, 500)
    asked = payment(api, invoice)
    assert (asked["status"], asked["amount_requested"], asked["amount_paid"]) == ("open", 500, None)
    pay(api, invoice)
    done = payment(api, invoice)
    assert (done["id"], done["status"], done["amount_paid"]) == (asked["id"], "paid", 500)
    intent = api.get(f"/v1/payment_intents/{done['payment']['payment_intent']}").json
    assert intent["status"] == "succeeded"
    charge = api.get(f"/v1/charges/{intent['latest_charge']}").json
    assert (charge["amount"], charge["payment_intent"]) == (500, intent["id"])
    assert "invoice" not in charge
    assert events(api)[-3:] == ["charge.succeeded", "invoice_payment.paid", "invoice.paid"]


def test_the_payments_of_an_intent_lead_to_its_invoice(api: Api) -> None:
    invoice = issued(api, 500)
    issued(api, 7)
    intent = payment(api, invoice)["payment"]["payment_intent"]
    query = f"payment[type]=payment_intent&payment[payment_intent]={intent}"
    (found,) = api.get(f"/v1/invoice_payments?{query}").json["data"]
    assert api.get(f"/v1/invoice_payments/{found['id']}").json["invoice"] == invoice


def test_money_that_came_another_way_makes_no_charge(api: Api) -> None:
    invoice = issued(api, 500)
    pay(api, invoice, paid_out_of_band="true")
    assert payment(api, invoice)["payment"]["type"] == "payment_record"
    assert (
        api.client.post(f"/_sandbox/invoices/{invoice}/refund", json={"amount": 1}).status_code
        == 400
    )


def test_a_declined_card_is_tried_again(api: Api) -> None:
    invoice = issued(api, 500)
    seen = happen(api, invoice, "decline", retry_in_s=60)
    assert (seen["status"], seen["attempt_count"]) == ("open", 1)
    assert seen["next_payment_attempt"] == api.now + 60
    intent = api.get(f"/v1/payment_intents/{payment(api, invoice)['payment']['payment_intent']}")
    assert intent.json["last_payment_error"]["message"] == "Your card was declined."
    pay(api, invoice)
    assert api.get(f"/v1/invoices/{invoice}").json["next_payment_attempt"] is None


def test_a_customer_who_must_act_is_told_of_twice(api: Api) -> None:
    invoice = issued(api, 500)
    happen(api, invoice, "ask_customer")
    assert events(api)[-2:] == ["invoice.payment_failed", "invoice.payment_action_required"]


def test_a_void_invoice_asks_for_nothing_any_more(api: Api) -> None:
    invoice = issued(api, 500)
    api.post(f"/v1/invoices/{invoice}/void")
    assert payment(api, invoice)["status"] == "canceled"


def test_an_overdue_invoice_is_only_said_to_be_so(api: Api) -> None:
    invoice = issued(api, 500)
    assert happen(api, invoice, "overdue")["status"] == "open"
    assert events(api)[-1] == "invoice.overdue"


# Credit notes


def test_a_note_first_takes_off_what_is_due(api: Api) -> None:
    invoice = issued(api, 500)
    made = note(api, invoice, amount=200).json
    assert (made["pre_payment_amount"], made["post_payment_amount"]) == (200, 0)
    assert (made["type"], made["number"][-6:]) == ("pre_payment", "-CN-01")
    left = api.get(f"/v1/invoices/{invoice}").json
    assert (left["status"], left["amount_due"], left["total"]) == ("open", 300, 500)
    pay(api, invoice)
    assert api.get(f"/v1/invoices/{invoice}").json["amount_paid"] == 300


def test_an_invoice_credited_away_is_paid_and_asks_for_nothing(api: Api) -> None:
    invoice = issued(api, 500)
    note(api, invoice, amount=500)
    assert api.get(f"/v1/invoices/{invoice}").json["status"] == "paid"
    assert payment(api, invoice)["status"] == "canceled"
    assert events(api)[-2:] == ["credit_note.created", "invoice.paid"]


def test_the_rest_must_be_said_where_to_go_in_stripes_words(api: Api) -> None:
    invoice = issued(api, 500)
    pay(api, invoice)
    status, error = refusal(note(api, invoice, amount=200, refund_amount=150))
    assert (status, error["message"]) == (
        400,
        "The sum of refunds, credit amount, and out of band amount (150) must equal "
        "the credit note post_payment_amount (200).",
    )
    made = note(api, invoice, amount=200, refund_amount=150, credit_amount=50).json
    assert made["refunds"][0]["amount_refunded"] == 150
    assert made["customer_balance_transaction"]
    assert events(api)[-5:] == [
        "refund.created",
        "charge.refunded",
        "customer.updated",
        "credit_note.created",
        "invoice.updated",
    ]


def test_a_preview_needs_no_ways_and_makes_nothing(api: Api) -> None:
    invoice = issued(api, 500)
    pay(api, invoice)
    seen = api.get(f"/v1/credit_notes/preview?invoice={invoice}&amount=200").json
    assert (seen["total"], seen["post_payment_amount"], seen["id"]) == (200, 200, None)
    assert api.get(f"/v1/credit_notes?invoice={invoice}").json["data"] == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param({"amount": 501}, "between 0 and 500", id="more than the line has"),
        pytest.param({"amount": -1}, "between 0 and 500", id="below zero on a line above"),
        pytest.param({"amount": 0}, "between 1 and 400", id="nothing at all"),
        pytest.param({"invoice_line_item": "il_x"}, "No such invoice line item", id="no such line"),
    ],
)
def test_a_note_that_does_not_fit_its_line_is_refused(
    api: Api, line: dict[str, Any], message: str
) -> None:
    invoice = issued(api, 500, -100)
    first = api.get(f"/v1/invoices/{invoice}/lines").json["data"][0]["id"]
    row = {"type": "invoice_line_item", "invoice_line_item": first, "amount": 5} | line
    form = {"invoice": invoice} | {f"lines[0][{name}]": value for name, value in row.items()}
    status, error = refusal(api.post("/v1/credit_notes", form))
    assert status == 400 and message in error["message"]


def test_lines_above_and_below_zero_are_credited_together(api: Api) -> None:
    invoice = issued(api, 500, -100)
    form: dict[str, Any] = {"invoice": invoice}
    for place, line in enumerate(api.get(f"/v1/invoices/{invoice}/lines").json["data"]):
        form[f"lines[{place}][type]"] = "invoice_line_item"
        form[f"lines[{place}][invoice_line_item]"] = line["id"]
        form[f"lines[{place}][amount]"] = line["amount"]
    made = api.post("/v1/credit_notes", form).json
    assert made["total"] == 400
    assert len(api.get(f"/v1/credit_notes/{made['id']}/lines").json["data"]) == 2
    status, error = refusal(note(api, invoice, amount=1))
    assert status == 400 and "between 1 and 0" in error["message"]


def test_a_draft_takes_no_note(api: Api) -> None:
    status, error = refusal(note(api, api.draft(5), amount=1))
    assert (status, error["param"]) == (400, "invoice")


def test_what_is_on_the_customers_balance_pays_the_next_invoice_first(api: Api) -> None:
    customer = api.customer()
    first, then, last = (api.draft(500, customer=customer) for _ in range(3))
    pay(api, first)
    note(api, first, amount=500, credit_amount=500)
    api.post(f"/v1/invoices/{then}/finalize")
    seen = api.get(f"/v1/invoices/{then}").json
    assert (seen["status"], seen["starting_balance"], seen["amount_due"]) == ("paid", -500, 0)
    assert api.get(f"/v1/customers/{customer}").json["balance"] == 0
    assert api.post(f"/v1/invoices/{last}/finalize").json["amount_due"] == 500


def test_tax_is_added_when_an_invoice_is_finalized(api: Api) -> None:
    api.app.extensions["sandbox"].dashboard.tax(19)
    seen = api.get(f"/v1/invoices/{issued(api, 250)}").json
    assert (seen["subtotal"], seen["total"], seen["amount_due"]) == (250, 298, 298)
    assert [tax["amount"] for tax in seen["total_taxes"]] == [48]


# Refunds and disputes


def test_a_refund_is_of_a_charge_and_never_more_than_it_took(api: Api) -> None:
    invoice = issued(api, 500)
    pay(api, invoice)
    made = happen(api, invoice, "refund", amount=200)
    assert api.get(f"/v1/refunds/{made['id']}").json["charge"] == made["charge"]
    assert api.get(f"/v1/charges/{made['charge']}").json["amount_refunded"] == 200
    listed = api.get(f"/v1/refunds?payment_intent={made['payment_intent']}").json["data"]
    assert [refund["id"] for refund in listed] == [made["id"]]
    again = api.client.post(f"/_sandbox/invoices/{invoice}/refund", json={"amount": 301})
    assert again.status_code == 400
    assert "greater than unrefunded amount" in again.json["error"]["message"]


def test_a_dispute_is_opened_and_decided(api: Api) -> None:
    invoice = issued(api, 500)
    pay(api, invoice)
    opened = happen(api, invoice, "dispute", reason="duplicate")
    assert (opened["status"], opened["amount"]) == ("needs_response", 500)
    api.client.post(f"/_sandbox/disputes/{opened['id']}", json={"status": "lost"})
    assert api.get(f"/v1/disputes/{opened['id']}").json["status"] == "lost"
    listed = api.get(f"/v1/disputes?charge={opened['charge']}").json["data"]
    assert [dispute["id"] for dispute in listed] == [opened["id"]]
    assert events(api)[-2:] == ["charge.dispute.created", "charge.dispute.closed"]
