"""Messages, or records of them, that could not be recorded as they came."""

from marshmallow import fields, validate

from api.limits import IDS_MAX
from api.schemas.fields import Instant, Page, Sentence, Strict

_ID = validate.Range(1, 2**62)


class DeadLetterSchema(Strict):
    """What could not be recorded, why, and what became of it.

    ``index``: the record's place in its message, null where it is the message itself.
    ``beginning``: of what was sent, with what is no text replaced; ``size``: bytes of all of it.
    ``times``: how often the same came from RabbitMQ; replays are not counted.
    """

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    index = fields.Integer(required=True, allow_none=True)
    content_type = fields.String(required=True)
    beginning = fields.String(required=True)
    size = fields.Integer(required=True)
    exchange = fields.String(required=True)
    routing_key = fields.String(required=True)
    times = fields.Integer(required=True)
    first_at = Instant(required=True)
    last_at = Instant(required=True)
    status = fields.String(required=True)
    resolved_at = Instant(required=True, allow_none=True)
    resolution = fields.String(required=True, allow_none=True)
    resolved_by = fields.String(required=True, allow_none=True)


class DeadLetterPageSchema(Strict):
    """A page of dead letters, by id."""

    data = fields.List(fields.Nested(DeadLetterSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DeadLetterQuery(Page):
    """Which dead letters."""

    status = fields.String(
        load_default="open", validate=validate.OneOf(["open", "replayed", "dropped"])
    )
    cursor = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))


def _ids(*, required: bool = False) -> fields.List[int]:
    inner = fields.Integer(strict=True, validate=_ID)
    return fields.List(inner, required=required, validate=validate.Length(1, IDS_MAX))


class ReplaySchema(Strict):
    """Which dead letters to record again: all open ones where ``ids`` is left out."""

    ids = _ids()
    reason = Sentence(required=True)


class DropSchema(Strict):
    """Which dead letters to give up."""

    ids = _ids(required=True)
    reason = Sentence(required=True)


class ReplayedSchema(Strict):
    """What a replay came to: letters replayed or still dead; and records, by their outcome."""

    replayed = fields.Integer(required=True)
    still_dead = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    conflicts = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)


class DroppedSchema(Strict):
    """``dropped``: how many were given up."""

    dropped = fields.Integer(required=True)
