"""A price: an immutable version of a rate, and how its JSON is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from fractions import Fraction

from domain.errors import InvalidInput
from domain.money import exponent
from domain.pricing import MODELS, Model
from domain.pricing.fields import Fields, identifier
from domain.pricing.tier import Tier
from domain.quantity import plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One version of a price. Amounts are minor units of ``currency``.

    kind: ``recurring`` (quantity of the attachment), ``metered`` (quantity of a meter).
    effective_at: from when an attachment that asks for the newest version gets this one.
    divide_by: unit conversion; included: units of a full period that cost nothing.
    scope: ``organization`` also rates usage records that name no attachment.
    """

    id: str
    version: int
    name: str
    currency: str
    kind: str
    model: Model
    meter: str | None = None
    proration: str = "second"
    scope: str = "attachment"
    group_by: tuple[str, ...] = ()
    per_group: bool = False
    divide_by: Fraction = Fraction(1)
    included: Fraction = Fraction(0)
    tax_code: str | None = None
    effective_at: datetime | None = None

    @property
    def ref(self) -> str:
        """How attachments and line keys name it: ``cpu@2``."""
        return f"{self.id}@{self.version}"


PriceBook = Mapping[str, Price]
"""Ref -> price version."""


def parse_price(
    values: Mapping[str, object], version: int, effective_at: datetime | None = None
) -> Price:
    """Read a price from its JSON form.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be rated; ``field`` names it.

    >>> parse_price({"price": "base", "currency": "usd", "kind": "recurring",
    ...              "model": "flat", "amount": "3100"}, version=1).ref
    'base@1'
    """
    fields = Fields(values)
    identity = identifier(fields.get("price"), "price")
    kind = fields.choice("kind", "recurring", "metered")
    currency = fields.text("currency")
    exponent(currency)
    price = Price(
        id=identity,
        version=version,
        name=fields.text("name", identity),
        currency=currency,
        kind=kind,
        model=_model(fields),
        meter=_meter(fields, kind),
        proration=_proration(fields, kind),
        scope=fields.choice("scope", "attachment", "organization"),
        group_by=fields.names("group_by"),
        per_group=fields.flag("per_group", default=False),
        divide_by=_conversion(fields),
        included=fields.exact("included_quantity", "0"),
        tax_code=_optional_text(fields, "tax_code"),
        effective_at=effective_at,
    )
    for field in ("version", "effective_at"):
        fields.get(field)
    for field in ("minimum_amount", "maximum_amount"):
        fields.neutral(field)
    fields.neutral("billing", "in_arrears")
    fields.done()
    return price


def terms_of(price: Price) -> dict[str, object]:
    """A price in its JSON form, so that ``parse_price`` gives the same price again.

    >>> tiers = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]
    >>> price = parse_price({"price": "cpu", "currency": "usd", "kind": "metered", "meter": "cpu",
    ...                      "model": "graduated", "tiers": tiers}, version=1)
    >>> parse_price(terms_of(price), version=1) == price
    True
    """
    return {
        "price": price.id,
        "name": price.name,
        "currency": price.currency,
        "kind": price.kind,
        "meter": price.meter,
        "model": price.model.name,
        **_plain_fields(price.model),
        "unit_conversion": {"divide_by": plain(price.divide_by)},
        "included_quantity": plain(price.included),
        "proration": price.proration,
        "scope": price.scope,
        "group_by": list(price.group_by),
        "per_group": price.per_group,
        "tax_code": price.tax_code,
    }


def _plain_fields(part: Model | Tier) -> dict[str, object]:
    return {each.name: _plain(getattr(part, each.name)) for each in dataclass_fields(part)}


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return plain(value)
    return [_plain_fields(tier) for tier in value] if isinstance(value, tuple) else value


def _model(fields: Fields) -> Model:
    name = fields.text("model")
    if name not in MODELS:
        raise InvalidInput(f"model must be one of {', '.join(sorted(MODELS))}", field="model")
    return MODELS[name].parse(fields)


def _meter(fields: Fields, kind: str) -> str | None:
    meter = fields.get("meter")
    if kind == "metered":
        return identifier(meter, "meter")
    if meter is not None:
        raise InvalidInput("meter belongs to prices of kind metered", field="meter")
    return None


def _proration(fields: Fields, kind: str) -> str:
    proration = fields.choice("proration", "second", "none", "day")
    if proration == "day":
        raise InvalidInput("proration by day is not supported in this release", field="proration")
    return proration


def _conversion(fields: Fields) -> Fraction:
    conversion = fields.nested("unit_conversion")
    if conversion is None:
        return Fraction(1)
    divide_by = Fraction(conversion.decimal("divide_by", above_zero=True))
    conversion.neutral("round", "none")
    conversion.done()
    return divide_by


def _optional_text(fields: Fields, field: str) -> str | None:
    return None if fields.get(field) is None else fields.text(field)
