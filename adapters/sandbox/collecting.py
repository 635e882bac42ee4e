"""Trouble with collecting an invoice in the sandbox: declined cards, customers who must act."""

from adapters.sandbox import payments
from adapters.sandbox.ledger import Thing
from adapters.sandbox.totals import keep
from adapters.sandbox.world import World


def decline(world: World, id_: str, message: str, retry_in_s: int | None) -> Thing:
    """An attempt failed; Stripe tries again after a while, or gives up."""
    invoice = world.need("invoice", id_, "invoice")
    error = {"type": "card_error", "code": "card_declined", "message": message}
    status = "requires_payment_method"
    payments.attempt(world, invoice, status=status, last_payment_error=error)
    invoice |= {
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + 1,
        "next_payment_attempt": None if retry_in_s is None else world.now() + retry_in_s,
    }
    return keep(world, invoice, "invoice.payment_failed")


def ask_customer(world: World, id_: str) -> Thing:
    """The bank wants the customer to confirm. Stripe says both: it failed, and what is needed."""
    invoice = world.need("invoice", id_, "invoice")
    payments.attempt(world, invoice, status="requires_action", last_payment_error=None)
    invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    keep(world, invoice, "invoice.payment_failed")
    return keep(world, invoice, "invoice.payment_action_required")


def overdue(world: World, id_: str) -> Thing:
    """The due date went by."""
    return keep(world, world.need("invoice", id_, "invoice"), "invoice.overdue")
