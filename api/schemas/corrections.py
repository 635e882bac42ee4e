"""Corrections of usage records, and what became of each."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.effects import InvoiceDeltaSchema
from api.schemas.fields import Identifier, Instant, Sentence, Strict, Text
from api.schemas.usage import Properties, Value

ACTIONS = ("retract", "correct", "revert")
REPLACEABLE = ("value", "attachment", "properties", "occurred_at")


class CorrectionSchema(Strict):
    """One usage record that was wrong. ``correct`` says what else it should have been.

    ``retract`` lets it not count, ``revert`` lets it count as it was recorded again.
    """

    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    source = Text(required=True)
    id = Text(required=True)
    value = Value()
    attachment = Identifier()
    properties = Properties()
    occurred_at = Instant()
    reason = Sentence(required=True)

    @validates_schema
    def says_what_it_becomes(self, data: Mapping[str, Any], **_: Any) -> None:
        """Only a correction replaces something, and something it must."""
        given = [name for name in REPLACEABLE if name in data]
        if data["action"] == "correct" and not given:
            raise ValidationError(f"say one of {', '.join(REPLACEABLE)}, at least", "value")
        if data["action"] != "correct" and given:
            raise ValidationError(f"means nothing to {data['action']}", given[0])


class CorrectionsQuery(Strict):
    """``dry_run`` answers what each correction would do to invoices, and stores nothing."""

    dry_run = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})


class CorrectedSchema(Strict):
    """What became of one item. ``index``: its place in the request.

    ``outcome``: ``recorded``; ``nothing``, where it was so already; ``previewed``, by a dry
    run; or ``refused``, for the reason that ``code`` and ``detail`` say. ``invoices``: of a
    dry run, what this item alone would change.
    """

    index = fields.Integer(required=True)
    source = fields.String(required=True, allow_none=True)
    id = fields.String(required=True, allow_none=True)
    outcome = fields.String(
        required=True, metadata={"enum": ["recorded", "nothing", "previewed", "refused"]}
    )
    cycle = fields.String(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    detail = fields.String(required=True, allow_none=True)
    invoices = fields.List(fields.Nested(InvoiceDeltaSchema), required=True)


class CorrectionsReportSchema(Strict):
    """Counts by outcome, and every item. Read with ``at_least=position`` to see them."""

    recorded = fields.Integer(required=True)
    nothing = fields.Integer(required=True)
    previewed = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    items = fields.List(fields.Nested(CorrectedSchema), required=True)
    position = fields.Integer(required=True)
