"""Feedback: whether people found a bill clear."""

from marshmallow import fields, validate

from api.schemas.fields import Identifier, Instant, Page, Strict, Text
from application.feedback import COMMENT_MAX

NUMBER_MAX = 2**62


class NewFeedbackSchema(Strict):
    """Was this bill clear? ``comment``: what was not, or anything else."""

    clear = fields.Boolean(required=True, truthy={True}, falsy={False})
    comment = Text(COMMENT_MAX, load_default=None, allow_none=True)


class FeedbackSchema(Strict):
    """What somebody answered about a bill, last."""

    cycle = fields.String(required=True)
    clear = fields.Boolean(required=True)
    comment = fields.String(required=True, allow_none=True)
    at = Instant(required=True)


class FeedbackRowSchema(FeedbackSchema):
    """The same, with who answered."""

    organization = fields.String(required=True)
    actor = fields.String(required=True)


class FeedbackCountsSchema(Strict):
    """How many found their bill clear, and how many did not."""

    clear = fields.Integer(required=True)
    unclear = fields.Integer(required=True)


class FeedbackPageSchema(Strict):
    """A page of answers, the newest first. ``counts``: of all, whatever ``clear`` asks for."""

    data = fields.List(fields.Nested(FeedbackRowSchema), required=True)
    counts = fields.Nested(FeedbackCountsSchema, required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FeedbackListQuery(Page):
    """``clear=false``: only bills that were not clear."""

    clear = fields.Boolean(load_default=None)
    organization = Identifier(load_default=None)
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, NUMBER_MAX))
