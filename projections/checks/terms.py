"""Prices by their JSON as it was published: what a quantity costs, in exact minor units."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from domain.events.base import Recorded
from domain.events.catalog import PriceOverridden, PricePublished

Terms = Mapping[str, Any]
ZERO, ONE = Fraction(0), Fraction(1)
TEN_STEPS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
HUNDRED_STEPS = frozenset(["isk", "ugx"])
Key = TypeVar("Key", str, tuple[tuple[str, str], ...])


def price_list(catalog: Iterable[Recorded]) -> dict[str, Terms]:
    """Every price version's terms by its ref."""
    found: dict[str, Terms] = {}
    for recorded in catalog:
        match recorded.event:
            case PricePublished() as said:
                found[f"{said.price}@{said.version}"] = said.terms
            case PriceOverridden() as said:
                found[f"{said.price}@{said.version}.{said.organization}"] = said.terms
    return found


def step(currency: str) -> int:
    """The smallest amount of a line, in minor units."""
    return 10 if currency in TEN_STEPS else 100 if currency in HUNDRED_STEPS else 1


def cents(amount: Fraction, currency: str) -> int:
    """Rounded once, half away from zero, to the currency's step."""
    steps = abs(amount) / step(currency)
    whole = int(steps + Fraction(1, 2))
    return (whole if amount > 0 else -whole) * step(currency)


def shared_out(total: int, weights: Mapping[Key, Fraction], currency: str) -> dict[Key, int]:
    """An amount in parts by weight: whole steps, the largest remainders first, then by key."""
    unit, whole = step(currency), sum(weights.values(), ZERO)
    exact = {key: weight * total / whole / unit for key, weight in weights.items()}
    parts = {key: value.__floor__() for key, value in exact.items()}
    for key in sorted(parts, key=lambda key: (parts[key] - exact[key], key))[
        : total // unit - sum(parts.values())
    ]:
        parts[key] += 1
    return {key: count * unit for key, count in parts.items()}


def number(terms: Terms, field: str) -> Fraction:
    """A decimal of the terms, 0 where absent."""
    return Fraction(terms.get(field) or 0)


def scales(terms: Terms, quantity: Fraction) -> Fraction:
    """From the unit of the meter to the unit of the price."""
    conversion = terms.get("unit_conversion") or {"divide_by": "1"}
    divided = quantity / Fraction(conversion["divide_by"])
    return to_whole(divided, conversion.get("round") or "none")


def to_whole(value: Fraction, how: str) -> Fraction:
    """Rounded to a whole number as asked; otherwise exact."""
    match how:
        case "up":
            return Fraction(-((-value) // 1))
        case "down":
            return Fraction(value // 1)
        case "half_up":
            return Fraction((value + Fraction(1, 2)) // 1)
    return value


def single(terms: Terms) -> bool:
    """Whether a percentage looks at single records."""
    if terms["model"] != "percentage":
        return False
    fields = ("fixed_amount", "included_records", "included_amount", "min_per_record")
    return any(number(terms, each) for each in fields) or terms.get("max_per_record") is not None


def costs(
    terms: Terms, quantity: Fraction, share: Fraction = ONE, records: Sequence[Fraction] = ()
) -> Fraction:
    """What a quantity in the meter's unit comes to for a share of a full period."""
    if single(terms):
        return _each(terms, [scales(terms, value) for value in records], share)
    units = max(scales(terms, quantity) - number(terms, "included_quantity") * share, ZERO)
    match terms["model"]:
        case "flat":
            return number(terms, "amount") * share
        case "per_unit":
            return number(terms, "unit_amount") * units
        case "percentage":
            return number(terms, "rate") * units / 100
        case "package":
            packages = units / Fraction(terms["package_size"])
            return to_whole(packages, terms.get("round") or "up") * number(terms, "package_amount")
    return _tiers(terms, units, share)


def _tiers(terms: Terms, units: Fraction, share: Fraction) -> Fraction:
    """One price for all units by the tier they reach, or each tier's own part of them."""
    scale = share if terms.get("prorate_tiers") else ONE
    whole = terms["model"] in ("volume", "stairstep")
    low, total = ZERO, ZERO
    for place, tier in enumerate(terms["tiers"]):
        high = None if tier.get("up_to") is None else Fraction(tier["up_to"]) * scale
        top = units if high is None else min(units, high)
        free = not units and not place and terms.get("flat_at_zero", True) and share > 0
        rate = number(tier, "unit_amount") + number(tier, "rate") / 100
        if units > low or free:
            last = high is None or units <= high
            part = units if whole else top - low
            if last or not whole:
                total += part * rate + number(tier, "flat_amount") * share
        if high is None or units <= high:
            break
        low = high
    return total


def _each(terms: Terms, values: Sequence[Fraction], share: Fraction) -> Fraction:
    """Record by record in the order of time; what is included first costs nothing."""
    records = number(terms, "included_records") * share
    amount = number(terms, "included_amount") * share
    open_records, open_amount = bool(terms.get("included_records")), bool(amount)
    total, seen = ZERO, 0
    over = not open_records and not open_amount
    for value in (value for value in values if value >= 0):
        over = over or (open_records and seen >= records)
        seen += 1
        rest = value if over else max(value - amount, ZERO) if open_amount else ZERO
        if not over:
            amount -= min(value, amount)
            if not rest:
                continue
            over = True
        total += _one(terms, rest)
    return total


def _one(terms: Terms, value: Fraction) -> Fraction:
    cost = value * number(terms, "rate") / 100 + number(terms, "fixed_amount")
    if terms.get("min_per_record") is not None:
        cost = max(cost, number(terms, "min_per_record"))
    if terms.get("max_per_record") is not None:
        cost = min(cost, number(terms, "max_per_record"))
    return cost
