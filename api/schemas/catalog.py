"""Meters, services and prices."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, pre_dump, validate

from api.limits import PAGE_SIZE_MAX
from api.schemas.fields import Entries, Identifier, Instant, Strict, Text, decimal_text
from domain.catalog import AGGREGATIONS
from domain.price import BILLINGS, KINDS, PRORATIONS, SCOPES, Price, terms_of
from domain.pricing import MODELS
from domain.pricing.modifiers import ROUNDINGS

NAMES_MAX = 100
REF_PATTERN = r"^[a-z0-9_-]{1,64}@[0-9]{1,9}\Z"


def _said(text: str) -> dict[str, str]:
    return {"description": text}


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
    filter = Entries(
        keys=Text(),
        values=fields.List(fields.String(), validate=validate.Length(1, NAMES_MAX)),
        allow_none=True,
        validate=validate.Length(max=NAMES_MAX),
        metadata=_said("property: the values that are counted; other records are kept unpriced"),
    )
    carry_over = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata=_said("time_weighted: the last value holds on into the next cycle"),
    )


class MeterSchema(Strict):
    """A meter's newest version."""

    meter = fields.String(attribute="id", required=True)
    version = fields.Integer(required=True)
    aggregation = fields.String(required=True)
    unit = fields.String(required=True)
    dimensions = fields.List(fields.String(), required=True)
    filter = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    carry_over = fields.Boolean(required=True)


class MeterListSchema(Strict):
    """The newest version of every meter, by id."""

    data = fields.List(fields.Nested(MeterSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ServiceDefinitionSchema(Strict):
    """A name and prices; a price id means its newest version when a customer attaches."""

    name = Text()
    prices = fields.List(Text(), required=True, validate=validate.Length(max=NAMES_MAX))


class ServiceSchema(Strict):
    """What a customer can attach."""

    service = fields.String(attribute="id", required=True)
    name = fields.String(required=True)
    prices = fields.List(fields.String(), required=True)


class ServiceListSchema(Strict):
    """Every service, by id."""

    data = fields.List(fields.Nested(ServiceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TierSchema(Strict):
    """One tier. Which amounts it has depends on the model."""

    up_to = Decimal(
        allow_none=True,
        metadata=_said("up to and including so many units; null in the last tier"),
    )
    unit_amount = Decimal(metadata=_said("graduated, volume: minor units for one unit"))
    rate = Decimal(metadata=_said("graduated_percentage: percent of the value in this tier"))
    flat_amount = Decimal(
        metadata=_said("minor units for a full period, owed when the tier is entered or reached")
    )


class UnitConversionSchema(Strict):
    """From the meter's unit to the price's, before everything else."""

    divide_by = Decimal(required=True, metadata=_said("above zero; 3600 makes hours of seconds"))
    round = fields.String(
        validate=validate.OneOf(ROUNDINGS), metadata=_said("to whole units; none is the default")
    )


class ModelTermsSchema(Strict):
    """The terms of the pricing models; each model takes its own and refuses the others'."""

    model = fields.String(
        required=True,
        validate=validate.OneOf(sorted(MODELS)),
        metadata=_said("how a quantity becomes an amount; it decides which fields there are"),
    )
    amount = Decimal(metadata=_said("flat: minor units for a full period"))
    unit_amount = Decimal(metadata=_said("per_unit: minor units for one unit"))
    package_size = Decimal(metadata=_said("package: units in a package, above zero"))
    package_amount = Decimal(metadata=_said("package: minor units for a package"))
    round = fields.String(
        validate=validate.OneOf(["up", "down", "half_up", "exact"]),
        metadata=_said("package: what a package begun counts as; up is the default"),
    )
    tiers = fields.List(
        fields.Nested(TierSchema),
        metadata=_said("graduated, volume, stairstep, graduated_percentage: bounds ascending"),
    )
    flat_at_zero = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata=_said("tiers: whether the first flat_amount is owed without usage; the default"),
    )
    rate = Decimal(
        metadata=_said("percentage: percent of the value, which is in minor units of the currency")
    )
    fixed_amount = Decimal(metadata=_said("percentage: minor units for each record"))
    included_records = fields.Integer(
        strict=True,
        validate=validate.Range(0, 10**9),
        metadata=_said("percentage: the first so many records of a full period cost nothing"),
    )
    included_amount = Decimal(
        metadata=_said("percentage: so much value of a full period, in minor units, costs nothing")
    )
    min_per_record = Decimal(
        allow_none=True, metadata=_said("percentage: what a charged record costs at least")
    )
    max_per_record = Decimal(
        allow_none=True, metadata=_said("percentage: what a charged record costs at most")
    )


class PriceTermsSchema(ModelTermsSchema):
    """A price's terms, amounts in minor units of its currency. Other terms are a new version."""

    price = Identifier(required=True)
    name = Text(metadata=_said("what customers read; the id by default"))
    version = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))
    effective_at = Instant(allow_none=True)
    currency = fields.String(
        required=True, validate=validate.Length(3, 3), metadata=_said("Stripe's code, lower case")
    )
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata=_said("recurring: the attachment's quantity; metered: a meter's; one_off: once"),
    )
    meter = Identifier(allow_none=True, metadata=_said("metered prices only: what they count"))
    unit_conversion = fields.Nested(UnitConversionSchema, allow_none=True)
    included_quantity = Decimal(
        allow_none=True, metadata=_said("units of a full period that cost nothing")
    )
    prorate_tiers = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata=_said("whether tier bounds shrink with the time attached; false by default"),
    )
    minimum_amount = Decimal(
        allow_none=True, metadata=_said("what a full period comes to at least, in minor units")
    )
    maximum_amount = Decimal(
        allow_none=True, metadata=_said("what a full period comes to at most, in minor units")
    )
    billing = fields.String(
        validate=validate.OneOf(BILLINGS), metadata=_said("in_advance: recurring prices only")
    )
    proration = fields.String(
        validate=validate.OneOf(PRORATIONS),
        metadata=_said("how part of a period is counted; one_off is always none"),
    )
    scope = fields.String(
        validate=validate.OneOf(SCOPES),
        metadata=_said("organization also rates records that name no attachment"),
    )
    group_by = fields.List(
        Text(),
        validate=validate.Length(max=NAMES_MAX),
        metadata=_said("a line for each value of these dimensions of the meter"),
    )
    per_group = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata=_said("tiers, included quantity, minimum and maximum count for each group"),
    )
    tax_code = Text(allow_none=True, metadata=_said("Stripe's"))


class OverrideTermsSchema(PriceTermsSchema):
    """A price's terms for one organization; ``price``, if there, is the one of the address."""

    price = Identifier()


class OverrideEndSchema(Strict):
    """An organization gets a price as everybody does. ``nothing``: it did so before."""

    organization = fields.String(required=True)
    price = fields.String(required=True)
    effect = fields.String(required=True, metadata={"enum": ["recorded", "nothing"]})


class RetiredSchema(Strict):
    """A price that no new attachment gets from an instant on."""

    price = fields.String(required=True)
    retired_at = Instant(required=True)


class PriceSchema(PriceTermsSchema):
    """One version of a price, immutable; its terms as they were published."""

    ref = fields.String(required=True, metadata={"description": "such as cpu@1"})
    version = fields.Integer(required=True)
    organization = fields.String(
        required=True, allow_none=True, metadata=_said("the only one it is for, or null")
    )

    @pre_dump
    def _terms(self, price: Price, **_: Any) -> dict[str, object]:
        more = {
            "ref": price.ref,
            "version": price.version,
            "effective_at": price.effective_at,
            "organization": price.organization,
        }
        return terms_of(price) | more


class PriceListSchema(Strict):
    """Versions of prices, by id and version."""

    data = fields.List(fields.Nested(PriceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PriceQuery(Strict):
    """One price's versions, or all."""

    price = Identifier(load_default=None)
    limit = fields.Integer(load_default=PAGE_SIZE_MAX, validate=validate.Range(1, PAGE_SIZE_MAX))
    cursor = fields.String(
        load_default=None,
        validate=validate.Regexp(REF_PATTERN, error="must be a next_cursor, such as cpu@2"),
        metadata={"pattern": REF_PATTERN, **_said("the ref to go on after")},
    )
