"""An invoice's life in the sandbox: draft, open, paid, uncollectible, void."""

from typing import Any

from adapters.sandbox import payments
from adapters.sandbox.customers import merged, merged_metadata
from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page, within
from adapters.sandbox.refusals import Refused, invalid
from adapters.sandbox.world import World

Params = dict[str, Any]

INLINE_LINES = 10

FINALIZED_TWICE = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."
DUE_MISSING = (
    "If invoice collection method is 'send_invoice', you must specify 'due_date' or "
    "'days_until_due'."
)
DUE_UNWANTED = (
    "You can only specify 'due_date' or 'days_until_due' if invoice collection method is "
    "'send_invoice'."
)


def create(world: World, params: Params) -> Thing:
    """A new draft."""
    customer = world.need("customer", params.get("customer", ""), "customer", status=400)
    _check_due(params)
    invoice = _blank(world.ledger.new_id("in"), customer["id"], world.now())
    invoice |= _known(params) | {"metadata": merged_metadata({}, params)}
    invoice["currency"] = params.get("currency") or customer["currency"] or "usd"
    _apply_due(invoice, params)
    return keep(world, invoice, "invoice.created")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One invoice with its first ten lines."""
    return shown(world, world.need("invoice", id_, "invoice"))


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed invoice; once it is finalized, only its metadata may change."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] != "draft":
        for name in params.keys() - {"metadata", "expand", "auto_advance"}:
            raise Refused("Finalized invoices can't be updated in this way", param=name)
    changed = merged(invoice, _known(params) | _only(params, "metadata"))
    _apply_due(changed, params)
    return keep(world, changed, "invoice.updated")


def every(world: World, params: Params) -> Thing:
    """Invoices, newest first."""
    customer = params.get("customer")
    found = [
        invoice
        for invoice in reversed(world.ledger.every("invoice", customer))
        if params.get("status", invoice["status"]) == invoice["status"]
        and within(invoice, "created", params.get("created"))
    ]
    listed = page(found, params, "/v1/invoices", "invoice")
    return {**listed, "data": [shown(world, invoice) for invoice in listed["data"]]}


def delete(world: World, params: Params, id_: str) -> Thing:
    """Nothing left of a draft, nor of its lines."""
    invoice = world.need("invoice", id_, "invoice")
    if invoice["status"] != "draft":
        raise Refused("You can only delete draft invoices.")
    world.happened("invoice.deleted", shown(world, invoice))
    for line in world.ledger.every("line", id_):
        world.ledger.drop(line["id"])
    world.ledger.drop(id_)
    return {"id": id_, "object": "invoice", "deleted": True}


def finalize(world: World, params: Params, id_: str) -> Thing:
    """An issued invoice: numbered, with its links; nothing to pay is paid at once."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] != "draft":
        raise Refused(FINALIZED_TWICE)
    now, customer = world.now(), invoice["customer"]
    number = world.ledger.next_number(f"invoices of {customer}")
    link = f"https://invoice.stripe.com/i/acct_sandbox/{id_}"
    invoice |= {
        "number": f"{customer[-8:].upper()}-{number:04d}",
        "status": "open",
        "auto_advance": params.get("auto_advance", invoice["auto_advance"]),
        "effective_at": now,
        "hosted_invoice_url": link,
        "invoice_pdf": f"{link}/pdf",
    }
    if invoice["days_until_due"] is not None:
        invoice["due_date"] = now + 86_400 * invoice["days_until_due"]
    _apply_tax(world, invoice)
    _apply_balance(world, invoice)
    _reached(invoice, "finalized_at", now)
    if not invoice["amount_due"]:
        keep(world, invoice, "invoice.finalized")
        return settled(world, invoice)
    payments.request(world, invoice)
    return keep(world, invoice, "invoice.finalized")


def pay(world: World, params: Params, id_: str) -> Thing:
    """A paid invoice; a draft is finalized first."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "draft":
        finalize(world, {}, id_)
        invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "paid":
        raise Refused("Invoice is already paid")
    if invoice["status"] == "void":
        raise Refused(NOT_OPEN)
    payments.collect(world, invoice, off_stripe=params.get("paid_out_of_band", False))
    return settled(world, invoice)


def void(world: World, params: Params, id_: str) -> Thing:
    """A void invoice, for good."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "paid":
        raise Refused("Invoices with `paid` payments cannot be voided.")
    if invoice["status"] not in ("open", "uncollectible"):
        raise Refused(NOT_OPEN)
    payments.call_off(world, invoice)
    invoice |= {"status": "void", "auto_advance": False, "amount_remaining": 0}
    _reached(invoice, "voided_at", world.now())
    return keep(world, invoice, "invoice.voided")


def mark_uncollectible(world: World, params: Params, id_: str) -> Thing:
    """An invoice nobody expects to be paid any more."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "uncollectible":
        raise Refused("This invoice has already been marked uncollectible.")
    if invoice["status"] != "open":
        raise Refused(NOT_OPEN)
    invoice |= {"status": "uncollectible", "auto_advance": False}
    _reached(invoice, "marked_uncollectible_at", world.now())
    return keep(world, invoice, "invoice.marked_uncollectible")


def keep(world: World, invoice: Thing, happened: str) -> Thing:
    """Keep a changed invoice and say what happened."""
    world.ledger.put("invoice", invoice, parent=invoice["customer"])
    answer = shown(world, invoice)
    world.happened(happened, answer)
    return answer


def shown(world: World, invoice: Thing) -> Thing:
    """An invoice as the API shows it, with its first ten lines."""
    lines = world.ledger.every("line", invoice["id"])
    url = f"/v1/invoices/{invoice['id']}/lines"
    listed = page(lines, {"limit": INLINE_LINES}, url, "line")
    return {**invoice, "lines": {**listed, "total_count": len(lines)}}


def recounted(world: World, invoice: Thing) -> Thing:
    """An invoice whose totals follow its lines again."""
    total = sum(line["amount"] for line in world.ledger.every("line", invoice["id"]))
    sums = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")
    due = max(total, 0)
    return {**invoice, **dict.fromkeys(sums, total), "amount_due": due, "amount_remaining": due}


def settled(world: World, invoice: Thing) -> Thing:
    """An invoice with nothing left to pay."""
    invoice |= {"status": "paid", "auto_advance": False, "amount_remaining": 0}
    invoice |= {"amount_paid": invoice["amount_due"], "attempted": True}
    invoice["next_payment_attempt"] = None
    _reached(invoice, "paid_at", world.now())
    return keep(world, invoice, "invoice.paid")


def _apply_tax(world: World, invoice: Thing) -> None:
    """Tax on the subtotal, where the sandbox was told of a rate; half away from zero."""
    if not world.tax_percent:
        return
    tax = (2 * invoice["subtotal"] * world.tax_percent + 100) // 200
    total = invoice["subtotal"] + tax
    invoice |= {"total_taxes": [{"amount": tax, "tax_behavior": "exclusive"}], "total": total}
    invoice |= {"amount_due": total, "amount_remaining": total}


def _apply_balance(world: World, invoice: Thing) -> None:
    """A customer's credit is used up first; nobody can decline it."""
    customer = world.need("customer", invoice["customer"], "customer")
    used = min(-customer["balance"], invoice["amount_due"])
    if used > 0:
        invoice["starting_balance"] = customer["balance"]
        customer["balance"] += used
        world.ledger.put("customer", customer)
        invoice["amount_due"] -= used
        invoice["amount_remaining"] -= used


def _check_due(params: Params) -> None:
    sent = params.get("collection_method") == "send_invoice"
    dated = "days_until_due" in params or "due_date" in params
    if sent and not dated:
        raise invalid(DUE_MISSING)
    if dated and not sent:
        raise invalid(DUE_UNWANTED)


def _apply_due(invoice: Thing, params: Params) -> None:
    for name in ("days_until_due", "due_date"):
        if name in params:
            invoice[name] = params[name]


def _reached(invoice: Thing, transition: str, at: int) -> None:
    invoice["status_transitions"] = {**invoice["status_transitions"], transition: at}


def _only(params: Params, name: str) -> Params:
    return {name: params[name]} if name in params else {}


def _known(params: Params) -> Params:
    """The parameters that an invoice shows as they were given."""
    names = ("auto_advance", "collection_method", "description", "footer", "automatic_tax")
    return {name: params[name] for name in names if name in params}


def _blank(id_: str, customer: str, now: int) -> Thing:
    amounts = ("amount_due", "amount_paid", "amount_remaining", "subtotal", "total")
    credited = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    excluding = ("subtotal_excluding_tax", "total_excluding_tax", "starting_balance")
    nothing = ("description", "due_date", "days_until_due", "effective_at", "footer", "number")
    later = ("next_payment_attempt",)
    links = ("hosted_invoice_url", "invoice_pdf", "parent", "last_finalization_error")
    transitions = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    return {
        "id": id_,
        "object": "invoice",
        "customer": customer,
        "created": now,
        "status": "draft",
        "auto_advance": False,
        "attempted": False,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "livemode": False,
        "total_taxes": [],
        "status_transitions": dict.fromkeys(transitions),
        **dict.fromkeys((*amounts, *excluding, *credited, "attempt_count"), 0),
        **dict.fromkeys((*nothing, *later, *links)),
    }
