"""Renewals in the sandbox: each month of a subscription begins with a draft that advances."""

from calendar import monthrange
from datetime import UTC, datetime

from adapters.sandbox import invoices, rows, tax
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.world import World


def register(world: World) -> None:
    """Let time renew subscriptions."""
    world.at_each_moment.append(lambda: _renew_due(world))


def months_after(anchor: int, months: int) -> int:
    """An instant some months later, on the same day or the month's last, in UTC."""
    at = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + years, month + 1
    day = min(at.day, monthrange(year, month)[1])
    return int(at.replace(year=year, month=month, day=day).timestamp())


def turn(subscription: Thing, start: int, end: int) -> None:
    """Let a period begin."""
    for item in subscription["items"]["data"]:
        item |= {"current_period_start": start, "current_period_end": end}


def end(world: World, subscription: Thing) -> Thing:
    """Let a subscription be over."""
    now = world.now()
    ended = subscription | {"status": "canceled", "canceled_at": now, "ended_at": now}
    return keep(world, ended, "customer.subscription.deleted")


def keep(world: World, subscription: Thing, happened: str | None) -> Thing:
    """Keep a subscription and say what happened, if anything did."""
    world.ledger.put("subscription", subscription, parent=subscription["customer"])
    if happened:
        world.happened(happened, subscription)
    return subscription


def _renew_due(world: World) -> None:
    for subscription in world.ledger.every("subscription"):
        while subscription["status"] == "active" and _period(subscription)[1] <= world.now():
            if subscription["cancel_at_period_end"]:
                subscription = end(world, subscription)
            else:
                _renew(world, subscription)


def _renew(world: World, subscription: Thing) -> None:
    """The next month begins: a draft for it, that an hour later is finalized."""
    before, start = _period(subscription)
    months = 1
    while (following := months_after(subscription["billing_cycle_anchor"], months)) <= start:
        months += 1
    turn(subscription, start, following)
    invoice(world, subscription, before, "subscription_cycle")
    keep(world, subscription, "customer.subscription.updated")


def invoice(world: World, subscription: Thing, since: int, reason: str) -> None:
    """A draft: what was pending, then the subscription's own lines."""
    customer = world.need("customer", subscription["customer"], "customer")
    start, _ = _period(subscription)
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    draft = invoices.blank(world, customer, subscription["currency"])
    draft |= {
        "auto_advance": True,
        "billing_reason": reason,
        "collection_method": subscription["collection_method"],
        "days_until_due": subscription["days_until_due"],
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": details},
        "period_start": since,
        "period_end": start,
    }
    given = {"automatic_tax": subscription["automatic_tax"], **_pending(world, subscription)}
    own = [_line(world, subscription, item, draft) for item in subscription["items"]["data"]]
    invoices.begin(world, draft, given, own)
    subscription["latest_invoice"] = draft["id"]
    keep(world, subscription, None)


def _pending(world: World, subscription: Thing) -> dict[str, str]:
    """What waits comes along, unless automatic tax would refuse a part of it."""
    behavior = "include"
    try:
        tax.check_lines(subscription, world.ledger.every("line", subscription["customer"]))
    except Refused:
        behavior = "exclude"
    return {"pending_invoice_items_behavior": behavior}


def _line(world: World, subscription: Thing, item: Thing, draft: Thing) -> Thing:
    start, end_ = _period(subscription)
    line = rows.blank(world, subscription["currency"], subscription["customer"])
    row = {"pricing": {"price": item["price"]["id"]}, "quantity": item["quantity"]}
    details = {"subscription": subscription["id"], "subscription_item": item["id"]}
    line |= {
        "description": f"{item['quantity']} × {item['price']['product']}",
        "invoice": draft["id"],
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {**details, "invoice_item": None, "proration": False},
        },
        "period": {"start": start, "end": end_},
    }
    return rows.merged(world, line, row, "")


def _period(subscription: Thing) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]
