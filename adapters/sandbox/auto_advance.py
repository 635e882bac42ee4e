"""Drafts of the sandbox that finalize by themselves when their time comes.

Source: https://docs.stripe.com/invoicing/integration/automatic-advancement-collection
"""

from typing import Any

from adapters.sandbox import issuing
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.totals import keep
from adapters.sandbox.world import World

AFTER_CREATION_S = 3601
AFTER_DELIVERY_S = 3600
COLLECTED_AFTER_S = 3600
AT_THE_LATEST_S = 72 * 3600
"""Without a delivery of ``invoice.created`` that was taken, Stripe waits no longer than that."""

PLAN = "advance"


def register(world: World) -> None:
    """Let time and taken deliveries advance drafts."""
    world.at_each_moment.append(lambda: _advance_due(world))
    world.at_delivery.append(lambda event: _told(world, event))


def begun(world: World, invoice: Thing, params: dict[str, Any]) -> Thing:
    """A new draft with its times: when it finalizes if it advances by itself."""
    waits = AT_THE_LATEST_S if world.delivers else AFTER_CREATION_S
    at = params.get("automatically_finalizes_at", invoice["created"] + waits)
    told = None if world.delivers else invoice["created"]
    return planned(world, invoice | {"finalizes_at": at, "webhooks_delivered_at": told})


def updated(world: World, invoice: Thing, params: dict[str, Any]) -> Thing:
    """A draft whose plan may have changed: switched off, on again, or set to an instant."""
    at = params.get("automatically_finalizes_at", invoice.get("finalizes_at"))
    return planned(world, invoice | {"finalizes_at": at})


def planned(world: World, invoice: Thing) -> Thing:
    """An invoice that shows its plan, and is noted under it; only a draft has one."""
    note = f"{PLAN}_{invoice['id']}"
    at = invoice.get("finalizes_at") if invoice["auto_advance"] else None
    if invoice["status"] != "draft" or at is None:
        if invoice.get("automatically_finalizes_at"):
            world.ledger.drop(note)
        return invoice | {"automatically_finalizes_at": None, "next_payment_attempt": None}
    world.ledger.put(PLAN, {"id": note, "invoice": invoice["id"], "at": at})
    charged = invoice["collection_method"] == "charge_automatically"
    attempt = invoice["created"] + COLLECTED_AFTER_S if charged else None
    return invoice | {"automatically_finalizes_at": at, "next_payment_attempt": attempt}


def _advance_due(world: World) -> None:
    now = world.now()
    for plan in sorted(world.ledger.every(PLAN), key=lambda plan: int(plan["at"])):
        if plan["at"] <= now:
            world.ledger.drop(plan["id"])
            _advance(world, plan["invoice"])


def _advance(world: World, id_: str) -> None:
    """Finalize; what cannot be finalized stays a draft that says why."""
    invoice = world.ledger.get("invoice", id_)
    if invoice is None or invoice["status"] != "draft":
        return
    try:
        issuing.finalize(world, {}, id_)
    except Refused as refused:
        failed = world.need("invoice", id_, "invoice") | {"finalizes_at": None}
        if refused.traced:
            world.ledger.put("invoice", planned(world, failed), parent=failed["customer"])
        else:
            failed["last_finalization_error"] = refused.body["error"]
            keep(world, planned(world, failed), "invoice.finalization_failed")


def _told(world: World, event: Thing) -> None:
    """An endpoint has taken ``invoice.created``: the hour begins."""
    if event["type"] != "invoice.created":
        return
    invoice = world.ledger.get("invoice", event["data"]["object"]["id"])
    if invoice is None or invoice["status"] != "draft" or invoice.get("webhooks_delivered_at"):
        return
    now = world.now()
    told = invoice | {"webhooks_delivered_at": now, "finalizes_at": now + AFTER_DELIVERY_S}
    world.ledger.put("invoice", planned(world, told), parent=invoice["customer"])
