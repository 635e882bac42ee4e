"""Customers in the sandbox, and the portal sessions made for them."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page, within
from adapters.sandbox.world import World

Params = dict[str, Any]


def create(world: World, params: Params) -> Thing:
    """A new customer."""
    customer = {
        "id": world.ledger.new_id("cus"),
        "object": "customer",
        "balance": 0,
        "created": world.now(),
        "currency": None,
        "email": None,
        "name": None,
        "livemode": False,
        "metadata": {},
    }
    return _keep(world, merged(customer, params), "customer.created")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One customer."""
    return world.need("customer", id_, "id")


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed customer."""
    return _keep(world, merged(world.need("customer", id_, "id"), params), "customer.updated")


def every(world: World, params: Params) -> Thing:
    """Customers, newest first."""
    found = [
        customer
        for customer in reversed(world.ledger.every("customer"))
        if within(customer, "created", params.get("created"))
        and params.get("email", customer["email"]) == customer["email"]
    ]
    return page(found, params, "/v1/customers", "customer")


def open_portal(world: World, params: Params) -> Thing:
    """A short-lived link to the customer's portal."""
    customer = world.need("customer", params["customer"], "customer", status=400)
    id_ = world.ledger.new_id("bps")
    return {
        "id": id_,
        "object": "billing_portal.session",
        "created": world.now(),
        "customer": customer["id"],
        "livemode": False,
        "return_url": params.get("return_url"),
        "url": f"https://billing.stripe.com/p/session/{id_}",
    }


def events(world: World, params: Params) -> Thing:
    """The last thirty days' events, newest first."""
    since = world.now() - 30 * 86_400
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    found = [
        event
        for event in reversed(world.ledger.every("event"))
        if event["created"] >= since
        and within(event, "created", params.get("created"))
        and (types is None or event["type"] in types)
    ]
    return page(found, params, "/v1/events", "event")


def retrieve_event(world: World, params: Params, id_: str) -> Thing:
    """One event."""
    return world.need("event", id_, "id")


def merged(thing: Thing, params: Params) -> Thing:
    """An object with parameters laid over it; an empty metadata value takes its key away."""
    plain = {name: value for name, value in params.items() if name not in ("expand", "metadata")}
    return {**thing, **plain, "metadata": merged_metadata(thing["metadata"], params)}


def merged_metadata(metadata: dict[str, str], params: Params, field: str = "metadata") -> Params:
    """Metadata after an update."""
    given = params.get(field)
    if given is None:
        return metadata
    if given == "":
        return {}
    return {name: value for name, value in {**metadata, **given}.items() if value != ""}


def _keep(world: World, customer: Thing, happened: str) -> Thing:
    world.ledger.put("customer", customer)
    world.happened(happened, customer)
    return customer
