"""Subscriptions in the sandbox: made, changed, listed, ended. They renew by the month."""

from typing import Any

from adapters.sandbox import customers, issuing, products, renewals, tax
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged, merged_metadata
from adapters.sandbox.paging import listing
from adapters.sandbox.refusals import Refused, invalid
from adapters.sandbox.world import World

Params = dict[str, Any]

MONTHLY_ONLY = "The sandbox renews subscriptions by one month only."
NO_PRORATION = "The sandbox does not prorate: send proration_behavior=none with a later anchor."


def create(world: World, params: Params) -> Thing:
    """An active subscription. Without a later anchor its first month is invoiced at once."""
    customer = world.need("customer", params.get("customer", ""), "customer", status=400)
    now = world.now()
    anchor = params.get("billing_cycle_anchor", now)
    if anchor > now and params.get("proration_behavior") != "none":
        raise invalid(NO_PRORATION, "proration_behavior")
    id_ = world.ledger.new_id("sub")
    items = [_item(world, id_, row, n) for n, row in enumerate(params.get("items", []))]
    if not items:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    currency = items[0]["price"]["currency"]
    customers.check_currency(world, customer, currency)
    subscription = {
        "id": id_,
        "object": "subscription",
        "automatic_tax": params.get("automatic_tax", {"enabled": False}),
        "billing_cycle_anchor": anchor,
        "cancel_at_period_end": params.get("cancel_at_period_end", False),
        "canceled_at": None,
        "collection_method": params.get("collection_method", "charge_automatically"),
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "days_until_due": params.get("days_until_due"),
        "ended_at": None,
        "items": {"object": "list", "data": items, "has_more": False},
        "latest_invoice": None,
        "livemode": False,
        "metadata": merged_metadata({}, params),
        "start_date": now,
        "status": "active",
    }
    tax.check_lines(subscription, [_as_line(item) for item in items])
    end = anchor if anchor > now else renewals.months_after(anchor, 1)
    renewals.turn(subscription, now, end)
    renewals.keep(world, subscription, "customer.subscription.created")
    if anchor <= now:
        renewals.invoice(world, subscription, now, "subscription_create")
        issuing.finalize(world, {}, subscription["latest_invoice"])
    return subscription


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One subscription."""
    return world.need("subscription", id_, "id")


def update(world: World, params: Params, id_: str) -> Thing:
    """A subscription with other metadata, or one that ends with its period."""
    for name in params.keys() - {"cancel_at_period_end", "expand", "metadata"}:
        raise invalid(f"The sandbox does not change {name} of a subscription.", name)
    changed = merged(world.need("subscription", id_, "id"), params)
    return renewals.keep(world, changed, "customer.subscription.updated")


def cancel(world: World, params: Params, id_: str) -> Thing:
    """A subscription that has ended."""
    subscription = world.need("subscription", id_, "id")
    if subscription["status"] == "canceled":
        raise Refused("A canceled subscription can only update its cancellation_details.")
    return renewals.end(world, subscription)


def every(world: World, params: Params) -> Thing:
    """Subscriptions, newest first; ended ones only if all are asked for."""
    status = params.get("status")

    def wanted(subscription: Thing) -> bool:
        if status in (None, "all"):
            return status == "all" or subscription["status"] != "canceled"
        return bool(subscription["status"] == status)

    parent = params.get("customer")
    url = "/v1/subscriptions"
    return listing(world.ledger, "subscription", params, url, parent=parent, matches=wanted)


def _as_line(item: Thing) -> Thing:
    """What an item comes to each month, to see whether it can be taxed."""
    price = item["price"]
    amount = products.amount_of(price["unit_amount_decimal"], item["quantity"])
    return {"amount": amount, "item": {"tax_behavior": price["tax_behavior"]}}


def _item(world: World, subscription: str, row: Params, place: int) -> Thing:
    path = f"items[{place}]"
    if "price_data" in row:
        price = products.price_of(world, row["price_data"], f"{path}[price_data]")
    else:
        price = world.need("price", row.get("price", ""), f"{path}[price]", status=400)
    recurring = price["recurring"] or {}
    if recurring.get("interval") != "month" or recurring.get("interval_count", 1) != 1:
        raise invalid(MONTHLY_ONLY, path)
    return {
        "id": world.ledger.new_id("si"),
        "object": "subscription_item",
        "created": world.now(),
        "metadata": merged_metadata({}, row),
        "price": price,
        "quantity": row.get("quantity", 1),
        "subscription": subscription,
    }
