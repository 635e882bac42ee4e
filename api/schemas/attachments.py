"""What organizations attach."""

from decimal import Decimal

from marshmallow import fields

from api.schemas.fields import Exact, Identifier, Instant, Strict, Why

NUMBER_ONE = Decimal(1)


class AttachSchema(Strict):
    """A service to be attached from an instant on; ``at`` is now where it is left out.

    ``trial_until``: no recurring fee is owed before then; usage is.
    """

    attachment = Identifier(required=True)
    service = Identifier(required=True)
    quantity = Exact(load_default=NUMBER_ONE)
    at = Instant(load_default=None)
    trial_until = Instant(load_default=None, allow_none=True)
    reason = Why()


class DetachSchema(Strict):
    """From when an attachment runs no more; now where ``at`` is left out."""

    at = Instant(load_default=None)
    reason = Why()


class QuantitySchema(Strict):
    """Another quantity from an instant on."""

    quantity = Exact(required=True)
    at = Instant(load_default=None)
    reason = Why()


class SwapSchema(Strict):
    """Another service, or the same at the newest prices, from an instant on.

    ``quantity``: the one it has where left out. ``at``: now where left out.
    """

    service = Identifier(required=True)
    quantity = Exact(load_default=None, allow_none=True)
    at = Instant(load_default=None)
    reason = Why()


class EndTrialSchema(Strict):
    """From when recurring fees are owed; now where ``at`` is left out."""

    at = Instant(load_default=None)
    reason = Why()


class AttachmentSchema(Strict):
    """One stretch in which a service was on an organization."""

    attachment = fields.String(required=True)
    service = fields.String(required=True)
    name = fields.String(required=True)
    quantity = Exact(required=True)
    prices = fields.List(fields.String(), required=True)
    since = Instant(required=True)
    until = Instant(required=True, allow_none=True)
    trial_until = Instant(required=True, allow_none=True)
    carried = fields.Boolean(required=True)


class AttachmentListSchema(Strict):
    """All attachments of the cycles not yet issued."""

    data = fields.List(fields.Nested(AttachmentSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
