"""Discounts on a whole invoice in the sandbox, given by hand: its total differs from its lines."""

from typing import Any

from adapters.sandbox import drafts
from adapters.sandbox.ledger import Thing
from adapters.sandbox.world import World


def give(
    world: World, invoice_id: str, amount_off: int | None = None, percent_off: Any = None
) -> Thing:
    """Take an amount in minor units, or a percentage, off a draft.

    Raises:
        ValueError: neither or both were said.
    """
    if (amount_off is None) is (percent_off is None):
        raise ValueError("say either amount_off or percent_off")
    invoice = drafts.need(world, invoice_id, "id")
    given = {
        "id": world.ledger.new_id("di"),
        "amount_off": amount_off,
        "percent_off": None if percent_off is None else str(percent_off),
    }
    invoice["discounts"] = [*invoice.get("discounts", []), given["id"]]
    invoice["discounts_given"] = [*invoice.get("discounts_given", []), given]
    return drafts.changed(world, invoice, {})
