"""E-mails to members, without their addresses."""

from marshmallow import fields, validate

from api.limits import IDS_MAX
from api.schemas.fields import Instant, Page, Sentence, Strict
from application.mails import STATUSES


class MailSchema(Strict):
    """An e-mail to a member.

    ``notice`` and ``kind``: what it tells. ``status``: ``waiting``, ``sent``, ``given_up`` or
    ``dropped``. ``due_at``: when it is tried next; null where that is now, or never. ``error``: why
    it was not taken last. ``dropped_by``, ``dropped_because``: of one that will not be sent.
    """

    number = fields.Integer(required=True)
    notice = fields.String(required=True)
    kind = fields.String(required=True)
    organization = fields.String(required=True)
    cycle = fields.String(required=True, allow_none=True)
    member = fields.String(required=True)
    status = fields.String(required=True)
    attempts = fields.Integer(required=True)
    made_at = Instant(required=True)
    due_at = Instant(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    dropped_by = fields.String(required=True, allow_none=True)
    dropped_because = fields.String(required=True, allow_none=True)


class MailPageSchema(Strict):
    """A page of e-mails, by number."""

    data = fields.List(fields.Nested(MailSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MailQuery(Page):
    """Which e-mails: all that wait or were given up, or those of a status."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    cursor = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))


def _numbers(*, required: bool = False) -> fields.List[int]:
    inner = fields.Integer(strict=True, validate=validate.Range(1, 2**62))
    return fields.List(inner, required=required, validate=validate.Length(1, IDS_MAX))


class RetryMailsSchema(Strict):
    """Which e-mails to send again: all that were given up where ``numbers`` is left out."""

    numbers = _numbers()


class RetriedMailsSchema(Strict):
    """``retried``: how many are sent again."""

    retried = fields.Integer(required=True)


class DropMailsSchema(Strict):
    """Which e-mails are not to be sent, and why."""

    numbers = _numbers(required=True)
    reason = Sentence(required=True)


class DroppedMailsSchema(Strict):
    """``dropped``: how many will not be sent."""

    dropped = fields.Integer(required=True)
