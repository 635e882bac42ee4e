"""Customers in the sandbox."""

from typing import Any

from adapters.sandbox import balance
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged
from adapters.sandbox.paging import listing
from adapters.sandbox.refusals import Refused, missing
from adapters.sandbox.world import World

Params = dict[str, Any]

GONE = "deleted_customer"
"""The kind that a customer is of after it was deleted. Its invoices stay."""


def create(world: World, params: Params) -> Thing:
    """A new customer."""
    customer: Thing = {
        "id": world.ledger.new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.now(),
        "currency": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "name": None,
        "livemode": False,
        "metadata": {},
        "phone": None,
        "tax_exempt": "none",
    }
    return _changed(world, customer, params, "customer.created")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One customer; of a deleted one, that it is."""
    return world.ledger.get(GONE, id_) or world.need("customer", id_, "id")


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed customer."""
    return _changed(world, world.need("customer", id_, "id"), params, "customer.updated")


def delete(world: World, params: Params, id_: str) -> Thing:
    """A customer that nothing can be written for any more; its subscriptions end."""
    customer = world.need("customer", id_, "id")
    for subscription in world.ledger.every("subscription", id_):
        if subscription["status"] != "canceled":
            ended = {"status": "canceled", "canceled_at": world.now(), "ended_at": world.now()}
            world.ledger.put("subscription", subscription | ended, parent=id_)
            world.happened("customer.subscription.deleted", subscription | ended)
    world.happened("customer.deleted", customer)
    world.ledger.drop(id_)
    return world.ledger.put(GONE, {"id": id_, "object": "customer", "deleted": True})


def every(world: World, params: Params) -> Thing:
    """Customers, newest first."""

    def wanted(customer: Thing) -> bool:
        return bool(params.get("email", customer["email"]) == customer["email"])

    return listing(world.ledger, "customer", params, "/v1/customers", matches=wanted)


def alive(world: World, id_: str) -> Thing:
    """The customer of something that is about to be written.

    Raises:
        Refused: it was deleted.
    """
    customer = world.ledger.get("customer", id_)
    if customer is None:
        raise missing("customer", id_, "customer", status=400)
    return customer


def check_currency(world: World, customer: Thing, currency: str) -> None:
    """Refuse a currency other than that of what is under way for the customer."""
    subscriptions = world.ledger.every("subscription", customer["id"])
    under_way = [each for each in subscriptions if each["status"] != "canceled"]
    for thing in (*under_way, *world.ledger.every("line", customer["id"])):
        if thing["currency"] != currency:
            raise Refused(
                "You cannot combine currencies on a single customer. This customer has an active "
                "subscription, subscription schedule, discount, quote, or invoice item with "
                f"currency {thing['currency']}."
            )


def _changed(world: World, customer: Thing, params: Params, happened: str) -> Thing:
    fields = {name: value for name, value in params.items() if name != "balance"}
    changed = world.ledger.put("customer", merged(customer, fields))
    if difference := params.get("balance", changed["balance"]) - changed["balance"]:
        why = "initial" if happened == "customer.created" else "adjustment"
        balance.move(world, changed, difference, why)
    world.happened(happened, changed)
    return changed
