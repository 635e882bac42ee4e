"""Amounts that people add, take off and set: items, credits, discounts, waivers, overrides."""

from marshmallow import fields, validate

from api.limits import AMOUNT_MAX, PRICES_MAX
from api.schemas.fields import Amount, Exact, Identifier, Instant, Sentence, Strict, Text

LINE_KEY_MAX = 400


class LineKey(Text):
    """The key of an invoice's line, as it stands there."""

    def __init__(self) -> None:
        super().__init__(LINE_KEY_MAX, required=True)


class ItemSchema(Strict):
    """A one-off amount, in minor units."""

    item = Identifier(required=True)
    description = Sentence(required=True)
    amount = Amount(required=True)
    currency = Text(3, required=True)
    at = Instant(load_default=None)
    tax_code = Text(load_default=None, allow_none=True)
    reason = Sentence(required=True)


class CreditGrantSchema(Strict):
    """A credit to be granted, in minor units."""

    credit = Identifier(required=True)
    amount = Amount(required=True)
    currency = Text(3, required=True)
    expires_at = Instant(load_default=None, allow_none=True)
    reason = Sentence(required=True)


class CreditSchema(Strict):
    """A granted credit and what is left of it, in minor units."""

    credit = fields.String(required=True)
    amount = fields.Integer(required=True)
    applied = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    remaining = fields.Integer(required=True)
    currency = fields.String(required=True)
    reason = fields.String(required=True)
    granted_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True)


class CreditListSchema(Strict):
    """The credit balance's grants."""

    data = fields.List(fields.Nested(CreditSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BalanceSchema(Strict):
    """The credit balance and what is owed in one currency, in minor units.

    ``due``: of issued invoices that are not paid; ``overdue``: of those past their due date.
    """

    currency = fields.String(required=True)
    granted = fields.Integer(required=True)
    applied = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    remaining = fields.Integer(required=True)
    due = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class BalanceListSchema(Strict):
    """One balance for each currency there was, by currency."""

    data = fields.List(fields.Nested(BalanceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DiscountSchema(Strict):
    """``percent`` of what lines come to, or ``amount`` in minor units, off each invoice.

    ``prices``: ids of the prices it is for; all where left out. ``cycles``: how many invoices,
    the one of ``at`` included; until it is ended where left out. ``at``: now where left out.
    """

    discount = Identifier(required=True)
    percent = Exact(load_default=None, allow_none=True)
    amount = Amount(load_default=None, allow_none=True)
    prices = fields.List(Identifier(), load_default=list, validate=validate.Length(max=PRICES_MAX))
    cycles = fields.Integer(load_default=None, allow_none=True, strict=True)
    at = Instant(load_default=None)
    reason = Sentence(required=True)


class GivenDiscountSchema(Strict):
    """A discount on an invoice that is not issued yet.

    ``prices``: what it is for; all where there are none. ``cycle``: the last invoice it stands on
    now; ``cycles``: for how many it goes on, that one included, or until it is ended.
    """

    discount = fields.String(required=True)
    percent = Exact(required=True, allow_none=True)
    amount = fields.Integer(required=True, allow_none=True)
    prices = fields.List(fields.String(), required=True)
    cycle = fields.String(required=True)
    cycles = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True)
    since = Instant(required=True)


class DiscountListSchema(Strict):
    """Discounts, by id."""

    data = fields.List(fields.Nested(GivenDiscountSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DiscountEndSchema(Strict):
    """From when a discount counts no more; now where ``at`` is left out."""

    at = Instant(load_default=None)
    reason = Sentence(required=True)


class WaiveSchema(Strict):
    """A line whose amount so far is not asked for; what it comes to later is."""

    line = LineKey()
    reason = Sentence(required=True)


class OverrideSchema(Strict):
    """What a line has come to so far, in minor units; ``final``: whatever else becomes known."""

    line = LineKey()
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(0, AMOUNT_MAX))
    final = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    reason = Sentence(required=True)
