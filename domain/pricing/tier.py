"""Tiers: bounds and rates shared by the tiered models."""

from dataclasses import dataclass
from fractions import Fraction

from domain.errors import InvalidInput
from domain.pricing.fields import Fields

TIERS_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """Up to and including ``up_to`` units (``None``: without end), in minor units."""

    up_to: Fraction | None
    unit_amount: Fraction
    flat_amount: Fraction


def parse_tiers(fields: Fields) -> tuple[Tier, ...]:
    """Read ``tiers``: bounds strictly ascending, the last one open.

    Raises:
        InvalidInput: a gap, a bound out of order, or no open last tier.
    """
    rows = fields.objects("tiers")
    if len(rows) > TIERS_MAX:
        raise InvalidInput(
            f"{fields.name('tiers')} must have at most {TIERS_MAX} tiers",
            field=fields.name("tiers"),
        )
    tiers = tuple(_tier(row, last=number == len(rows)) for number, row in enumerate(rows, 1))
    floor = Fraction(0)
    for row, tier in zip(rows, tiers, strict=True):
        if tier.up_to is not None and tier.up_to <= floor:
            raise InvalidInput(
                f"{row.name('up_to')} must be above the bound of the tier before it",
                field=row.name("up_to"),
            )
        floor = tier.up_to or floor
    return tiers


def _tier(row: Fields, *, last: bool) -> Tier:
    open_ended = row.get("up_to") is None
    if open_ended != last:
        raise InvalidInput(
            f"{row.name('up_to')} must be null in the last tier and a number in all others",
            field=row.name("up_to"),
        )
    tier = Tier(
        up_to=None if open_ended else row.exact("up_to"),
        unit_amount=row.exact("unit_amount", "0"),
        flat_amount=row.exact("flat_amount", "0"),
    )
    row.done()
    return tier
