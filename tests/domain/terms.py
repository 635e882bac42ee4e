"""Terms of prices, as people write them."""

from fractions import Fraction
from typing import Any

from domain.price import Price, parse_price

WHOLE = Fraction(1)
FEE: dict[str, Any] = {
    "price": "base",
    "currency": "usd",
    "kind": "recurring",
    "model": "flat",
    "amount": "3100",
}
RATE: dict[str, Any] = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}
TIERS: list[dict[str, Any]] = [
    {"up_to": "10", "unit_amount": "5", "flat_amount": "31"},
    {"up_to": None, "unit_amount": "3", "flat_amount": "62"},
]
STEPS: list[dict[str, Any]] = [
    {"up_to": "10", "flat_amount": "31"},
    {"up_to": None, "flat_amount": "62"},
]
SHARES: list[dict[str, Any]] = [{"up_to": "1000", "rate": "2"}, {"up_to": None, "rate": "1"}]


def metered(**terms: Any) -> dict[str, Any]:
    common = {key: value for key, value in RATE.items() if key not in ("model", "unit_amount")}
    return common | ({} if "model" in terms else {"model": "per_unit", "unit_amount": "1"}) | terms


def graduated(**terms: Any) -> dict[str, Any]:
    return metered(**({"model": "graduated", "tiers": TIERS} | terms))


def percentage(**terms: Any) -> dict[str, Any]:
    return metered(model="percentage", rate="2", **terms)


def package(**terms: Any) -> dict[str, Any]:
    return metered(**({"model": "package", "package_size": "10", "package_amount": "5"} | terms))


def price(terms: dict[str, Any]) -> Price:
    return parse_price(terms, version=1)


def charged(terms: dict[str, Any], quantity: str, share: str = "1", *records: str) -> list[str]:
    """The steps of a price's arithmetic, each as what it says and comes to."""
    at = price(terms)
    each = [at.converted(Fraction(value)) for value in records]
    charges = at.charges(at.converted(Fraction(quantity)), Fraction(share), each)
    return [f"{charge.what}: {charge.amount}" for charge in charges]
