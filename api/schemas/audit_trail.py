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


class ErasureQuery(Strict):
    """``organization_name``: erase that as well, where it is the name of a person."""

    organization_name = fields.Boolean(load_default=False)


class LoggedQuoteSchema(Strict):
    """An event that quotes an address. It cannot be changed."""

    stream = fields.String(required=True)
    version = fields.Integer(required=True)


class ErasureSchema(Strict):
    """What was erased: ``rows`` changed or deleted, by table. ``effect``: ``recorded``, or
    ``nothing`` where there was nothing left to erase.

    ``in_log``: events in which somebody wrote the address, though nothing personal belongs there.
    """

    organization = fields.String(required=True)
    user = fields.String(required=True)
    effect = fields.String(required=True, metadata={"enum": ["recorded", "nothing"]})
    position = fields.Integer(required=True)
    rows = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    in_log = fields.List(fields.Nested(LoggedQuoteSchema), required=True)


class ChainSchema(HeadSchema):
    """The head of an organization's chain, and that of the catalog's."""

    organization = fields.String(required=True)
    catalog = fields.Nested(HeadSchema, required=True)
