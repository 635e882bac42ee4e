"""Credit notes in the sandbox: what is taken off an issued invoice, and where it goes."""

from typing import Any

from adapters.sandbox import balance, customers, payments, refunds
from adapters.sandbox.issuing import settled
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged_metadata
from adapters.sandbox.paging import page, within
from adapters.sandbox.refusals import Refused, missing
from adapters.sandbox.totals import keep
from adapters.sandbox.world import World

Params = dict[str, Any]

INLINE_LINES = 10


def preview(world: World, params: Params) -> Thing:
    """The note as it would be. Where the money goes need not be said yet."""
    return _note(world, world.need("invoice", params["invoice"], "invoice", 400), params)


def create(world: World, params: Params) -> Thing:
    """An issued note. What is left to pay falls first; the rest has to go somewhere."""
    invoice = world.need("invoice", params["invoice"], "invoice", 400)
    note = _note(world, invoice, params)
    _check_split(note, params)
    number = world.ledger.next_number(f"notes of {invoice['id']}")
    note |= {"id": world.ledger.new_id("cn"), "number": f"{invoice['number']}-CN-{number:02d}"}
    if amount := params.get("refund_amount", 0):
        made = refunds.refund(world, invoice["id"], amount)
        note["refunds"] = [{"type": "refund", "refund": made["id"], "amount_refunded": amount}]
    if amount := params.get("credit_amount", 0):
        note["customer_balance_transaction"] = _credit(world, note, amount)
    world.ledger.put("credit_note", note, parent=invoice["id"])
    world.happened("credit_note.created", _shown(note))
    _take_off(world, invoice, note)
    return _shown(note)


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One note with its first ten lines."""
    return _shown(world.need("credit_note", id_, "id"))


def lines(world: World, params: Params, id_: str) -> Thing:
    """A note's lines."""
    note = world.need("credit_note", id_, "id")
    return page(note["lines"], params, f"/v1/credit_notes/{id_}/lines", "credit_note_line_item")


def every(world: World, params: Params) -> Thing:
    """Notes, newest first; of one invoice or customer if asked for."""
    found = [
        _shown(note)
        for note in reversed(world.ledger.every("credit_note", params.get("invoice")))
        if params.get("customer", note["customer"]) == note["customer"]
        and within(note, "created", params.get("created"))
    ]
    return page(found, params, "/v1/credit_notes", "credit_note")


def _note(world: World, invoice: Thing, params: Params) -> Thing:
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise Refused("You can only create credit notes for finalized invoices.", param="invoice")
    given = [_line(world, invoice, row) for row in params.get("lines", [])]
    subtotal = sum(line["amount"] for line in given) if given else params.get("amount", 0)
    tax = _tax(invoice, subtotal) if given else 0
    total, left = subtotal + tax, invoice["total"] - _credited(invoice)
    if not 0 < total <= left:
        message = (
            f"The credit note's amount must be between 1 and {left}, what the invoice has left."
        )
        raise Refused(message, param="amount")
    due = min(invoice["amount_remaining"], total)
    kind = "pre_payment" if due == total else "mixed" if due else "post_payment"
    return {
        "id": None,
        "object": "credit_note",
        "amount": total,
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_balance_transaction": None,
        "invoice": invoice["id"],
        "lines": given,
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": merged_metadata({}, params),
        "number": None,
        "out_of_band_amount": params.get("out_of_band_amount"),
        "post_payment_amount": total - due,
        "pre_payment_amount": due,
        "reason": params.get("reason"),
        "refunds": [],
        "status": "issued",
        "subtotal": subtotal,
        "total": total,
        "total_taxes": [{"amount": tax}] if tax else [],
        "type": kind,
        "voided_at": None,
    }


def _line(world: World, invoice: Thing, row: Params) -> Thing:
    line = {
        "id": world.ledger.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": row.get("amount", 0),
        "description": row.get("description"),
        "invoice_line_item": row.get("invoice_line_item"),
        "type": row["type"],
    }
    if row["type"] == "custom_line_item":
        return line | {"amount": row["unit_amount"] * row.get("quantity", 1)}
    credited = world.ledger.get("line", line["invoice_line_item"] or "")
    if credited is None or credited["invoice"] != invoice["id"]:
        raise missing("invoice line item", str(line["invoice_line_item"]), "lines", status=400)
    left = credited["amount"] - _credited_of(world, invoice, credited["id"])
    if not 0 <= line["amount"] <= left and not left <= line["amount"] <= 0:
        message = f"The amount credited to a line item must lie between 0 and {left}."
        raise Refused(message, param="lines")
    return line | {"description": credited["description"]}


def _check_split(note: Thing, params: Params) -> None:
    """Where the part beyond what is due goes, in Stripe's own words."""
    ways = ("refund_amount", "credit_amount", "out_of_band_amount")
    given, post = sum(params.get(way, 0) for way in ways), note["post_payment_amount"]
    if given != post:
        raise Refused(
            f"The sum of refunds, credit amount, and out of band amount ({given}) must equal "
            f"the credit note post_payment_amount ({post})."
        )


def _take_off(world: World, invoice: Thing, note: Thing) -> None:
    """Lower what is due; an invoice with nothing left to pay is paid."""
    due = note["pre_payment_amount"]
    invoice["amount_due"] -= due
    invoice["amount_remaining"] -= due
    invoice["pre_payment_credit_notes_amount"] += due
    invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    if due and not invoice["amount_remaining"]:
        payments.call_off(world, invoice)
        settled(world, invoice)
    else:
        keep(world, invoice, "invoice.updated")


def _credit(world: World, note: Thing, amount: int) -> str:
    """Put an amount on the customer's balance, where a credit is below zero."""
    customer = customers.alive(world, note["customer"])
    about = {"credit_note": note["id"], "invoice": note["invoice"], "currency": note["currency"]}
    moved = balance.move(world, customer, -amount, "credit_note", **about)
    world.happened("customer.updated", customer)
    return str(moved["id"])


def _tax(invoice: Thing, subtotal: int) -> int:
    """The note's share of the invoice's tax, in proportion, half away from zero."""
    tax = sum(each["amount"] for each in invoice["total_taxes"])
    return (2 * tax * subtotal // invoice["subtotal"] + 1) // 2 if invoice["subtotal"] else 0


def _credited(invoice: Thing) -> int:
    before, after = "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount"
    return int(invoice[before] + invoice[after])


def _credited_of(world: World, invoice: Thing, line: str) -> int:
    notes = world.ledger.every("credit_note", invoice["id"])
    rows = [row for note in notes if note["status"] != "void" for row in note["lines"]]
    return sum(row["amount"] for row in rows if row["invoice_line_item"] == line)


def _shown(note: Thing) -> Thing:
    url = f"/v1/credit_notes/{note['id']}/lines"
    listed = page(note["lines"], {"limit": INLINE_LINES}, url, "credit_note_line_item")
    return {**note, "lines": {**listed, "total_count": len(note["lines"])}}
