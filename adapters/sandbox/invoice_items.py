"""Invoice items in the sandbox: pending for a customer, or behind a line of a draft."""

from typing import Any

from adapters.sandbox import customers, drafts, rows
from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page, within
from adapters.sandbox.refusals import Refused, missing
from adapters.sandbox.totals import lines_of
from adapters.sandbox.world import World

Params = dict[str, Any]

DESTROYED = "destroyed_item"
"""The kind of what is left of an item whose draft was deleted: enough to say so."""

DELETED = "This invoice item has been deleted."
TOO_LATE = "Can't delete an invoice item that is attached to an invoice that is no longer editable"


def create(world: World, params: Params) -> Thing:
    """A new item: on a draft if one is named, else pending."""
    if invoice_id := params.get("invoice"):
        invoice = drafts.need(world, invoice_id, "invoice")
        drafts.check_room(len(lines_of(world, invoice_id)) + 1, "invoice")
        line = rows.blank(world, invoice["currency"], invoice["customer"])
    else:
        customer = world.need("customer", params.get("customer", ""), "customer", status=400)
        currency = params.get("currency") or customer["currency"] or _currency_of(params)
        customers.check_currency(world, customer, currency)
        line = rows.blank(world, currency, customer["id"])
    line = rows.merged(world, line | {"invoice": invoice_id}, _row(params), "")
    world.ledger.put("line", line, parent=invoice_id or line["item"]["customer"])
    world.happened("invoiceitem.created", shown(line))
    if invoice_id:
        drafts.changed(world, invoice, {})
    return shown(line)


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One item."""
    return shown(_line(world, id_))


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed item, and its line with it."""
    if world.ledger.get(DESTROYED, id_):
        raise Refused(DELETED)
    line = _line(world, id_)
    invoice = drafts.need(world, line["invoice"], "invoice") if line["invoice"] else None
    line = rows.merged(world, line, _row(params), "")
    world.ledger.put("line", line, parent=line["invoice"] or line["item"]["customer"])
    if invoice:
        drafts.changed(world, invoice, {})
    return shown(line)


def delete(world: World, params: Params, id_: str) -> Thing:
    """Nothing left of an item, nor of its line."""
    if world.ledger.get(DESTROYED, id_):
        raise Refused(TOO_LATE)
    line = _line(world, id_)
    invoice = world.ledger.get("invoice", line["invoice"] or "")
    if invoice and invoice["status"] != "draft":
        raise Refused(TOO_LATE)
    world.ledger.drop(line["id"])
    world.happened("invoiceitem.deleted", shown(line))
    if invoice:
        drafts.changed(world, invoice, {})
    return {"id": id_, "object": "invoiceitem", "deleted": True}


def every(world: World, params: Params) -> Thing:
    """Items, newest first: all, or those of a customer or an invoice, pending ones alone."""
    found = [
        shown(line)
        for line in reversed(world.ledger.every("line", params.get("invoice")))
        if _of_an_item(line)
        and params.get("customer", line["item"]["customer"]) == line["item"]["customer"]
        and params.get("pending") in (None, line["invoice"] is None)
    ]
    found = [item for item in found if within(item, "date", params.get("created"))]
    return page(found, params, "/v1/invoiceitems", "invoiceitem")


def attached(world: World, invoice: Thing, row: Params, path: str) -> Thing:
    """A pending item taken onto an invoice, as the newest of its lines."""
    line = world.ledger.get("line", _line_id(row["invoice_item"]))
    if line is None or line["invoice"] or line["item"]["customer"] != invoice["customer"]:
        raise missing("invoiceitem", row["invoice_item"], f"{path}[invoice_item]", status=400)
    world.ledger.drop(line["id"])
    return line


def sweep(world: World, invoice: Thing) -> None:
    """Take the customer's pending items onto a new invoice, the newest first."""
    for line in reversed(world.ledger.every("line", invoice["customer"])):
        if line["currency"] == invoice["currency"]:
            world.ledger.drop(line["id"])
            world.ledger.put("line", line | {"invoice": invoice["id"]}, parent=invoice["id"])


def set_aside(world: World, line: Thing, customer: str) -> None:
    """Make the item behind a line pending again."""
    if not _of_an_item(line):
        raise Refused("Only lines of invoice items can be unassigned.", param="lines")
    world.ledger.put("line", line | {"invoice": None}, parent=customer)


def destroy(world: World, line: Thing) -> None:
    """Delete a line with its draft; of its item only the knowledge is kept that it was there."""
    world.ledger.drop(line["id"])
    if _of_an_item(line):
        world.ledger.put(DESTROYED, {"id": _item_id(line)})


def shown(line: Thing) -> Thing:
    """The item behind a line."""
    same = ("amount", "currency", "description", "discountable", "discounts", "invoice")
    more = ("livemode", "metadata", "period", "pricing", "quantity", "quantity_decimal")
    return {
        "id": _item_id(line),
        "object": "invoiceitem",
        "customer": line["item"]["customer"],
        "date": line["item"]["date"],
        "net_amount": line["amount"],
        "parent": None,
        "proration": False,
        "tax_rates": [],
        **{name: line[name] for name in (*same, *more)},
    }


def _line(world: World, id_: str) -> Thing:
    line = world.ledger.get("line", _line_id(id_))
    if line is None or not _of_an_item(line):
        message = f"No such Invoice Item: '{id_}'(livemode=false)"
        raise Refused(message, status=404, code="resource_missing", param="id")
    return line


def _line_id(item: str) -> str:
    return item.replace("ii_", "il_", 1)


def _item_id(line: Thing) -> str:
    return str(line["id"]).replace("il_", "ii_", 1)


def _of_an_item(line: Thing) -> bool:
    return bool(line["parent"]["type"] == "invoice_item_details" and line.get("item"))


def _currency_of(params: Params) -> str:
    return str(params.get("price_data", {}).get("currency", "usd"))


def _row(params: Params) -> Params:
    return {name: value for name, value in params.items() if name not in ("invoice", "customer")}
