"""Writing on a draft in the sandbox: who may, how much fits, and what follows."""

from collections.abc import Sequence
from typing import Any

from adapters.sandbox import customers, tax
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged_metadata
from adapters.sandbox.refusals import Refused
from adapters.sandbox.totals import keep, lines_of, recounted
from adapters.sandbox.world import World

LINES_MAX = 250
NOT_EDITABLE = "Invalid invoice: This invoice is no longer editable"


def need(world: World, id_: str, param: str) -> Thing:
    """An invoice whose lines may be changed.

    Raises:
        Refused: there is none, it is no draft any more, or its customer is gone.
    """
    invoice = world.need("invoice", id_, param)
    if invoice["status"] != "draft":
        raise Refused(NOT_EDITABLE, code="invoice_not_editable", param="invoice")
    customers.alive(world, invoice["customer"])
    return invoice


def check_room(count: int, param: str) -> None:
    """Refuse more lines than an invoice holds. The words are ours."""
    if count > LINES_MAX:
        raise Refused(f"Invoices can have at most {LINES_MAX} items.", param=param)


def changed(
    world: World, invoice: Thing, params: dict[str, Any], lines: Sequence[Thing] | None = None
) -> Thing:
    """Keep an invoice whose lines have changed. lines: what they are now, if that is at hand."""
    if world.takes_invoice_metadata:
        metadata = merged_metadata(invoice["metadata"], params, "invoice_metadata")
        invoice = {**invoice, "metadata": metadata}
    now = lines_of(world, invoice["id"]) if lines is None else lines
    tax.check_lines(invoice, now)
    return keep(world, recounted(invoice, now), "invoice.updated", now)
