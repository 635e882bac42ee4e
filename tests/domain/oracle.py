"""An oracle for prices: the rules of the reference page, said once more in the plainest way.

It reads a price's JSON, knows nothing of the code it checks, and always counts the longest way:
unit conversion → included quantity → model → minimum → maximum, in exact fractions.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

Terms = Mapping[str, Any]


def owed(
    terms: Terms, quantity: Fraction, share: Fraction = Fraction(1), records: Sequence[Any] = ()
) -> Fraction:
    """What a measured quantity, or single records in the order of time, cost in ``share``."""
    amount = before_bounds(terms, quantity, share, records)
    if terms.get("minimum_amount") is not None:
        amount = max(amount, Fraction(terms["minimum_amount"]) * share)
    if terms.get("maximum_amount") is not None:
        amount = min(amount, Fraction(terms["maximum_amount"]) * share)
    return amount


def before_bounds(
    terms: Terms, quantity: Fraction, share: Fraction, records: Sequence[Any] = ()
) -> Fraction:
    """The same without minimum and maximum."""
    if terms["model"] == "percentage" and records:
        return of_records(terms, [converted(terms, each) for each in records], share)
    units = converted(terms, quantity) - Fraction(terms.get("included_quantity") or 0) * share
    return of_units(terms, max(units, Fraction(0)), share)


def converted(terms: Terms, quantity: Fraction) -> Fraction:
    """From the meter's unit to the price's."""
    conversion = terms.get("unit_conversion") or {"divide_by": "1"}
    return rounded(quantity / Fraction(conversion["divide_by"]), conversion.get("round", "none"))


def rounded(number: Fraction, how: str) -> Fraction:
    """To a whole number, by remainders."""
    below = number - number % 1
    match how:
        case "up":
            return below + (1 if number % 1 else 0)
        case "down":
            return below
        case "half_up":
            return below + (1 if number % 1 >= Fraction(1, 2) else 0)
    return number


def of_units(terms: Terms, units: Fraction, share: Fraction) -> Fraction:
    """What units cost, model by model."""
    match terms["model"]:
        case "flat":
            return Fraction(terms["amount"]) * share
        case "per_unit":
            return Fraction(terms["unit_amount"]) * units
        case "package":
            packages = units / Fraction(terms["package_size"])
            return rounded(packages, terms.get("round", "up")) * Fraction(terms["package_amount"])
        case "percentage":
            return units * Fraction(terms["rate"]) / 100
    return of_tiers(terms, units, share)


def of_tiers(terms: Terms, units: Fraction, share: Fraction) -> Fraction:
    """Bounds one after another; a tier holds (lower bound, upper bound]."""
    scale = share if terms.get("prorate_tiers") else Fraction(1)
    total = lower = Fraction(0)
    for number, tier in enumerate(terms["tiers"]):
        upper = None if tier["up_to"] is None else Fraction(tier["up_to"]) * scale
        each = Fraction(tier.get("unit_amount", 0)) + Fraction(tier.get("rate", 0)) / 100
        flat = Fraction(tier.get("flat_amount", 0)) * share
        free = number == 0 and units == 0 and terms.get("flat_at_zero", True)
        here = free or (units > lower and (upper is None or units <= upper))
        if terms["model"] in ("volume", "stairstep"):
            total += units * each + flat if here else 0
        elif free or units > lower:
            total += (units - lower if upper is None else min(units, upper) - lower) * each + flat
        lower = lower if upper is None else upper
    return total


def of_records(terms: Terms, values: Sequence[Fraction], share: Fraction) -> Fraction:
    """Record by record: is it included, up to where, and what does the rest cost?"""
    records = terms.get("included_records") or 0
    amount = Fraction(terms.get("included_amount") or 0)
    charged = [value for value in values if value >= 0]
    total = before = Fraction(0)
    over = not records and not amount
    for number, value in enumerate(charged):
        over = over or (records > 0 and number >= records * share)
        room = amount * share - before if amount else value
        before += value
        if not over and value <= room:
            continue
        cost = (value if over else value - room) * Fraction(terms["rate"]) / 100
        over = True
        total += within_bounds(terms, cost + Fraction(terms.get("fixed_amount") or 0))
    return total


def within_bounds(terms: Terms, cost: Fraction) -> Fraction:
    """What one record costs, at least and at most."""
    if terms.get("min_per_record") is not None:
        cost = max(cost, Fraction(terms["min_per_record"]))
    if terms.get("max_per_record") is not None:
        cost = min(cost, Fraction(terms["max_per_record"]))
    return cost
