"""From draft to the end in the sandbox: finalized, paid, uncollectible, void."""

from typing import Any

from adapters.sandbox import balance, customers, payments, tax
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.totals import keep
from adapters.sandbox.world import World

Params = dict[str, Any]

FINALIZED_TWICE = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."
NOT_SENT = "You can only manually send an invoice if its collection method is 'send_invoice'."

MINIMUM_CHARGE = {
    **dict.fromkeys(("usd", "eur", "chf", "cad", "aud", "nzd", "sgd", "brl"), 50),
    **{"gbp": 30, "jpy": 50, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "inr": 50},
    **{"hkd": 400, "mxn": 1000, "czk": 1500, "huf": 17500, "ron": 200, "thb": 1000},
}
"""The least that Stripe charges, in minor units. What is due below it goes to the balance."""


def finalize(world: World, params: Params, id_: str) -> Thing:
    """An issued invoice: numbered, with its links; nothing to pay is paid at once."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] != "draft":
        raise Refused(FINALIZED_TWICE)
    customers.alive(world, invoice["customer"])
    tax.check_location(world, invoice)
    _number(world, invoice, params)
    tax.apply(world, invoice)
    _apply_balance(world, invoice)
    if not invoice["amount_due"]:
        keep(world, invoice, "invoice.finalized")
        return settled(world, invoice)
    payments.request(world, invoice)
    return keep(world, invoice, "invoice.finalized")


def send(world: World, params: Params, id_: str) -> Thing:
    """An invoice sent to its customer; a draft is finalized first."""
    invoice = world.need("invoice", id_, "invoice")
    if invoice["collection_method"] != "send_invoice":
        raise Refused(NOT_SENT)
    if invoice["status"] == "draft":
        finalize(world, {}, id_)
    return keep(world, world.need("invoice", id_, "invoice"), "invoice.sent")


def pay(world: World, params: Params, id_: str) -> Thing:
    """A paid invoice; a draft is finalized first, and paid by that if nothing is due."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "draft":
        done = finalize(world, {}, id_)
        if done["status"] == "paid":
            return done
        invoice = world.need("invoice", id_, "id")
    if invoice["status"] == "paid":
        raise Refused("Invoice is already paid")
    if invoice["status"] == "void":
        raise Refused(NOT_OPEN)
    customers.alive(world, invoice["customer"])
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


def settled(world: World, invoice: Thing) -> Thing:
    """An invoice with nothing left to pay."""
    invoice |= {"status": "paid", "auto_advance": False, "amount_remaining": 0}
    invoice |= {"amount_paid": invoice["amount_due"], "attempted": True}
    invoice["next_payment_attempt"] = None
    _reached(invoice, "paid_at", world.now())
    return keep(world, invoice, "invoice.paid")


def _number(world: World, invoice: Thing, params: Params) -> None:
    """A number counted per customer, the links, and no plan to finalize any more."""
    now, id_ = world.now(), invoice["id"]
    number = world.ledger.next_number(f"invoices of {invoice['customer']}")
    link = f"https://invoice.stripe.com/i/acct_sandbox/{id_}"
    world.ledger.drop(f"advance_{id_}")
    invoice |= {
        "number": invoice["number"] or f"{invoice['customer'][-8:].upper()}-{number:04d}",
        "status": "open",
        "auto_advance": params.get("auto_advance", invoice["auto_advance"]),
        "automatically_finalizes_at": None,
        "effective_at": invoice["effective_at"] or now,
        "hosted_invoice_url": link,
        "invoice_pdf": f"{link}/pdf",
        "last_finalization_error": None,
        "next_payment_attempt": None,
    }
    if invoice["days_until_due"] is not None:
        invoice["due_date"] = now + 86_400 * invoice["days_until_due"]
    _reached(invoice, "finalized_at", now)


def _apply_balance(world: World, invoice: Thing) -> None:
    """What the customer has or owes counts first, and a total below zero becomes a credit.

    Nobody can decline it. What then is too little to charge goes to the balance, too.
    """
    customer = world.need("customer", invoice["customer"], "customer")
    start = invoice["starting_balance"] = customer["balance"]
    wanted = invoice["total"] + start
    due = max(wanted, 0)
    if used := min(wanted, 0) - start:
        balance.move(world, customer, used, "applied_to_invoice", **_about(invoice))
    if 0 < due < MINIMUM_CHARGE.get(invoice["currency"], 0) and world.minimum_charge:
        balance.move(world, customer, due, "invoice_too_small", **_about(invoice))
        due = 0
    if customer["balance"] != start:
        world.happened("customer.updated", customer)
    invoice |= {"amount_due": due, "amount_remaining": due, "ending_balance": customer["balance"]}


def _about(invoice: Thing) -> Params:
    return {"invoice": invoice["id"], "currency": invoice["currency"]}


def _reached(invoice: Thing, transition: str, at: int) -> None:
    invoice["status_transitions"] = {**invoice["status_transitions"], transition: at}
