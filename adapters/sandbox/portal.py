"""The customer portal's sessions in the sandbox: short-lived links, never kept."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.world import World


def create(world: World, params: dict[str, Any]) -> Thing:
    """A link to the customer's own pages; a customer that is gone has none."""
    customer = world.need("customer", params.get("customer", ""), "customer", status=400)
    id_ = world.ledger.new_id("bps")
    return {
        "id": id_,
        "object": "billing_portal.session",
        "configuration": params.get("configuration", "bpc_sandbox"),
        "created": world.now(),
        "customer": customer["id"],
        "flow": params.get("flow_data"),
        "livemode": False,
        "locale": params.get("locale"),
        "return_url": params.get("return_url"),
        "url": f"https://billing.stripe.com/p/session/{id_}",
    }
