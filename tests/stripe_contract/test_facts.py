"""What nobody has verified about Stripe. ``make test-stripe`` asks, and prints the answers."""

from typing import Any

import stripe

from tests.stripe_contract.side import MARK, Side, refusal, told

LINES_MAX = 250


def test_a_bulk_call_with_one_impossible_line(side: Side) -> None:
    invoice = side.draft()
    rows = ({"amount": 100}, {"pricing": {"price": "price_gone"}})
    assert refusal(lambda: side.add(invoice, *rows))
    kept = len(side.lines(invoice))
    side.found("bulk_atomic", f"{kept} lines" if kept else "nothing")


def test_as_many_lines_as_an_invoice_holds_and_one_more(side: Side) -> None:
    invoice = side.draft()
    error = refusal(lambda: side.add(invoice, *({"amount": 1} for _ in range(LINES_MAX))))
    side.found("lines_per_call", "yes" if error is None else told(error))
    for _ in range(LINES_MAX - len(side.lines(invoice))):
        side.add(invoice, {"amount": 1})
    error = refusal(lambda: side.add(invoice, {"amount": 1}))
    assert error
    side.found("too_many_lines", f"{told(error)}: {error.user_message}")


def test_the_bulk_calls_on_a_finalized_invoice(side: Side) -> None:
    invoice = side.draft(5000)
    (line,) = side.lines(invoice)
    side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
    invoices = side.v1.invoices
    gone: Any = {"lines": [{"id": line.id, "behavior": "delete"}]}
    ways = {
        "add_lines": lambda: side.add(invoice, {"amount": 1}),
        "update_lines": lambda: invoices.update_lines(
            invoice, {"lines": [{"id": line.id, "amount": 1}]}
        ),
        "remove_lines": lambda: invoices.remove_lines(invoice, gone),
    }
    answers = {name: refusal(way) for name, way in ways.items()}
    assert all(answers.values())
    side.found("not_editable", ", ".join(f"{name} {told(each)}" for name, each in answers.items()))


def test_the_invoice_metadata_of_a_bulk_call(side: Side) -> None:
    invoice = side.draft()
    side.add(invoice, {"amount": 1}, invoice_metadata={"plan": "7"})
    seen = side.v1.invoices.retrieve(invoice).to_dict()["metadata"]
    known = {"merged": {**MARK, "plan": "7"}, "replaced": {"plan": "7"}, "ignored": MARK}
    (effect,) = [name for name, metadata in known.items() if metadata == seen] or [str(seen)]
    side.found("invoice_metadata", effect)


def test_lines_expanded_in_a_list(side: Side) -> None:
    customer = side.customer()
    side.draft(*range(12), customer=customer)
    listed = side.v1.invoices.list({"customer": customer, "expand": ["data.lines"]})
    side.found("inline_lines", str(len(listed.data[0].lines.data)))


def test_a_line_with_an_amount_and_a_quantity(side: Side) -> None:
    invoice = side.draft()
    error = refusal(lambda: side.add(invoice, {"amount": 100, "quantity": 2}))
    if error is None:
        side.found("amount_and_quantity", f"200: {side.lines(invoice)[0].amount}")
    else:
        param = error.error.param if error.error else None
        side.found("amount_and_quantity", f"{told(error)}: {param}")


def test_ties_in_rounding(side: Side) -> None:
    product = side.product()
    amounts = []
    for unit in ("0.5", "1.5", "2.5", "-0.5", "-2.5"):
        invoice = side.draft()
        price = {"currency": "usd", "product": product, "unit_amount_decimal": unit}
        error = refusal(lambda at=invoice, row={"price_data": price}: side.add(at, row))
        amounts.append(told(error) if error else str(side.lines(invoice)[0].amount))
    side.found("ties", ", ".join(amounts))


def finalized(side: Side, amount: int) -> str:
    customer = side.customer()
    try:
        done = side.v1.invoices.finalize_invoice(side.draft(amount, customer=customer))
    except stripe.StripeError as error:
        return told(error)
    balance = side.v1.customers.retrieve(customer).balance
    return f"{done.status}, due {done.amount_due}, balance {balance}"


def test_a_total_below_zero(side: Side) -> None:
    side.found("negative_total", finalized(side, -400))


def test_a_total_too_small_to_charge(side: Side) -> None:
    side.found("small_total", finalized(side, 49))


def test_a_draft_whose_customer_was_deleted(side: Side) -> None:
    customer = side.customer()
    invoice = side.draft(5000, customer=customer)
    side.v1.customers.delete(customer)
    ways = {
        "add_lines": lambda: side.add(invoice, {"amount": 1}),
        "finalize": lambda: side.v1.invoices.finalize_invoice(invoice, {"auto_advance": False}),
        "delete": lambda: side.v1.invoices.delete(invoice),
    }
    answers = {name: told(refusal(way)) for name, way in ways.items()}
    side.found("customer_deleted", ", ".join(f"{name} {each}" for name, each in answers.items()))


def test_automatic_tax_without_a_location(side: Side) -> None:
    made: list[str] = []
    error = refusal(lambda: made.append(side.draft(automatic_tax={"enabled": True})))
    answer = f"create {told(error)}"
    for invoice in made:
        last = refusal(lambda at=invoice: side.v1.invoices.finalize_invoice(at))
        answer += f", finalize {told(last)}"
    side.found("no_location", answer)


def test_a_search_right_after_a_write(side: Side) -> None:
    invoice = side.draft(customer=(customer := side.customer()))
    found = side.v1.invoices.search({"query": f'customer:"{customer}"'})
    side.found("search_lag", "yes" if invoice in [each.id for each in found.data] else "no")
