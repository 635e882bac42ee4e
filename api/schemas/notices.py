"""Notices, who has read them, and what members are told of by e-mail."""

from marshmallow import fields, validate

from api.schemas.fields import Identifier, Instant, Page, Strict, Text
from application.notices import KINDS

NUMBER_MAX = 1 << 62


class NoticeListQuery(Page):
    """``kind``: only this one."""

    kind = fields.String(load_default=None, validate=validate.OneOf(tuple(KINDS)))
    cursor = Text(load_default=None)


class OwnNoticeListQuery(NoticeListQuery):
    """``unread``: only those that you have not read."""

    unread = fields.Boolean(load_default=False)


class AllNoticeListQuery(NoticeListQuery):
    """``organization``: only about this one."""

    organization = Identifier(load_default=None)


class NoticeSchema(Strict):
    """Something that somebody should know. ``number``: later ones have higher ones.

    ``id``: the same as in webhooks. ``unread``: by you; null where it does not matter.
    """

    number = fields.Integer(required=True)
    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    organization = fields.String(required=True, allow_none=True)
    cycle = fields.String(required=True, allow_none=True)
    at = Instant(required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    unread = fields.Boolean(required=True, allow_none=True)


class NoticePageSchema(Strict):
    """A page of notices, newest first."""

    data = fields.List(fields.Nested(NoticeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OwnNoticePageSchema(NoticePageSchema):
    """A page of an organization's notices. ``unread``: how many you have not read in all."""

    unread = fields.Integer(required=True)


class ReadNoticesSchema(Strict):
    """``up_to``: the number of the newest notice that you have read."""

    up_to = fields.Integer(required=True, strict=True, validate=validate.Range(0, NUMBER_MAX))


class UnreadSchema(Strict):
    """``unread``: how many notices you have not read."""

    unread = fields.Integer(required=True)


class MailChoicesSchema(Strict):
    """What a member is told of by e-mail; what is not named stays as it is.

    ``billing``: invoices and payments. ``alerts``: spend alerts. ``cases``: reported problems.
    ``trouble``: something of ours that touches invoices.
    """

    billing = fields.Boolean()
    alerts = fields.Boolean()
    cases = fields.Boolean()
    trouble = fields.Boolean()
