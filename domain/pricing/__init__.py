"""The price list: one module per pricing model, and the interface they share.

A new model is a module here, its name in ``MODELS`` and in ``Model``, a row in the
schema of prices and a row in the reference page.
"""

from domain.pricing.flat import Flat
from domain.pricing.graduated import Graduated
from domain.pricing.per_unit import PerUnit

Model = Flat | PerUnit | Graduated
"""``rate(quantity, share)`` prices a quantity; ``share`` prorates flat amounts.
``linear`` says that pricing parts one by one comes to the same as pricing the whole."""

MODELS: dict[str, type[Flat] | type[PerUnit] | type[Graduated]] = {
    model.name: model for model in (Flat, PerUnit, Graduated)
}
