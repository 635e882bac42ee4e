"""A line of an invoice in the sandbox: what it is made of, and what a row of parameters changes."""

from decimal import Decimal
from typing import Any

from adapters.sandbox import products
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged_metadata
from adapters.sandbox.refusals import invalid
from adapters.sandbox.world import World

Params = dict[str, Any]

DESCRIPTION_MAX = 5000

PLAIN = ("amount", "description", "discountable", "period")
OF_THE_ITEM = ("tax_behavior", "tax_code")
NOT_DONE = ("discounts", "tax_amounts", "tax_rates")
"""What a line may have at Stripe and not here, unless it is empty."""


def blank(world: World, currency: str, customer: str) -> Thing:
    """A line with nothing on it, on no invoice yet."""
    now = world.now()
    number = world.ledger.new_id("il")
    item = number.replace("il_", "ii_", 1)
    return {
        "id": number,
        "object": "line_item",
        "amount": 0,
        "currency": currency,
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {"invoice_item": item, "proration": False},
        },
        "period": {"start": now, "end": now},
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "taxes": [],
        "item": {"customer": customer, "date": now, "tax_behavior": None, "tax_code": None},
    }


def merged(world: World, line: Thing, row: Params, path: str) -> Thing:
    """A line with what a row says of it. path: of the row, to name a parameter.

    Raises:
        Refused: it contradicts itself, or says what the sandbox does not do.
    """
    _check(row, path)
    changed = {**line, **{name: row[name] for name in PLAIN if name in row}}
    own = {name: row[name] or None for name in OF_THE_ITEM if name in row}
    changed["item"] = {**(line.get("item") or {}), **own}
    _count(changed, row, path)
    _price(world, changed, row, path)
    if changed["period"]["end"] < changed["period"]["start"]:
        raise invalid("The period end must be after or equal to its start.", _in(path, "period"))
    return {**changed, "metadata": merged_metadata(line["metadata"], row)}


def _check(row: Params, path: str) -> None:
    for name in NOT_DONE:
        if row.get(name):
            raise invalid(f"The sandbox does not do {name} of a line.", _in(path, name))
    ways = {"amount", "price_data", "pricing", "unit_amount_decimal"} & row.keys()
    if len(ways) > 1:
        listed = ", ".join(sorted(ways))
        raise invalid(f"You may only specify one of these parameters: {listed}.", path or None)
    if "amount" in row and {"quantity", "quantity_decimal"} & row.keys():
        raise invalid("You may only specify one of these parameters: amount, quantity.", path)
    if len(row.get("description") or "") > DESCRIPTION_MAX:
        message = f"Invalid string: must be at most {DESCRIPTION_MAX} characters"
        raise invalid(message, _in(path, "description"), "parameter_invalid_string")


def _count(line: Thing, row: Params, path: str) -> None:
    """Quantities: the whole one is the decimal one, cut off."""
    given = row.get("quantity_decimal", row.get("quantity"))
    if given is None:
        return
    exact = products.plain(given, _in(path, "quantity_decimal"))
    if Decimal(exact) < 0:
        raise invalid("This value must be greater than or equal to 0.", _in(path, "quantity"))
    line |= {"quantity": int(Decimal(exact)), "quantity_decimal": exact}


def _price(world: World, line: Thing, row: Params, path: str) -> None:
    """An amount alone, or what quantity and unit amount come to."""
    if "amount" in row:
        line |= {"pricing": None, "quantity": 1, "quantity_decimal": "1"}
        return
    if price := _price_in(world, row, path):
        if price["currency"] != line["currency"]:
            words = f"The currency of a price is {price['currency']}, not {line['currency']}."
            raise invalid(words, _in(path, "price_data"))
        line["item"]["tax_behavior"] = price["tax_behavior"]
        line["pricing"] = _pricing(price["unit_amount_decimal"], price)
    elif "unit_amount_decimal" in row:
        exact = products.plain(row["unit_amount_decimal"], _in(path, "unit_amount_decimal"))
        line["pricing"] = _pricing(exact, None)
    if line.get("pricing"):
        unit = line["pricing"]["unit_amount_decimal"]
        line["amount"] = products.amount_of(unit, line["quantity_decimal"])


def _price_in(world: World, row: Params, path: str) -> Thing | None:
    if "price_data" in row:
        return products.price_of(world, row["price_data"], _in(path, "price_data"))
    if "pricing" in row:
        return world.need("price", row["pricing"]["price"], _in(path, "pricing[price]"), 400)
    return None


def _pricing(unit: str, price: Thing | None) -> Thing:
    details = {"price": price["id"], "product": price["product"]} if price else None
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": unit}


def _in(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
