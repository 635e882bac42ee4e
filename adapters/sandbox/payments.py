"""Payments of invoices in the sandbox: what is asked for, what is charged, what is called off."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page, within
from adapters.sandbox.world import World

Params = dict[str, Any]


def request(world: World, invoice: Thing) -> None:
    """Ask for what is due: an intent, and an invoice payment that is open until it is paid."""
    intent = {
        "id": world.ledger.new_id("pi"),
        "object": "payment_intent",
        "amount": invoice["amount_due"],
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "status": "requires_payment_method",
    }
    world.ledger.put("payment_intent", intent, parent=invoice["id"])
    payment = {
        "id": world.ledger.new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": world.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    world.ledger.put("invoice_payment", payment, parent=invoice["id"])


def collect(world: World, invoice: Thing, *, off_stripe: bool) -> None:
    """Take what is due: charge the customer, or note that it was paid outside of Stripe."""
    for payment in _open(world, invoice):
        if off_stripe:
            record = world.ledger.new_id("pr")
            payment["payment"] = {"type": "payment_record", "payment_record": record}
        else:
            _charge(world, invoice, payment["payment"]["payment_intent"])
        payment |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        payment["status_transitions"] = {"canceled_at": None, "paid_at": world.now()}
        world.ledger.put("invoice_payment", payment, parent=invoice["id"])
        world.happened("invoice_payment.paid", payment)


def call_off(world: World, invoice: Thing) -> None:
    """Nothing is to be paid any more: what was asked for is canceled."""
    for payment in _open(world, invoice):
        intent = world.need("payment_intent", payment["payment"]["payment_intent"], "intent")
        world.ledger.put("payment_intent", intent | {"status": "canceled"}, parent=invoice["id"])
        payment["status"] = "canceled"
        payment["status_transitions"] = {"canceled_at": world.now(), "paid_at": None}
        world.ledger.put("invoice_payment", payment, parent=invoice["id"])


def attempt(world: World, invoice: Thing, **outcome: Any) -> None:
    """Keep what became of an attempt to collect: the intent's status and error."""
    for payment in _open(world, invoice):
        intent = world.need("payment_intent", payment["payment"]["payment_intent"], "intent")
        world.ledger.put("payment_intent", intent | outcome, parent=invoice["id"])


def every(world: World, params: Params) -> Thing:
    """Invoice payments, newest first; of one invoice or one intent if asked for."""
    wanted = params.get("payment", {}).get("payment_intent")
    found = [
        payment
        for payment in reversed(world.ledger.every("invoice_payment", params.get("invoice")))
        if wanted in (None, payment["payment"].get("payment_intent"))
        and params.get("status", payment["status"]) == payment["status"]
        and within(payment, "created", params.get("created"))
    ]
    return page(found, params, "/v1/invoice_payments", "invoice_payment")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One invoice payment."""
    return world.need("invoice_payment", id_, "invoice_payment")


def retrieve_intent(world: World, params: Params, id_: str) -> Thing:
    """One payment intent."""
    return world.need("payment_intent", id_, "intent")


def retrieve_charge(world: World, params: Params, id_: str) -> Thing:
    """One charge."""
    return world.need("charge", id_, "charge")


def _open(world: World, invoice: Thing) -> list[Thing]:
    every_payment = world.ledger.every("invoice_payment", invoice["id"])
    return [payment for payment in every_payment if payment["status"] == "open"]


def _charge(world: World, invoice: Thing, intent_id: str) -> None:
    charge = {
        "id": world.ledger.new_id("ch"),
        "object": "charge",
        "amount": invoice["amount_due"],
        "amount_refunded": 0,
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "disputed": False,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": intent_id,
        "refunded": False,
        "status": "succeeded",
    }
    world.ledger.put("charge", charge, parent=invoice["id"])
    intent = world.need("payment_intent", intent_id, "intent")
    intent |= {"status": "succeeded", "latest_charge": charge["id"], "last_payment_error": None}
    intent |= {"amount": charge["amount"]}
    world.ledger.put("payment_intent", intent, parent=invoice["id"])
    world.happened("charge.succeeded", charge)
