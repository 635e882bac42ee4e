"""Money that goes back in the sandbox: refunds of a charge, and disputes about one."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page, within
from adapters.sandbox.refusals import Refused
from adapters.sandbox.world import World

Params = dict[str, Any]

NO_CHARGE = "This invoice has no charge that could be refunded or disputed."


def refund(world: World, invoice: str, amount: int, reason: str | None = None) -> Thing:
    """Pay back a part of what an invoice's charge took."""
    charge = _charge(world, invoice)
    left = charge["amount"] - charge["amount_refunded"]
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refused(message, param="amount")
    made = {
        "id": world.ledger.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }
    world.ledger.put("refund", made, parent=charge["payment_intent"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.ledger.put("charge", charge, parent=invoice)
    world.happened("refund.created", made)
    world.happened("charge.refunded", charge)
    return made


def dispute(world: World, invoice: str, amount: int | None, reason: str) -> Thing:
    """The customer disputes an invoice's charge with the bank."""
    charge = _charge(world, invoice)
    made = {
        "id": world.ledger.new_id("du"),
        "object": "dispute",
        "amount": charge["amount"] if amount is None else amount,
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    world.ledger.put("dispute", made, parent=charge["payment_intent"])
    world.ledger.put("charge", charge | {"disputed": True}, parent=invoice)
    world.happened("charge.dispute.created", made)
    return made


def decide(world: World, dispute_id: str, status: str) -> Thing:
    """The bank has decided a dispute: ``won``, ``lost`` or another of Stripe's words."""
    decided = world.need("dispute", dispute_id, "dispute") | {"status": status}
    world.ledger.put("dispute", decided, parent=decided["payment_intent"])
    world.happened("charge.dispute.closed", decided)
    return decided


def every(world: World, params: Params) -> Thing:
    """Refunds, newest first; of one charge or one intent if asked for."""
    return page(_about(world, "refund", params), params, "/v1/refunds", "refund")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One refund."""
    return world.need("refund", id_, "refund")


def every_dispute(world: World, params: Params) -> Thing:
    """Disputes, newest first; about one charge or one intent if asked for."""
    return page(_about(world, "dispute", params), params, "/v1/disputes", "dispute")


def retrieve_dispute(world: World, params: Params, id_: str) -> Thing:
    """One dispute."""
    return world.need("dispute", id_, "dispute")


def _about(world: World, kind: str, params: Params) -> list[Thing]:
    return [
        thing
        for thing in reversed(world.ledger.every(kind, params.get("payment_intent")))
        if params.get("charge", thing["charge"]) == thing["charge"]
        and within(thing, "created", params.get("created"))
    ]


def _charge(world: World, invoice: str) -> Thing:
    charges = world.ledger.every("charge", invoice)
    if not charges:
        raise Refused(NO_CHARGE)
    return charges[-1]
