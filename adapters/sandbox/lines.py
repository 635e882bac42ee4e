"""Invoice lines in the sandbox: what a row makes of them, and the bulk calls.

Behind every line that is not a subscription's stands an invoice item of the same number: ``il_7``
shows ``ii_7``. An item that is pending is a line whose parent is the customer.
"""

from typing import Any

from adapters.sandbox import drafts, invoice_items, rows
from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page
from adapters.sandbox.refusals import missing
from adapters.sandbox.totals import lines_of, shown_line
from adapters.sandbox.world import World

Params = dict[str, Any]


def every(world: World, params: Params, id_: str) -> Thing:
    """An invoice's lines. This list, unlike the one inline, does not say how many there are."""
    world.need("invoice", id_, "invoice")
    found = [shown_line(line) for line in lines_of(world, id_)]
    return page(found, params, f"/v1/invoices/{id_}/lines", "line")


def add(world: World, params: Params, id_: str) -> Thing:
    """The invoice with more lines."""
    invoice, held = drafts.need(world, id_, "invoice"), _held(world, id_)
    drafts.check_room(len(held) + len(params["lines"]), "lines")
    for place, row in enumerate(params["lines"]):
        if "invoice_item" in row:
            line = invoice_items.attached(world, invoice, row, f"lines[{place}]")
        else:
            line = rows.blank(world, invoice["currency"], invoice["customer"])
        line = rows.merged(world, line | {"invoice": id_}, row, f"lines[{place}]")
        held[line["id"]] = world.ledger.put("line", line, parent=id_)
    return drafts.changed(world, invoice, params, [*held.values()])


def update(world: World, params: Params, id_: str) -> Thing:
    """The invoice with lines changed."""
    invoice, held = drafts.need(world, id_, "id"), _held(world, id_)
    for place, row in enumerate(params["lines"]):
        line = rows.merged(world, _own(held, row, place), row, f"lines[{place}]")
        held[line["id"]] = world.ledger.put("line", line, parent=id_)
    return drafts.changed(world, invoice, params, [*held.values()])


def update_one(world: World, params: Params, id_: str, line_id: str) -> Thing:
    """One changed line."""
    update(world, {"lines": [{**params, "id": line_id}]}, id_)
    return shown_line(world.need("line", line_id, "line"))


def remove(world: World, params: Params, id_: str) -> Thing:
    """The invoice with fewer lines; their items are destroyed, or pending again."""
    invoice, held = drafts.need(world, id_, "id"), _held(world, id_)
    for place, row in enumerate(params["lines"]):
        line = _own(held, row, place)
        if row.get("behavior") == "unassign":
            invoice_items.set_aside(world, line, invoice["customer"])
        else:
            world.ledger.drop(line["id"])
        del held[line["id"]]
    return drafts.changed(world, invoice, params, [*held.values()])


def _held(world: World, invoice: str) -> dict[str, Thing]:
    """An invoice's lines by id, in their order."""
    return {line["id"]: line for line in lines_of(world, invoice)}


def _own(held: dict[str, Thing], row: Params, place: int) -> Thing:
    """The invoice's line that a row is about."""
    line = held.get(row["id"])
    if line is None:
        raise missing("line item", row["id"], f"lines[{place}][id]", status=400)
    return line
