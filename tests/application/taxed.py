"""Organizations under automatic tax, and what Stripe holds of them."""

from typing import Any

from tests.january import FEBRUARY, day
from tests.stripe_memory import CYCLE
from tests.world import World, world

FEE, SEATS = "fee/a1/base@1", "fee/a2/seat@1"
SOFTWARE = "txcd_10103001"
BERLIN = {"country": "DE", "postal_code": "10115", "city": "Berlin"}


def taxed(**policies: Any) -> World:
    """acme in its fifth day, with a machine and a seat, and Stripe Tax at 19 percent."""
    made = world()
    made.register(policies={"automatic_tax": True} | policies)
    made.price("hosting", model="flat", amount="5000", tax_code=SOFTWARE)
    made.service("host", "hosting")
    made.attach("a1", "machine", day(1))
    made.attach("a2", "seat", day(1))
    made.sandbox.dashboard.tax_automatically(19)
    made.travel(day(5))
    return made


def synced(**policies: Any) -> World:
    made = taxed(**policies)
    made.reconciler.sync(CYCLE, "worker")
    (customer,) = made.sandbox.world.ledger.every("customer")
    made.sandbox.dashboard.edit_customer(customer["id"], address=BERLIN)
    return made


def ended(made: World) -> World:
    made.travel(FEBRUARY.replace(hour=13))
    made.advance()
    return made


def invoice(made: World) -> dict[str, Any]:
    (only,) = made.sandbox.world.ledger.every("invoice")
    return only


def held(made: World) -> dict[str, int]:
    every = made.sandbox.world.ledger.every("line")
    return {each["metadata"].get("line_key", "by hand"): each["amount"] for each in every}


def products(made: World) -> dict[str, str | None]:
    return {each["id"]: each["tax_code"] for each in made.sandbox.world.ledger.every("product")}


def paths(made: World) -> list[str]:
    return [f"{each['method']} {each['path']}" for each in made.sandbox.transport.calls]
