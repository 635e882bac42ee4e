"""Invoice lines in the sandbox, and the bulk calls that change them."""

from typing import Any

from adapters.sandbox.customers import merged_metadata
from adapters.sandbox.invoices import keep, recounted
from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page
from adapters.sandbox.refusals import Refused, invalid, missing
from adapters.sandbox.world import World

Params = dict[str, Any]

LINES_MAX = 250


def every(world: World, params: Params, id_: str) -> Thing:
    """An invoice's lines, oldest first."""
    world.need("invoice", id_, "invoice")
    found = world.ledger.every("line", id_)
    return page(found, params, f"/v1/invoices/{id_}/lines", "line")


def add(world: World, params: Params, id_: str) -> Thing:
    """The invoice with more lines."""
    invoice = _draft(world, id_, "invoice")
    present = len(world.ledger.every("line", id_))
    if present + len(params["lines"]) > LINES_MAX:
        raise Refused(f"Invoices can have at most {LINES_MAX} items.", param="lines")
    for row in params["lines"]:
        world.ledger.put("line", _line(world, invoice, row), parent=id_)
    return _changed(world, invoice, params)


def update(world: World, params: Params, id_: str) -> Thing:
    """The invoice with lines changed."""
    invoice = _draft(world, id_, "id")
    for place, row in enumerate(params["lines"]):
        line = _own_line(world, id_, row["id"], f"lines[{place}][id]")
        world.ledger.put("line", _merged(line, row), parent=id_)
    return _changed(world, invoice, params)


def remove(world: World, params: Params, id_: str) -> Thing:
    """The invoice with fewer lines."""
    invoice = _draft(world, id_, "id")
    for place, row in enumerate(params["lines"]):
        line = _own_line(world, id_, row["id"], f"lines[{place}][id]")
        world.ledger.drop(line["id"])
    return _changed(world, invoice, params)


def _draft(world: World, id_: str, param: str) -> Thing:
    invoice = world.need("invoice", id_, param)
    if invoice["status"] != "draft":
        message = "Invalid invoice: This invoice is no longer editable"
        raise Refused(message, code="invoice_not_editable", param="invoice")
    return invoice


def _own_line(world: World, invoice: str, id_: str, param: str) -> Thing:
    line = world.ledger.get("line", id_)
    if line is None or line["invoice"] != invoice:
        raise missing("line item", id_, param, status=400)
    return line


def _changed(world: World, invoice: Thing, params: Params) -> Thing:
    if world.takes_invoice_metadata:
        metadata = merged_metadata(invoice["metadata"], params, "invoice_metadata")
        invoice = {**invoice, "metadata": metadata}
    return keep(world, recounted(world, invoice), "invoice.updated")


def _line(world: World, invoice: Thing, row: Params) -> Thing:
    now = world.now()
    item = world.ledger.new_id("ii")
    line = {
        "id": world.ledger.new_id("il"),
        "object": "line_item",
        "amount": 0,
        "currency": invoice["currency"],
        "description": None,
        "discountable": True,
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {"invoice_item": item, "proration": False},
        },
        "period": {"start": now, "end": now},
        "quantity": 1,
        "taxes": [],
    }
    return _merged(line, row)


def _merged(line: Thing, row: Params) -> Thing:
    """A line with what a bulk call says of it."""
    plain = ("amount", "description", "discountable", "quantity", "period")
    changed = {**line, **{name: row[name] for name in plain if name in row}}
    if "price_data" in row:
        changed["amount"] = _priced(row)
    if changed["period"]["end"] < changed["period"]["start"]:
        raise invalid("The period end must be after or equal to its start.", "lines")
    return {**changed, "metadata": merged_metadata(line["metadata"], row)}


def _priced(row: Params) -> int:
    """Quantity times unit amount, in whole minor units."""
    price = row["price_data"]
    if "unit_amount" not in price:
        raise invalid("The sandbox prices lines by whole unit amounts only.", "lines")
    return int(price["unit_amount"]) * int(row.get("quantity", 1))
