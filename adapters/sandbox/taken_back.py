"""What is taken back in the sandbox: a credit note by a person, a refund by the bank."""

from typing import Any

from adapters.sandbox import credit_notes, payments
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.totals import keep
from adapters.sandbox.world import World

Params = dict[str, Any]

NOT_OPEN = "You can only void a credit note whose invoice is open."


def void_note(world: World, params: Params, id_: str) -> Thing:
    """A credit note that is void: what it took off is due again."""
    note = world.need("credit_note", id_, "id")
    invoice = world.need("invoice", note["invoice"], "invoice")
    if invoice["status"] != "open" or note["post_payment_amount"]:
        raise Refused(NOT_OPEN)
    if note["status"] == "void":
        raise Refused("This credit note is void already.")
    due = note["pre_payment_amount"]
    invoice["amount_due"] += due
    invoice["amount_remaining"] += due
    invoice["pre_payment_credit_notes_amount"] -= due
    void = note | {"status": "void", "voided_at": world.now()}
    world.ledger.put("credit_note", void, parent=note["invoice"])
    world.happened("credit_note.voided", credit_notes.retrieve(world, {}, id_))
    keep(world, invoice, "invoice.updated")
    return credit_notes.retrieve(world, {}, id_)


def fail_refund(world: World, refund: str, reason: str = "lost_or_stolen_card") -> Thing:
    """Let the bank send money back that was refunded."""
    made = world.need("refund", refund, "refund")
    if made["status"] != "succeeded":
        raise Refused(f"This refund is {made['status']} already.", param="refund")
    failed = made | {"status": "failed", "failure_reason": reason}
    world.ledger.put("refund", failed, parent=made["payment_intent"])
    charge = world.need("charge", made["charge"], "charge")
    left = {"amount_refunded": charge["amount_refunded"] - made["amount"], "refunded": False}
    world.ledger.put("charge", charge | left, parent=_invoice(world, made))
    for type_ in ("refund.failed", "charge.refund.updated"):
        world.happened(type_, failed)
    return failed


def _invoice(world: World, refund: Thing) -> str:
    """Stripe's id of the invoice that was paid with what went back."""
    about = {"payment": {"payment_intent": refund["payment_intent"]}}
    (payment,) = payments.every(world, about)["data"]
    return str(payment["invoice"])
