"""A price: an immutable version of a rate, and how its JSON is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from fractions import Fraction

from domain.errors import InvalidInput
from domain.invoice import Charge
from domain.money import exponent
from domain.pricing import MODELS, Model, Percentage, Tiered
from domain.pricing.fields import Fields, identifier
from domain.pricing.modifiers import conversion, included_quantity, prorate_tiers
from domain.pricing.rounding import whole
from domain.pricing.tier import PercentTier, Step, Tier
from domain.quantity import plain

KINDS = ("recurring", "metered", "one_off")
BILLINGS = ("in_arrears", "in_advance")
PRORATIONS = ("second", "day", "none")
SCOPES = ("attachment", "organization")
ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One version of a price. Amounts are minor units of ``currency``.

    kind: ``recurring`` (quantity of the attachment), ``metered`` (quantity of a meter),
    ``one_off`` (owed once, when the attachment begins).
    billing: whether a recurring fee is owed at its period's end or before it begins.
    effective_at: from when an attachment that asks for the newest version gets this one.
    divide_by, rounding: unit conversion; included: units of a full period that cost nothing.
    prorate_tiers: whether tier bounds shrink with the share of a full period.
    minimum, maximum: bounds of what a full period comes to.
    scope: ``organization`` also rates usage records that name no attachment.
    organization: whom it is for, where it overrides the price of everybody else.
    """

    id: str
    version: int
    name: str
    currency: str
    kind: str
    model: Model
    meter: str | None = None
    billing: str = "in_arrears"
    proration: str = "second"
    scope: str = "attachment"
    group_by: tuple[str, ...] = ()
    per_group: bool = False
    divide_by: Fraction = Fraction(1)
    rounding: str = "none"
    included: Fraction = ZERO
    prorate_tiers: bool = False
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    tax_code: str | None = None
    effective_at: datetime | None = None
    organization: str | None = None

    @property
    def ref(self) -> str:
        """How attachments and line keys name it: ``cpu@2``, ``cpu@1.acme`` for an override."""
        ref = f"{self.id}@{self.version}"
        return f"{ref}.{self.organization}" if self.organization else ref

    def converted(self, quantity: Fraction) -> Fraction:
        """A quantity in the price's unit: divided, then rounded as the price says."""
        if self.divide_by != 1:
            quantity = quantity / self.divide_by
        return quantity if self.rounding == "none" else whole(quantity, self.rounding)

    def charges(
        self, quantity: Fraction, share: Fraction, records: Sequence[Fraction] = ()
    ) -> tuple[Charge, ...]:
        """What a quantity comes to before minimum and maximum; below zero it counts as zero.

        Args:
            quantity: in the price's unit, as ``converted`` gives it.
            share: of a full period; included quantity and flat amounts count for it.
            records: each record's value in the price's unit, in the order of time. Where
                ``model.per_record``, they are what is priced and ``quantity`` is not looked at.
        """
        if isinstance(self.model, Percentage) and self.model.per_record:
            return self.model.rate_each(records, share)
        model = self.model
        if self.prorate_tiers and isinstance(model, Tiered):
            model = model.scaled(share)
        if self.included:
            quantity -= self.included * share
        return model.rate(max(quantity, ZERO), share)

    def bounded(self, amount: Fraction, share: Fraction) -> Fraction:
        """An amount after the minimum, then the maximum, for a share of a full period.

        >>> from domain.pricing import Flat
        >>> price = Price(id="cpu", version=1, name="CPU", currency="usd", kind="metered",
        ...               model=Flat(amount=ZERO), minimum=Fraction(1000), maximum=Fraction(5000))
        >>> [int(price.bounded(Fraction(each), Fraction(1, 2))) for each in (100, 700, 9000)]
        [500, 700, 2500]
        """
        if self.minimum is not None:
            amount = max(amount, self.minimum * share)
        return amount if self.maximum is None else min(amount, self.maximum * share)


PriceBook = Mapping[str, Price]
"""Ref -> price version."""


def parse_price(
    values: Mapping[str, object],
    version: int,
    effective_at: datetime | None = None,
    organization: str | None = None,
) -> Price:
    """Read a price from its JSON form.

    Args:
        organization: whom it is for, where it overrides the price of everybody else.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be rated; ``field`` names it.

    >>> parse_price({"price": "base", "currency": "usd", "kind": "recurring",
    ...              "model": "flat", "amount": "3100"}, version=1).ref
    'base@1'
    """
    fields = Fields(values)
    identity = identifier(fields.get("price"), "price")
    kind = fields.choice("kind", *KINDS)
    model = _model(fields)
    divide_by, rounding = conversion(fields)
    fields.ordered("minimum_amount", "maximum_amount")
    price = Price(
        id=identity,
        version=version,
        name=fields.text("name", identity),
        currency=_currency(fields),
        kind=kind,
        model=model,
        meter=_meter(fields, kind),
        billing=_billing(fields, kind),
        proration=_proration(fields, kind),
        scope=fields.choice("scope", *SCOPES),
        group_by=fields.names("group_by"),
        per_group=fields.flag("per_group", default=False),
        divide_by=divide_by,
        rounding=rounding,
        included=included_quantity(fields, model),
        prorate_tiers=prorate_tiers(fields, model),
        minimum=fields.limit("minimum_amount"),
        maximum=fields.limit("maximum_amount"),
        tax_code=_optional_text(fields, "tax_code"),
        effective_at=effective_at,
        organization=organization,
    )
    _check_records(price)
    _check_ahead(price)
    for field in ("version", "effective_at"):
        fields.get(field)
    fields.done()
    return price


def check_meter_fit(price: Price, aggregation: str) -> None:
    """Refuse a meter whose aggregation leaves the price nothing to rate.

    Raises:
        InvalidInput: terms for single records need a meter that sums values.
    """
    if price.model.per_record and aggregation != "sum":
        raise InvalidInput(
            f"meter {price.meter} adds up by {aggregation}; terms for single records need a meter"
            " that adds up by sum",
            field="meter",
        )


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
        "unit_conversion": {"divide_by": plain(price.divide_by), "round": price.rounding},
        "included_quantity": plain(price.included),
        "prorate_tiers": price.prorate_tiers,
        "minimum_amount": _plain(price.minimum),
        "maximum_amount": _plain(price.maximum),
        "billing": price.billing,
        "proration": price.proration,
        "scope": price.scope,
        "group_by": list(price.group_by),
        "per_group": price.per_group,
        "tax_code": price.tax_code,
    }


def _plain_fields(part: Model | Tier | PercentTier | Step) -> dict[str, object]:
    """The fields as JSON names them: ``rate`` is a verb in the code."""
    return {
        "rate" if each.name == "percent" else each.name: _plain(getattr(part, each.name))
        for each in dataclass_fields(part)
    }


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return plain(value)
    return [_plain_fields(tier) for tier in value] if isinstance(value, tuple) else value


def _model(fields: Fields) -> Model:
    name = fields.text("model")
    if name not in MODELS:
        raise InvalidInput(f"model must be one of {', '.join(sorted(MODELS))}", field="model")
    return MODELS[name].parse(fields)


def _currency(fields: Fields) -> str:
    currency = fields.text("currency")
    exponent(currency)
    return currency


def _meter(fields: Fields, kind: str) -> str | None:
    meter = fields.get("meter")
    if kind == "metered":
        return identifier(meter, "meter")
    if meter is not None:
        raise InvalidInput("meter belongs to prices of kind metered", field="meter")
    return None


def _billing(fields: Fields, kind: str) -> str:
    billing = fields.choice("billing", *BILLINGS)
    if billing == "in_advance" and kind != "recurring":
        raise InvalidInput(
            "billing in_advance belongs to prices of kind recurring", field="billing"
        )
    return billing


def _proration(fields: Fields, kind: str) -> str:
    if kind != "one_off":
        return fields.choice("proration", *PRORATIONS)
    if fields.choice("proration", "none", *PRORATIONS) != "none":
        raise InvalidInput(
            "a price of kind one_off is owed whole; proration must be none", field="proration"
        )
    return "none"


def _check_records(price: Price) -> None:
    if price.kind != "metered" and price.model.per_record:
        raise InvalidInput(
            "terms for single records belong to prices of kind metered", field="kind"
        )


def _check_ahead(price: Price) -> None:
    """A minimum or maximum looks at what a period came to; ahead of it nobody knows."""
    bounds = {"minimum_amount": price.minimum, "maximum_amount": price.maximum}
    given = [field for field, bound in bounds.items() if bound is not None]
    if price.billing == "in_advance" and given:
        raise InvalidInput(f"{given[0]} belongs to prices with billing in_arrears", field=given[0])


def _optional_text(fields: Fields, field: str) -> str | None:
    return None if fields.get(field) is None else fields.text(field)
