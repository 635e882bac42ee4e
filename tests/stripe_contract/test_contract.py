"""What we rely on Stripe to do: true of the sandbox always, and of Stripe when it is asked."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stripe_contract.side import MARK, Side, refusal

FINALIZED_TWICE = "This invoice is already finalized, you can't re-finalize a non-draft invoice."


def test_a_new_draft_is_empty_and_waits_for_us(side: Side) -> None:
    draft = side.v1.invoices.retrieve(side.draft())
    assert (draft.status, draft.auto_advance, draft.total, draft.number) == (
        "draft",
        False,
        0,
        None,
    )
    assert draft.automatically_finalizes_at is draft.hosted_invoice_url is draft.invoice_pdf is None


def test_a_bulk_call_recounts_at_once_and_keeps_the_lines_ids(side: Side) -> None:
    invoice = side.draft(500, 700)
    first, second = side.lines(invoice)
    changed = side.v1.invoices.update_lines(
        invoice, {"lines": [{"id": first.id, "amount": -100, "metadata": {"line_key": "a"}}]}
    )
    assert (changed.subtotal, changed.total) == (600, 600)
    seen = {line.id: line.amount for line in side.lines(invoice)}
    assert seen == {first.id: -100, second.id: 700}
    less = side.v1.invoices.remove_lines(
        invoice, {"lines": [{"id": first.id, "behavior": "delete"}]}
    )
    assert less.total == 700


def test_metadata_of_a_line_is_merged_and_a_key_goes_with_an_empty_value(side: Side) -> None:
    invoice = side.draft()
    side.add(invoice, {"amount": 100, "metadata": {"line_key": "a", "x": "1"}})
    (line,) = side.lines(invoice)
    row: Any = {"id": line.id, "metadata": {"x": "", "y": "2"}}
    side.v1.invoices.update_lines(invoice, {"lines": [row]})
    (line,) = side.lines(invoice)
    assert line.metadata.to_dict() == {"line_key": "a", "y": "2"}


def test_ten_lines_come_inline_and_all_by_pages(side: Side) -> None:
    invoice = side.draft(*range(100, 112))
    inline = side.v1.invoices.retrieve(invoice).lines
    assert (len(inline.data), inline.has_more) == (10, True)
    assert inline.to_dict()["total_count"] == 12
    listed = side.v1.invoices.line_items.list(invoice, {"limit": 5})
    assert (len(listed.data), "total_count" in listed.to_dict()) == (5, False)
    assert [line.amount for line in side.lines(invoice)] == list(range(100, 112))


def test_a_line_leads_to_its_item_and_unassigned_the_item_is_pending(side: Side) -> None:
    customer = side.customer()
    invoice = side.draft(500, customer=customer)
    (line,) = side.lines(invoice)
    item = line.to_dict()["parent"]["invoice_item_details"]["invoice_item"]
    assert side.v1.invoice_items.retrieve(item).invoice == invoice
    side.v1.invoices.remove_lines(invoice, {"lines": [{"id": line.id, "behavior": "unassign"}]})
    pending = side.v1.invoice_items.list({"customer": customer, "pending": True})
    assert [each.id for each in pending.data] == [item]
    side.v1.invoice_items.delete(item)


def test_a_price_on_a_product_of_ours_comes_to_quantity_times_unit(side: Side) -> None:
    invoice = side.draft()
    price = {"currency": "usd", "product": side.product(), "unit_amount_decimal": "0.05"}
    seen = side.add(invoice, {"price_data": price, "quantity_decimal": "30"})
    assert (seen.total, side.lines(invoice)[0].amount) == (2, 2)


def test_finalizing_gives_a_number_and_links_and_fixes_everything_but_metadata(side: Side) -> None:
    invoice = side.draft(5000)
    done = side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    assert (done.status, bool(done.number), bool(done.hosted_invoice_url)) == ("open", True, True)
    again = refusal(lambda: side.v1.invoices.finalize_invoice(invoice))
    assert again and (again.http_status, again.code) == (400, None)
    assert FINALIZED_TWICE in str(again.user_message)
    memo = refusal(lambda: side.v1.invoices.update(invoice, {"description": "x"}))
    assert memo and "Finalized invoices can't be updated in this way" in str(memo.user_message)
    marked = side.v1.invoices.update(invoice, {"metadata": {"a": "1"}})
    assert marked.metadata and marked.metadata.to_dict() == {**MARK, "a": "1"}
    deleted = refusal(lambda: side.v1.invoices.delete(invoice))
    assert deleted and deleted.http_status == 400


def test_nothing_to_pay_is_paid_at_once(side: Side) -> None:
    assert side.v1.invoices.finalize_invoice(side.draft(0)).status == "paid"


def test_void_is_for_open_invoices_and_for_good(side: Side) -> None:
    invoice = side.draft(5000)
    early = refusal(lambda: side.v1.invoices.void_invoice(invoice))
    assert early and "You can only pass in open invoices" in str(early.user_message)
    side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    assert side.v1.invoices.void_invoice(invoice).status == "void"
    assert refusal(lambda: side.v1.invoices.void_invoice(invoice))


def test_a_paid_invoice_is_paid_once_and_cannot_be_voided(side: Side) -> None:
    invoice = side.draft(5000)
    side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    assert side.v1.invoices.pay(invoice, {"paid_out_of_band": True}).status == "paid"
    again = refusal(lambda: side.v1.invoices.pay(invoice, {"paid_out_of_band": True}))
    assert again and "Invoice is already paid" in str(again.user_message)
    assert refusal(lambda: side.v1.invoices.void_invoice(invoice))


def test_a_credit_note_first_takes_off_what_is_due(side: Side) -> None:
    invoice = side.draft(5000)
    side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    note = side.v1.credit_notes.create({"invoice": invoice, "amount": 2000, "metadata": MARK})
    assert (note.pre_payment_amount, note.post_payment_amount) == (2000, 0)
    left = side.v1.invoices.retrieve(invoice)
    assert (left.total, left.amount_remaining) == (5000, 3000)


def test_a_balance_is_used_when_finalizing_and_the_total_stays(side: Side) -> None:
    invoice = side.draft(5000, customer=side.customer(balance=-1000))
    done = side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    assert (done.total, done.amount_due) == (5000, 4000)


def test_a_sent_invoice_says_when_it_is_due(side: Side) -> None:
    undated = refusal(lambda: side.draft(collection_method="send_invoice"))
    assert undated and "you must specify 'due_date' or 'days_until_due'" in str(undated)
    dated = side.v1.invoices.retrieve(
        side.draft(collection_method="send_invoice", days_until_due=7)
    )
    assert dated.collection_method == "send_invoice"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"days_until_due": "abc"}, "parameter_invalid_integer", "days_until_due"),
        ({"customer": "cus_gone"}, "resource_missing", "customer"),
    ],
)
def test_a_wrong_parameter_is_named(
    side: Side, params: dict[str, Any], code: str, param: str
) -> None:
    error = refusal(lambda: side.draft(**params))
    assert error and (error.http_status, error.code) == (400, code)
    assert error.error and error.error.param == param


def test_a_missing_invoice_is_404(side: Side) -> None:
    error = refusal(lambda: side.v1.invoices.retrieve("in_gone"))
    assert error and (error.http_status, error.code) == (404, "resource_missing")


def test_a_deleted_draft_is_gone_with_its_items(side: Side) -> None:
    customer = side.customer()
    invoice = side.draft(500, customer=customer)
    assert side.v1.invoices.delete(invoice).deleted is True
    assert side.v1.invoice_items.list({"customer": customer, "pending": True}).data == []
    error = refusal(lambda: side.v1.invoices.retrieve(invoice))
    assert error and error.http_status == 404


def test_a_deleted_customer_says_so(side: Side) -> None:
    customer = side.customer()
    side.v1.customers.delete(customer)
    assert side.v1.customers.retrieve(customer).to_dict()["deleted"] is True
    error = refusal(lambda: side.draft(customer=customer))
    assert error and (error.http_status, error.code) == (400, "resource_missing")


def test_a_product_id_of_ours_is_taken_once(side: Side) -> None:
    product = side.product()
    error = refusal(lambda: side.v1.products.create({"id": product, "name": "again"}))
    assert error and error.code == "resource_already_exists"


def test_a_key_replays_its_answer_and_is_good_for_one_content(side: Side) -> None:
    key: Any = {"idempotency_key": f"contract-{side.customer()}"}
    invoice: Any = {"customer": side.customer(), "currency": "usd", "metadata": MARK}
    first, again = (side.v1.invoices.create(invoice, key) for _ in range(2))
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    other = refusal(lambda: side.v1.invoices.create({**invoice, "currency": "eur"}, key))
    assert other and "same parameters" in str(other.user_message)
    side.v1.invoices.delete(first.id)


def test_one_key_at_once_from_many_makes_one_thing(side: Side) -> None:
    customer = side.customer()
    key: Any = {"idempotency_key": f"contract-at-once-{customer}", "max_network_retries": 0}
    row: Any = {"customer": customer, "amount": 100, "currency": "usd", "metadata": MARK}
    errors: list[Any] = []

    def create(_: int) -> None:
        if error := refusal(lambda: side.v1.invoice_items.create(row, key)):
            errors.append(error)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(8)))
    (item,) = side.v1.invoice_items.list({"customer": customer}).data
    assert {error.http_status for error in errors} <= {409}
    for error in errors:
        side.found("key_in_use", error.error.type)
    side.v1.invoice_items.delete(item.id)


def test_invoices_are_listed_by_customer_and_status(side: Side) -> None:
    customer = side.customer()
    draft, opened = side.draft(5000, customer=customer), side.draft(5000, customer=customer)
    side.v1.invoices.finalize_invoice(opened, {"auto_advance": False})
    for status, expected in (("draft", [draft]), ("open", [opened])):
        params: Any = {"customer": customer, "status": status}
        assert [each.id for each in side.v1.invoices.list(params).data] == expected
    assert [each.id for each in side.v1.invoices.list({"customer": customer}).data] == [
        opened,
        draft,
    ]
