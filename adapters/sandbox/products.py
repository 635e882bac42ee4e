"""Products and prices in the sandbox, and what a line with a price comes to."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged, merged_metadata
from adapters.sandbox.paging import listing
from adapters.sandbox.refusals import Refused, invalid, missing
from adapters.sandbox.world import World

Params = dict[str, Any]

DECIMALS_MAX = 12


def create(world: World, params: Params) -> Thing:
    """A new product, under an id of the caller's choice if given."""
    id_ = params.get("id") or world.ledger.new_id("prod")
    if world.ledger.get("product", id_):
        message = f"Product already exists with id: {id_}"
        raise Refused(message, code="resource_already_exists", param="id")
    now = world.now()
    blank: Thing = {
        "id": id_,
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "livemode": False,
        "metadata": {},
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": now,
    }
    return _keep(world, merged(blank, _taxed(params)), "product.created")


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One product."""
    return world.need("product", id_, "id")


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed product."""
    changed = merged(world.need("product", id_, "id"), _taxed(params))
    return _keep(world, changed | {"updated": world.now()}, "product.updated")


def every(world: World, params: Params) -> Thing:
    """Products, newest first."""
    ids, active = params.get("ids"), params.get("active")

    def wanted(product: Thing) -> bool:
        return (ids is None or product["id"] in ids) and active in (None, product["active"])

    return listing(world.ledger, "product", params, "/v1/products", matches=wanted)


def create_price(world: World, params: Params) -> Thing:
    """A new price."""
    price = price_of(world, params, "")
    price |= {"metadata": merged_metadata({}, params), "nickname": params.get("nickname")}
    world.happened("price.created", price)
    return price


def retrieve_price(world: World, params: Params, id_: str) -> Thing:
    """One price."""
    return world.need("price", id_, "price")


def price_of(world: World, data: Params, path: str) -> Thing:
    """The price that ``price_data`` makes; it is kept. path: of the parameter, to name it.

    Raises:
        Refused: there is no such product, or it says no unit amount, or one too fine.
    """
    product = data.get("product")
    if "product_data" in data:
        product = create(world, data["product_data"])["id"]
    if product is None or world.ledger.get("product", product) is None:
        raise missing("product", str(product), _within(path, "product"), status=400)
    unit = data.get("unit_amount_decimal", data.get("unit_amount"))
    if unit is None or ("unit_amount" in data and "unit_amount_decimal" in data):
        ways = "unit_amount, unit_amount_decimal"
        raise invalid(f"You must specify exactly one of these parameters: {ways}.", path or None)
    exact = plain(unit, _within(path, "unit_amount_decimal"))
    price = {
        "id": world.ledger.new_id("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": world.now(),
        "currency": data["currency"],
        "livemode": False,
        "metadata": {},
        "product": product,
        "recurring": data.get("recurring"),
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "type": "recurring" if data.get("recurring") else "one_time",
        "unit_amount": int(exact) if Decimal(exact) == int(Decimal(exact)) else None,
        "unit_amount_decimal": exact,
    }
    return world.ledger.put("price", price)


def amount_of(unit: str, quantity: str | int) -> int:
    """Quantity times unit amount in whole minor units, a half away from zero."""
    exact = Decimal(unit) * Decimal(quantity)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def plain(number: str | int, path: str) -> str:
    """A decimal without exponent.

    Raises:
        Refused: it has more decimals than Stripe takes.
    """
    text = format(Decimal(number), "f")
    if len(text.partition(".")[2]) > DECIMALS_MAX:
        message = f"Invalid decimal: {text}; must contain at maximum {DECIMALS_MAX} decimal places."
        raise invalid(message, path, "parameter_invalid_decimal")
    return text


def _taxed(params: Params) -> Params:
    """A product's parameters, with the tax code where every version of the API shows it."""
    details = params.get("tax_details") or {}
    return {**params, "tax_code": details["tax_code"]} if "tax_code" in details else params


def _keep(world: World, product: Thing, happened: str) -> Thing:
    world.ledger.put("product", product)
    world.happened(happened, product)
    return product


def _within(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
