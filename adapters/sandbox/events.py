"""The list of events: what happened in the last thirty days, also what no webhook told."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import listing
from adapters.sandbox.refusals import invalid, missing
from adapters.sandbox.world import World

Params = dict[str, Any]

KEPT_S = 30 * 86_400
TYPES_MAX = 20


def every(world: World, params: Params) -> Thing:
    """Events, newest first: of a type or types, delivered everywhere or not."""
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.")
    types = params.get("types") or [params.get("type", "*")]
    if len(types) > TYPES_MAX:
        raise invalid(f"You may only specify up to {TYPES_MAX} types.", "types")
    since, delivered = world.now() - KEPT_S, params.get("delivery_success")

    def wanted(event: Thing) -> bool:
        if delivered is not None and delivered is bool(event["pending_webhooks"]):
            return False
        return event["created"] >= since and any(_is(event["type"], each) for each in types)

    return listing(world.ledger, "event", params, "/v1/events", matches=wanted)


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One event, as long as it is listed."""
    event = world.need("event", id_, "id")
    if event["created"] < world.now() - KEPT_S:
        raise missing("event", id_, "id")
    return event


def _is(type_: str, wanted: str) -> bool:
    """Whether a type is the one, or of the group such as ``invoice.*``, that is wanted."""
    return type_ == wanted or (wanted.endswith("*") and type_.startswith(wanted[:-1]))
