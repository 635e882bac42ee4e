"""Webhooks: how they are answered, and those that failed."""

from marshmallow import EXCLUDE, Schema, fields

from api.schemas.fields import Instant, Page, Strict, Text


class WebhookSchema(Strict):
    """The webhook is stored; ``new`` is false where it had come before."""

    new = fields.Boolean(required=True)


class WebhookListQuery(Page):
    """Which page."""

    cursor = Text(load_default=None)


class FailedWebhookSchema(Strict):
    """A message of Stripe's that could not be handled yet.

    ``object``: what it is about, at Stripe. ``error``: why it failed last, by its code and what to
    do. ``due_at``: when it is tried again; ``null`` where that is now or waits for a person, who
    is waited for where ``parked``.
    """

    event = fields.String(required=True)
    type = fields.String(required=True)
    object = fields.String(required=True)
    cycle = fields.String(required=True, allow_none=True)
    organization = fields.String(required=True, allow_none=True)
    received_at = Instant(required=True)
    attempts = fields.Integer(required=True)
    due_at = Instant(required=True, allow_none=True)
    parked = fields.Boolean(required=True)
    error = fields.String(required=True)


class FailedWebhookPageSchema(Strict):
    """A page of failed messages, by Stripe's id."""

    data = fields.List(fields.Nested(FailedWebhookSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RetryWebhooksSchema(Strict):
    """``event``: which one; all of them where it is left out."""

    event = Text(load_default=None)


class RetriedWebhooksSchema(Strict):
    """``retried``: how many messages are tried again."""

    retried = fields.Integer(required=True)


class SyncQuery(Strict):
    """``invoice``: a billing cycle, or Stripe's id of its invoice."""

    invoice = Text(required=True)


class AnyQuery(Schema):
    """Whatever was sent: the answer does not depend on it."""

    class Meta:
        """Nothing is refused."""

        unknown = EXCLUDE
