"""Changes that wait for a second person."""

from marshmallow import fields, validate

from api.limits import AMOUNT_MAX, LINES_MAX
from api.schemas.effects import PreviewSchema
from api.schemas.fields import Instant, MinorUnits, Page, Sentence, Strict, Text
from application.kept_changes import STATES


class KeptSchema(Strict):
    """The change is above the limit. It is kept, not carried out, until somebody else approves."""

    change_request = fields.String(required=True)
    needs = fields.String(required=True, metadata={"enum": ["a second person"]})
    amount = MinorUnits(required=True)
    limit = MinorUnits(required=True)
    currency = fields.String(required=True)
    expires_at = Instant(required=True)


class ChangeRequestSchema(Strict):
    """A change that somebody asked for. Amounts in minor units of ``currency``.

    ``differences``: by invoice and line, or by whatever else it moves. ``preview``: what it would
    do to invoices, as it was last shown, where that can be rehearsed. ``body``: what was asked.
    ``digest``: of all that, for whoever approves. ``begun_by``: who approved it, while it is being
    carried out, or where that broke off in part. ``answer``: the operation's own, once, to whoever
    approved.
    """

    change_request = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    operation = fields.String(required=True)
    path = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    query = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    body = fields.Raw(required=True, allow_none=True)
    asked_by = fields.String(required=True)
    asked_at = Instant(required=True)
    expires_at = Instant(required=True)
    amount = MinorUnits(required=True)
    limit = MinorUnits(required=True)
    currency = fields.String(required=True)
    differences = fields.Dict(keys=fields.String(), values=MinorUnits(), required=True)
    preview = fields.Nested(PreviewSchema, required=True, allow_none=True)
    digest = fields.String(required=True)
    begun_by = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    answer = fields.Raw(allow_none=True)


class ChangeRequestPageSchema(Strict):
    """A page of change requests, the newest first."""

    data = fields.List(fields.Nested(ChangeRequestSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ChangeRequestQuery(Page):
    """``state``: only those that stand so."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    cursor = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^[0-9]{1,18}$", error="must be a next_cursor, such as 17"),
    )


class SecondPersonSchema(Strict):
    """``up_to``: minor units that the approver accepts, whatever changed since it was shown.
    ``digest``: the request's, as the approver has seen it."""

    reason = Text(400, load_default=None, allow_none=True)
    up_to = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(0, AMOUNT_MAX * LINES_MAX),
    )
    digest = Text(64, load_default=None, allow_none=True)


class RejectionSchema(Strict):
    """Why it is turned down."""

    reason = Sentence(required=True)
