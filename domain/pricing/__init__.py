"""The price list: one module per pricing model, and the interface they share.

A new model is a module here, its name in ``MODELS`` and in ``Model``, a row in the
schema of prices and a row in the reference page.
"""

from domain.pricing.flat import Flat
from domain.pricing.graduated import Graduated
from domain.pricing.graduated_percentage import GraduatedPercentage
from domain.pricing.package import Package
from domain.pricing.per_unit import PerUnit
from domain.pricing.percentage import Percentage
from domain.pricing.stairstep import Stairstep
from domain.pricing.volume import Volume

__all__ = [
    "MODELS",
    "Flat",
    "Graduated",
    "GraduatedPercentage",
    "Model",
    "Package",
    "PerUnit",
    "Percentage",
    "Stairstep",
    "Tiered",
    "Volume",
]

Tiered = Graduated | Volume | Stairstep | GraduatedPercentage
"""``scaled(share)`` is the same model with tier bounds for a share of a full period."""

Model = Flat | PerUnit | Package | Percentage | Tiered
"""``rate(quantity, share)`` prices a quantity; ``share`` prorates flat amounts.
``linear`` says that pricing parts one by one comes to the same as pricing the whole.
``per_record`` says that single records matter: ``rate_each(values, share)`` prices them."""

MODELS: dict[str, type[Model]] = {
    model.name: model
    for model in (
        Flat,
        PerUnit,
        Package,
        Graduated,
        Volume,
        Stairstep,
        Percentage,
        GraduatedPercentage,
    )
}
