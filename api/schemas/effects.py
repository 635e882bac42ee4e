"""What became of a change, or what it would do."""

from marshmallow import fields

from api.schemas.fields import MinorUnits, Strict


class ReceiptSchema(Strict):
    """What became of a change. Read with ``at_least=position`` to see it."""

    cycle = fields.String(required=True, allow_none=True)
    position = fields.Integer(required=True)
    effect = fields.String(required=True, metadata={"enum": ["recorded", "nothing"]})


class LineDeltaSchema(Strict):
    """One line that would be another. Minor units; 0 where there is no such line."""

    key = fields.String(required=True)
    description = fields.String(required=True)
    was = MinorUnits(required=True)
    becomes = MinorUnits(required=True)


class InvoiceDeltaSchema(Strict):
    """One invoice that would be another. Minor units of ``currency``.

    What a change means for an issued invoice stands as ``late/...`` lines on a later one.
    """

    cycle = fields.String(required=True)
    status = fields.String(required=True)
    currency = fields.String(required=True)
    was = MinorUnits(required=True)
    becomes = MinorUnits(required=True)
    lines = fields.List(fields.Nested(LineDeltaSchema), required=True)


class PreviewSchema(Strict):
    """What a change would do: every invoice that would be another. Nothing was stored."""

    invoices = fields.List(fields.Nested(InvoiceDeltaSchema), required=True)


class PreviewQuery(Strict):
    """``preview`` answers what the change would do to invoices, and stores nothing."""

    preview = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})
