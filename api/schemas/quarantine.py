"""Usage records that could not be placed."""

from marshmallow import fields, validate

from api.limits import IDS_MAX
from api.schemas.effects import InvoiceDeltaSchema
from api.schemas.fields import Instant, Page, Sentence, Strict
from api.schemas.usage import RecordedUsageSchema

_ID = validate.Range(1, 2**62)


class QuarantineEntrySchema(Strict):
    """A record that could not be placed, and what became of it."""

    id = fields.Integer(required=True)
    record = fields.Nested(RecordedUsageSchema, required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    actor = fields.String(required=True)
    received_at = Instant(required=True)
    status = fields.String(required=True)
    resolved_at = Instant(required=True, allow_none=True)
    resolution = fields.String(required=True, allow_none=True)
    resolved_by = fields.String(required=True, allow_none=True)


class QuarantinePageSchema(Strict):
    """A page of entries, by id."""

    data = fields.List(fields.Nested(QuarantineEntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class QuarantineQuery(Page):
    """Which entries."""

    status = fields.String(
        load_default="open", validate=validate.OneOf(["open", "replayed", "dismissed"])
    )
    cursor = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))


class QuarantineActionSchema(Strict):
    """``replay`` takes all open entries where ``ids`` is left out; ``dismiss`` wants them named."""

    action = fields.String(required=True, validate=validate.OneOf(["replay", "dismiss"]))
    ids = fields.List(
        fields.Integer(strict=True, validate=_ID), validate=validate.Length(1, IDS_MAX)
    )
    reason = Sentence(required=True)


class QuarantineActionQuery(Strict):
    """``dry_run`` answers what it would come to, and stores nothing."""

    dry_run = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})


class QuarantineReportSchema(Strict):
    """What it came to. ``invoices``: of a dry run, every one that would be another.

    ``more``: whether there are others that a dry run did not look at.
    """

    replayed = fields.Integer(required=True)
    still_quarantined = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    dismissed = fields.Integer(required=True)
    position = fields.Integer(required=True)
    invoices = fields.List(fields.Nested(InvoiceDeltaSchema), required=True)
    more = fields.Boolean(required=True)
