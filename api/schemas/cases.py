"""Cases: reported by customers, answered by support; and what both of them wrote."""

from marshmallow import fields, validate

from api.schemas.fields import Identifier, Instant, MinorUnits, Page, Strict, Text
from application.case_texts import TEXT_STATES
from application.cases import TEXT_MAX
from domain.case import RESOLUTIONS, STATUSES, VISIBILITIES
from domain.line_key import LENGTH_MAX

CYCLE_MAX = 75
POSITION_MAX = 2**62


class NewCaseSchema(Strict):
    """What is wrong, in ``text``. ``case``: a name for it, by which sending it twice is no harm.

    ``cycle``, ``line``: what it is about. ``known_at``, ``as_of``: the instants of the invoice
    that was looked at, as it answered them; by default it is the invoice as it is now.
    """

    text = Text(TEXT_MAX, required=True)
    case = Identifier(load_default=None, allow_none=True)
    cycle = Text(CYCLE_MAX, load_default=None, allow_none=True)
    line = Text(LENGTH_MAX, load_default=None, allow_none=True)
    known_at = Instant(load_default=None, allow_none=True)
    as_of = Instant(load_default=None, allow_none=True)


class CaseWordsSchema(Strict):
    """What somebody writes to a case; everybody who may see the case reads it."""

    text = Text(TEXT_MAX, required=True)


class CommentSchema(CaseWordsSchema):
    """``visibility``: whether customers see it, too."""

    visibility = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))


class CaseResolutionSchema(CaseWordsSchema):
    """The answer: its ``kind``, the words for the customer, and what was done, if anything.

    ``cycle`` and ``position`` of a correction, as its receipt has them; a credit's id.
    """

    kind = fields.String(required=True, validate=validate.OneOf(RESOLUTIONS))
    cycle = Text(CYCLE_MAX, load_default=None, allow_none=True)
    position = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, POSITION_MAX),
    )
    credit = Identifier(load_default=None, allow_none=True)


class CaseReceiptSchema(Strict):
    """What became of a change; ``effect`` is ``nothing`` where it had been so before."""

    case = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    position = fields.Integer(required=True)
    effect = fields.String(required=True, metadata={"enum": ["recorded", "nothing"]})


class CaseSummarySchema(Strict):
    """A case in a list. ``amount``: of the line, or of the invoice, when it was reported.

    ``acknowledged_at``: the first time; ``resolved_at``: the last time, while it is resolved.
    ``comments``: public ones. ``reopened``: how often.
    """

    case = fields.String(required=True)
    organization = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    by = fields.String(required=True, metadata={"enum": ["customer", "support"]})
    cycle = fields.String(required=True, allow_none=True)
    line = fields.String(required=True, allow_none=True)
    amount = MinorUnits(required=True, allow_none=True)
    currency = fields.String(required=True, allow_none=True)
    known_at = Instant(required=True)
    reported_at = Instant(required=True)
    acknowledged_at = Instant(required=True, allow_none=True)
    resolved_at = Instant(required=True, allow_none=True)
    resolution = fields.String(required=True, allow_none=True)
    last_at = Instant(required=True)
    reopened = fields.Integer(required=True)
    comments = fields.Integer(required=True)


class CasePageSchema(Strict):
    """A page of cases, the newest first."""

    data = fields.List(fields.Nested(CaseSummarySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SeenSchema(Strict):
    """The screen they saw: ``replay`` leads to it. Amounts in minor units."""

    known_at = Instant(required=True)
    as_of = Instant(required=True, allow_none=True)
    position = fields.Integer(required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)
    total = MinorUnits(required=True, allow_none=True)
    amount = MinorUnits(required=True, allow_none=True)
    currency = fields.String(required=True, allow_none=True)
    replay = fields.String(required=True, allow_none=True)


class FoundSchema(Strict):
    """What support found, and where what it did is to be seen."""

    kind = fields.String(required=True, metadata={"enum": list(RESOLUTIONS)})
    cycle = fields.String(required=True, allow_none=True)
    position = fields.Integer(required=True, allow_none=True)
    credit = fields.String(required=True, allow_none=True)


class CaseEntrySchema(Strict):
    """One thing that happened. ``text``: the words, unless they were erased.

    ``text_state``: what became of them; ``altered`` ones do not fit the log and are not shown.
    ``text_id``: for support, to have them erased. ``who``: customers read "Support".
    """

    at = Instant(required=True)
    position = fields.Integer(required=True)
    who = fields.String(required=True)
    what = fields.String(required=True)
    visibility = fields.String(required=True, metadata={"enum": list(VISIBILITIES)})
    text = fields.String(required=True, allow_none=True)
    text_state = fields.String(
        required=True, allow_none=True, metadata={"enum": [*TEXT_STATES, None]}
    )
    text_id = fields.String(required=True, allow_none=True)


class CaseSchema(CaseSummarySchema):
    """A case with what was seen, what was found and all that happened, oldest first.

    ``reopen_until``: until when a customer may reopen it, while it is resolved.
    """

    text = fields.String(required=True, allow_none=True)
    text_state = fields.String(required=True, metadata={"enum": list(TEXT_STATES)})
    seen = fields.Nested(SeenSchema, required=True)
    found = fields.Nested(FoundSchema, required=True, allow_none=True)
    reopen_until = Instant(required=True, allow_none=True)
    timeline = fields.List(fields.Nested(CaseEntrySchema), required=True)


class OwnCaseListQuery(Page):
    """``status``: one of theirs, or ``open`` for all that wait for an answer."""

    status = fields.String(load_default=None, validate=validate.OneOf(["open", *STATUSES]))
    cycle = Text(CYCLE_MAX, load_default=None)
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, POSITION_MAX))


class CaseListQuery(OwnCaseListQuery):
    """``reported_before``: only those that are older."""

    organization = Identifier(load_default=None)
    reported_before = Instant(load_default=None)


class ErasedSchema(Strict):
    """A text that is gone for good."""

    case = fields.String(required=True)
    text_id = fields.String(required=True)
    text_state = fields.String(required=True, metadata={"enum": ["erased"]})
