"""Meters, services and prices."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, pre_dump, validate

from api.limits import PAGE_SIZE_MAX
from api.schemas.fields import Identifier, Instant, Strict, Text, decimal_text
from domain.catalog import AGGREGATIONS
from domain.price import Price, terms_of
from domain.pricing import MODELS

NAMES_MAX = 100


class Decimal(fields.String):
    """A decimal in a string, handed on as it was sent: the domain reads it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        return decimal_text(value)


class MeterDefinitionSchema(Strict):
    """What is counted and how it adds up. Another definition is a new version."""

    aggregation = fields.String(validate=validate.OneOf(AGGREGATIONS))
    unit = Text(64)
    dimensions = fields.List(Text(), validate=validate.Length(max=NAMES_MAX))
    filter = fields.Raw(allow_none=True)
    carry_over = fields.Boolean(truthy={True}, falsy={False})


class MeterSchema(Strict):
    """A meter's newest version."""

    meter = fields.String(attribute="id", required=True)
    version = fields.Integer(required=True)
    aggregation = fields.String(required=True)
    unit = fields.String(required=True)
    dimensions = fields.List(fields.String(), required=True)


class ServiceDefinitionSchema(Strict):
    """A name and prices; a price id means its newest version when a customer attaches."""

    name = Text()
    prices = fields.List(Text(), required=True, validate=validate.Length(max=NAMES_MAX))


class ServiceSchema(Strict):
    """What a customer can attach."""

    service = fields.String(attribute="id", required=True)
    name = fields.String(required=True)
    prices = fields.List(fields.String(), required=True)


class TierSchema(Strict):
    """Up to and including ``up_to`` units; ``null`` in the last tier."""

    up_to = Decimal(allow_none=True)
    unit_amount = Decimal()
    flat_amount = Decimal()


class UnitConversionSchema(Strict):
    """From the meter's unit to the price's."""

    divide_by = Decimal(required=True)
    round = fields.String(validate=validate.OneOf(["none"]))


class PriceTermsSchema(Strict):
    """A price's terms, amounts in minor units of its currency. Other terms are a new version."""

    price = Identifier(required=True)
    name = Text()
    version = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))
    effective_at = Instant(allow_none=True)
    currency = fields.String(required=True, validate=validate.Length(3, 3))
    kind = fields.String(required=True, validate=validate.OneOf(["recurring", "metered"]))
    meter = Identifier(allow_none=True)
    model = fields.String(required=True, validate=validate.OneOf(sorted(MODELS)))
    amount = Decimal()
    unit_amount = Decimal()
    tiers = fields.List(fields.Nested(TierSchema))
    flat_at_zero = fields.Boolean(truthy={True}, falsy={False})
    unit_conversion = fields.Nested(UnitConversionSchema, allow_none=True)
    included_quantity = Decimal(allow_none=True)
    proration = fields.String(validate=validate.OneOf(["second", "none"]))
    billing = fields.String(validate=validate.OneOf(["in_arrears"]))
    scope = fields.String(validate=validate.OneOf(["attachment", "organization"]))
    group_by = fields.List(Text(), validate=validate.Length(max=NAMES_MAX))
    per_group = fields.Boolean(truthy={True}, falsy={False})
    minimum_amount = fields.Raw(allow_none=True, validate=lambda value: _unsupported(value))
    maximum_amount = fields.Raw(allow_none=True, validate=lambda value: _unsupported(value))
    tax_code = Text(allow_none=True)


class PriceSchema(PriceTermsSchema):
    """One version of a price, immutable; its terms as they were published."""

    ref = fields.String(required=True, metadata={"description": "such as cpu@1"})
    version = fields.Integer(required=True)

    @pre_dump
    def _terms(self, price: Price, **_: Any) -> dict[str, object]:
        more = {"ref": price.ref, "version": price.version, "effective_at": price.effective_at}
        return terms_of(price) | more


class PriceListSchema(Strict):
    """Versions of prices, by id and version."""

    data = fields.List(fields.Nested(PriceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PriceQuery(Strict):
    """One price's versions, or all."""

    price = Identifier(load_default=None)
    limit = fields.Integer(load_default=PAGE_SIZE_MAX, validate=validate.Range(1, PAGE_SIZE_MAX))
    cursor = Text(80, load_default=None, metadata={"description": "the ref to go on after"})


def _unsupported(value: object) -> None:
    if value is not None:
        raise ValidationError("is not supported in this release; leave it out")
