"""The audit trail: where chains stand, and what was erased."""

from marshmallow import fields

from api.schemas.fields import Instant, Strict

HEX = {"pattern": "^[0-9a-f]{64}$"}


class HeadSchema(Strict):
    """Where a chain stands: after so many ``events``, the last at this ``position`` of the log.

    ``at``: when that one was recorded; ``null`` before the first.
    """

    position = fields.Integer(required=True)
    events = fields.Integer(required=True)
    head = fields.String(required=True, metadata=HEX)
    at = Instant(required=True, allow_none=True)


class ChainSchema(HeadSchema):
    """The head of an organization's chain, and that of the catalog's."""

    organization = fields.String(required=True)
    catalog = fields.Nested(HeadSchema, required=True)
