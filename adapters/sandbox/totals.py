"""What an invoice in the sandbox comes to, and how it is shown with its first ten lines."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page
from adapters.sandbox.world import World

Params = dict[str, Any]

INLINE_LINES = 10

HIDDEN = "item"
"""What a line remembers for the invoice item behind it; the API shows it at the item."""


def lines_of(world: World, invoice: str) -> list[Thing]:
    """An invoice's lines in Stripe's order: swept in at creation, the subscription's, later."""
    return world.ledger.every("line", invoice)


def recounted(invoice: Thing, lines: Sequence[Thing]) -> Thing:
    """An invoice whose totals follow its lines again, before tax."""
    subtotal = sum(line["amount"] for line in lines)
    discounts = _discounts(invoice.get("discounts_given", []), subtotal)
    total = subtotal - sum(each["amount"] for each in discounts)
    due = max(total, 0)
    return {
        **invoice,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total_discount_amounts": discounts,
        "total_excluding_tax": total,
        "total_taxes": [],
        "total": total,
        "amount_due": due,
        "amount_remaining": due,
    }


def keep(
    world: World, invoice: Thing, happened: str, lines: Sequence[Thing] | None = None
) -> Thing:
    """Keep a changed invoice and say what happened. lines: its lines, if they are at hand."""
    world.ledger.put("invoice", invoice, parent=invoice["customer"])
    answer = shown(world, invoice, lines)
    world.happened(happened, answer)
    return answer


def shown(world: World, invoice: Thing, lines: Sequence[Thing] | None = None) -> Thing:
    """An invoice as the API shows it."""
    every = lines_of(world, invoice["id"]) if lines is None else lines
    inline = [shown_line(line) for line in every[:INLINE_LINES]]
    url = f"/v1/invoices/{invoice['id']}/lines"
    listed = page(inline, {"limit": INLINE_LINES}, url, "line")
    listed |= {"has_more": len(every) > len(inline), "total_count": len(every)}
    visible = {name: value for name, value in invoice.items() if name not in _UNSEEN}
    return {**visible, "lines": listed}


def shown_line(line: Thing) -> Thing:
    """A line as the API shows it."""
    return {name: value for name, value in line.items() if name != HIDDEN}


_UNSEEN = frozenset({"discounts_given", "finalizes_at"})


def _discounts(given: Sequence[Thing], subtotal: int) -> list[Thing]:
    """What each discount takes off, one after the other, never below zero."""
    left, taken = max(subtotal, 0), []
    for discount in given:
        off = discount["amount_off"]
        if off is None:
            exact = Decimal(left) * Decimal(discount["percent_off"]) / 100
            off = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
        taken.append({"amount": min(off, left), "discount": discount["id"]})
        left -= taken[-1]["amount"]
    return taken
