"""The queue of syncs: what waits to reach Stripe, what failed, and what waits for a person."""

from marshmallow import fields

from api.schemas.fields import Instant, Page, Strict, Text


class SyncListQuery(Page):
    """``parked``: only those that wait for a person, or only the others."""

    parked = fields.Boolean(load_default=None)
    cursor = Text(load_default=None)


class QueuedSyncSchema(Strict):
    """A cycle whose draft may be out of step with the books.

    ``due_at``: when a worker takes it; a draft that was read often of late waits longer.
    ``attempts``: how often it failed since it last succeeded; ``error``: how it failed last, by
    its code and what to do. ``parked``: it is tried again once a person says so. ``under_way``: a
    worker is at it.
    """

    cycle = fields.String(required=True)
    due_at = Instant(required=True)
    urgent = fields.Boolean(required=True)
    attempts = fields.Integer(required=True)
    under_way = fields.Boolean(required=True)
    parked = fields.Boolean(required=True)
    error = fields.String(required=True, allow_none=True)
    failed_at = Instant(required=True, allow_none=True)


class SyncPageSchema(Strict):
    """A page of the queue, by cycle."""

    data = fields.List(fields.Nested(QueuedSyncSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RetriedSchema(Strict):
    """``retried``: how many parked cycles are tried again."""

    retried = fields.Integer(required=True)
