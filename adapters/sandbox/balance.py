"""A customer's balance in the sandbox: below zero it is a credit, above zero a debt.

Source: https://docs.stripe.com/billing/customer/balance
"""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged_metadata
from adapters.sandbox.paging import listing
from adapters.sandbox.world import World

Params = dict[str, Any]


def move(world: World, customer: Thing, amount: int, why: str, **about: Any) -> Thing:
    """Change a balance and note it. why: Stripe's word for it, like ``applied_to_invoice``."""
    customer["balance"] += amount
    world.ledger.put("customer", customer)
    transaction = {
        "id": world.ledger.new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": world.now(),
        "credit_note": None,
        "currency": customer["currency"] or "usd",
        "customer": customer["id"],
        "description": None,
        "ending_balance": customer["balance"],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": why,
        **about,
    }
    return world.ledger.put("balance_transaction", transaction, parent=customer["id"])


def create(world: World, params: Params, customer_id: str) -> Thing:
    """A correction of a balance by hand."""
    customer = world.need("customer", customer_id, "id")
    metadata = merged_metadata({}, params)
    noted = {"description": params.get("description"), "metadata": metadata}
    made = move(
        world, customer, params["amount"], "adjustment", currency=params["currency"], **noted
    )
    world.happened("customer.updated", customer)
    return made


def every(world: World, params: Params, customer_id: str) -> Thing:
    """What changed a balance, newest first."""
    world.need("customer", customer_id, "id")

    def wanted(transaction: Thing) -> bool:
        return bool(params.get("invoice", transaction["invoice"]) == transaction["invoice"])

    url = f"/v1/customers/{customer_id}/balance_transactions"
    return listing(
        world.ledger, "balance_transaction", params, url, parent=customer_id, matches=wanted
    )
