"""What the demo's cloud platform sells: meters, prices in three currencies, and services."""

from collections.abc import Iterator, Mapping
from typing import Any

CURRENCIES = ("usd", "eur", "jpy")

METERS: Mapping[str, Mapping[str, Any]] = {
    "cpu_seconds": {"aggregation": "sum", "unit": "second", "dimensions": ["region"]},
    "egress_gb": {"aggregation": "sum", "unit": "GB", "dimensions": ["region"]},
    "connections": {"aggregation": "max", "unit": "connection"},
    "stored_gib": {"aggregation": "time_weighted", "unit": "GiB"},
    "active_users": {"aggregation": "unique", "unit": "user"},
    "deploys": {"aggregation": "count", "unit": "deploy"},
}

HOURS = {"divide_by": "3600", "round": "none"}

PRICES: tuple[Mapping[str, Any], ...] = (
    {
        "price": "machine",
        "name": "Machine",
        "kind": "recurring",
        "model": "per_unit",
        "unit_amount": ("2400", "2200", "3600"),
    },
    {
        "price": "machine-xl",
        "name": "Large machine",
        "kind": "recurring",
        "model": "per_unit",
        "unit_amount": ("5200", "4800", "7800"),
    },
    {
        "price": "cpu",
        "name": "CPU hours",
        "kind": "metered",
        "meter": "cpu_seconds",
        "model": "graduated",
        "unit_conversion": HOURS,
        "group_by": ["region"],
        "tiers": (("500", ("4", "3.6", "6")), (None, ("2.5", "2.25", "3.75"))),
    },
    {
        "price": "database",
        "name": "Database",
        "kind": "recurring",
        "model": "flat",
        "amount": ("4900", "4500", "7500"),
    },
    {
        "price": "connections",
        "name": "Connections at peak",
        "kind": "metered",
        "meter": "connections",
        "model": "per_unit",
        "included_quantity": "20",
        "unit_amount": ("25", "23", "38"),
    },
    {
        "price": "storage",
        "name": "Storage, by GiB and hour",
        "kind": "metered",
        "meter": "stored_gib",
        "model": "per_unit",
        "unit_conversion": HOURS,
        "unit_amount": ("0.014", "0.013", "0.021"),
    },
    {
        "price": "egress",
        "name": "Bandwidth",
        "kind": "metered",
        "meter": "egress_gb",
        "model": "graduated",
        "scope": "organization",
        "group_by": ["region"],
        "tiers": (
            ("100", ("0", "0", "0")),
            ("1000", ("8", "7.5", "12")),
            (None, ("5", "4.5", "7.5")),
        ),
    },
    {
        "price": "seats",
        "name": "Active users",
        "kind": "metered",
        "meter": "active_users",
        "model": "per_unit",
        "included_quantity": "3",
        "unit_amount": ("900", "830", "1350"),
    },
    {
        "price": "deploys",
        "name": "Deploys",
        "kind": "metered",
        "meter": "deploys",
        "model": "per_unit",
        "included_quantity": "50",
        "unit_amount": ("5", "4.6", "7.5"),
    },
)
"""Amounts are minor units, one for each of ``CURRENCIES``; a tier is (up to, unit amounts)."""

SERVICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "machine": ("App machine", ("machine", "cpu")),
    "machine-xl": ("Large app machine", ("machine-xl", "cpu")),
    "database": ("Managed database", ("database", "connections")),
    "volume": ("Volume", ("storage",)),
    "network": ("Network", ("egress",)),
    "team": ("Team", ("seats", "deploys")),
}

_AMOUNTS = ("amount", "unit_amount")


def named(thing: str, currency: str) -> str:
    """A price's or a service's id in a currency.

    >>> named("machine", "usd"), named("machine", "eur")
    ('machine', 'machine-eur')
    """
    return thing if currency == CURRENCIES[0] else f"{thing}-{currency}"


def price_bodies() -> Iterator[dict[str, Any]]:
    """Every price as it is published over the API."""
    for place, currency in enumerate(CURRENCIES):
        for price in PRICES:
            yield _body(price, place, currency)


def service_bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every service's id, and how it is defined over the API."""
    for currency in CURRENCIES:
        for service, (name, prices) in SERVICES.items():
            wanted = [named(price, currency) for price in prices]
            yield named(service, currency), {"name": name, "prices": wanted}


def _body(price: Mapping[str, Any], place: int, currency: str) -> dict[str, Any]:
    body = {**price, "price": named(price["price"], currency), "currency": currency}
    for field in _AMOUNTS:
        if field in body:
            body[field] = body[field][place]
    if "tiers" in body:
        tiers = body["tiers"]
        body["tiers"] = [{"up_to": up_to, "unit_amount": each[place]} for up_to, each in tiers]
    return body
