"""What stands around a model: unit conversion, included quantity, prorated tiers."""

from fractions import Fraction

from domain.errors import InvalidInput
from domain.pricing import Flat, GraduatedPercentage, Model, Percentage, Tiered
from domain.pricing.fields import Fields

ROUNDINGS = ("none", "up", "down", "half_up")


def conversion(fields: Fields) -> tuple[Fraction, str]:
    """Read ``unit_conversion``: what to divide by, and how to round then."""
    nested = fields.nested("unit_conversion")
    if nested is None:
        return Fraction(1), "none"
    divide_by = Fraction(nested.decimal("divide_by", above_zero=True))
    rounding = nested.choice("round", *ROUNDINGS)
    nested.done()
    return divide_by, rounding


def included_quantity(fields: Fields, model: Model) -> Fraction:
    """Read ``included_quantity``.

    Raises:
        InvalidInput: the model has no units that could be included.
    """
    included = fields.exact("included_quantity", "0")
    if included and isinstance(model, Flat):
        raise InvalidInput(
            "included_quantity means nothing to a flat price; leave it out",
            field="included_quantity",
        )
    if included and isinstance(model, Percentage | GraduatedPercentage):
        raise InvalidInput(
            "a percentage has no included_quantity; say included_amount, or a first tier at rate 0",
            field="included_quantity",
        )
    return included


def prorate_tiers(fields: Fields, model: Model) -> bool:
    """Read ``prorate_tiers``.

    Raises:
        InvalidInput: the model has no tiers.
    """
    wanted = fields.flag("prorate_tiers", default=False)
    if wanted and not isinstance(model, Tiered):
        raise InvalidInput(f"a {model.name} price has no tiers to prorate", field="prorate_tiers")
    return wanted
