"""Automatic tax in the sandbox: who can be taxed, and what finalizing adds.

Source: https://docs.stripe.com/tax/invoicing
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused, invalid
from adapters.sandbox.totals import keep, lines_of
from adapters.sandbox.world import World

Params = dict[str, Any]

NO_LOCATION = "requires_location_inputs"
LOCATION_UNKNOWN = (
    "The customer's location isn't recognized. Set a valid customer address in order to "
    "automatically calculate tax."
)
NEGATIVE = "Negative line items cannot be used on an invoice with automatic tax."
UNSPECIFIED = "The tax behavior of a price must be specified on an invoice with automatic tax."
NOT_TAXED = "txcd_00000000"


def automatic(world: World, invoice: Thing, params: Params) -> Thing:
    """What an invoice shows of automatic tax, with parameters laid over it."""
    before = invoice.get("automatic_tax") or {"enabled": False}
    given = params.get("automatic_tax") or {}
    enabled = given.get("enabled", before["enabled"])
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": given.get("liability", {"type": "self"}) if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": NO_LOCATION if enabled and not _located(world, invoice) else None,
    }


def check_lines(invoice: Thing, lines: Sequence[Thing]) -> None:
    """Refuse lines that automatic tax does not allow."""
    if not _enabled(invoice):
        return
    if any(line["amount"] < 0 for line in lines):
        raise Refused(NEGATIVE, param="lines")
    if any(line["item"]["tax_behavior"] == "unspecified" for line in lines if line.get("item")):
        raise invalid(UNSPECIFIED, "lines")


def check_location(world: World, invoice: Thing) -> None:
    """Refuse to finalize what cannot be taxed, and leave a trace of that on the invoice."""
    if not _enabled(invoice) or _located(world, invoice):
        return
    code = "customer_tax_location_invalid"
    refused = Refused(LOCATION_UNKNOWN, code=code)
    refused.traced = True
    keep(
        world,
        invoice
        | {
            "automatic_tax": invoice["automatic_tax"] | {"status": NO_LOCATION},
            "last_finalization_error": refused.body["error"],
        },
        "invoice.finalization_failed",
    )
    raise refused


def apply(world: World, invoice: Thing) -> None:
    """Add tax to what an invoice comes to: automatic, or the rate all invoices have."""
    if _enabled(invoice):
        _apply_automatic(world, invoice)
    elif world.tax_percent:
        taxable = invoice["total_excluding_tax"]
        _add(invoice, [_tax(taxable, _share(taxable, world.tax_percent, 100), "exclusive")])


def _apply_automatic(world: World, invoice: Thing) -> None:
    customer = world.need("customer", invoice["customer"], "customer")
    percent = 0 if customer.get("tax_exempt") in ("exempt", "reverse") else world.automatic_tax
    taxes = []
    lines = [line for line in lines_of(world, invoice["id"]) if _taxable(world, line)]
    for behavior in ("exclusive", "inclusive"):
        of_it = sum(line["amount"] for line in lines if _behavior(line) == behavior)
        whole = invoice["subtotal"]
        part = _share(of_it, invoice["total_excluding_tax"], whole) if whole else 0
        within = 100 if behavior == "exclusive" else 100 + percent
        if tax := _share(part, percent, within):
            net = part if behavior == "exclusive" else part - tax
            taxes.append(_tax(net, tax, behavior))
    _add(invoice, taxes)
    invoice["automatic_tax"] = invoice["automatic_tax"] | {"status": "complete"}


def _add(invoice: Thing, taxes: list[Thing]) -> None:
    added = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    inside = sum(tax["amount"] for tax in taxes) - added
    total = invoice["total"] + added
    invoice |= {"total_taxes": taxes, "total": total}
    invoice |= {"total_excluding_tax": invoice["total_excluding_tax"] - inside}
    invoice |= {"subtotal_excluding_tax": invoice["subtotal"] - inside}
    invoice |= {"amount_due": max(total, 0), "amount_remaining": max(total, 0)}


def _tax(taxable: int, amount: int, behavior: str) -> Thing:
    return {
        "amount": amount,
        "tax_behavior": behavior,
        "tax_rate_details": None,
        "taxability_reason": "standard_rated",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def _share(amount: int, part: int, whole: int) -> int:
    """A part of an amount, a half away from zero."""
    exact = Decimal(amount) * part / whole
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _enabled(invoice: Thing) -> bool:
    return bool((invoice.get("automatic_tax") or {}).get("enabled"))


def _located(world: World, invoice: Thing) -> bool:
    """Whether the customer's address says enough: a country, and in the US a ZIP code."""
    customer = world.ledger.get("customer", invoice["customer"]) or {}
    address = customer.get("address") or {}
    country = address.get("country")
    return bool(country and (country != "US" or address.get("postal_code")))


def _behavior(line: Thing) -> str:
    return str((line.get("item") or {}).get("tax_behavior") or "exclusive")


def _taxable(world: World, line: Thing) -> bool:
    item = line.get("item") or {}
    details = (line.get("pricing") or {}).get("price_details") or {}
    product = world.ledger.get("product", details.get("product", "")) or {}
    return (item.get("tax_code") or product.get("tax_code")) != NOT_TAXED
