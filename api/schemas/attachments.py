"""What organizations attach, and the amounts that people add by hand."""

from decimal import Decimal

from marshmallow import fields

from api.schemas.fields import Amount, Exact, Identifier, Instant, Sentence, Strict, Text

NUMBER_ONE = Decimal(1)


class AttachSchema(Strict):
    """A service to be attached from an instant on; ``at`` is now where it is left out."""

    attachment = Identifier(required=True)
    service = Identifier(required=True)
    quantity = Exact(load_default=NUMBER_ONE)
    at = Instant(load_default=None)


class DetachSchema(Strict):
    """From when an attachment runs no more; now where ``at`` is left out."""

    at = Instant(load_default=None)


class QuantitySchema(Strict):
    """Another quantity from an instant on."""

    quantity = Exact(required=True)
    at = Instant(load_default=None)


class AttachmentSchema(Strict):
    """One stretch in which a service was on an organization."""

    attachment = fields.String(required=True)
    service = fields.String(required=True)
    name = fields.String(required=True)
    quantity = Exact(required=True)
    prices = fields.List(fields.String(), required=True)
    since = Instant(required=True)
    until = Instant(required=True, allow_none=True)
    carried = fields.Boolean(required=True)


class AttachmentListSchema(Strict):
    """All attachments of the cycles not yet issued."""

    data = fields.List(fields.Nested(AttachmentSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


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
    remaining = fields.Integer(required=True)
    currency = fields.String(required=True)
    reason = fields.String(required=True)
    granted_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True)


class CreditListSchema(Strict):
    """The credit balance's grants."""

    data = fields.List(fields.Nested(CreditSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ReceiptSchema(Strict):
    """What became of a change. Read with ``at_least=position`` to see it."""

    cycle = fields.String(required=True, allow_none=True)
    position = fields.Integer(required=True)
    effect = fields.String(required=True, metadata={"enum": ["recorded", "nothing"]})
