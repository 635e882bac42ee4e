"""Webhook endpoints and what they were sent. A secret is answered once, where it is made."""

from marshmallow import fields, validate

from api.schemas.fields import Instant, Page, Strict, Text
from application.endpoints import GRACE, GRACE_MAX
from application.notices import KINDS

URL_MAX = 2_000
STATUSES = ("waiting", "delivered", "given_up")


class NewEndpointSchema(Strict):
    """Where to send notices. ``kinds``: which ones; null: all."""

    url = Text(URL_MAX, required=True)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(tuple(KINDS))),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, len(KINDS)),
    )
    description = Text(load_default="", shortest=0)


class EndpointChangesSchema(Strict):
    """What to change; what is not named stays as it is."""

    url = Text(URL_MAX)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(tuple(KINDS))),
        allow_none=True,
        validate=validate.Length(1, len(KINDS)),
    )
    description = Text(shortest=0)
    enabled = fields.Boolean()


class SecretRotationSchema(Strict):
    """``grace_s``: for how many seconds the old secret signs beside the new one."""

    grace_s = fields.Integer(
        strict=True,
        load_default=int(GRACE.total_seconds()),
        validate=validate.Range(0, int(GRACE_MAX.total_seconds())),
    )


class EndpointSchema(Strict):
    """A webhook endpoint without its secret.

    ``failing_since``: when the first of the failures in a row was. ``old_secret_until``: until
    then messages are signed by the old secret too.
    """

    id = fields.String(required=True)
    url = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True, allow_none=True)
    description = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    disabled_reason = fields.String(required=True, allow_none=True)
    failing_since = Instant(required=True, allow_none=True)
    old_secret_until = Instant(required=True, allow_none=True, attribute="old_until")
    created_at = Instant(required=True, attribute="made_at")


class MadeEndpointSchema(EndpointSchema):
    """An endpoint with a new secret. ``secret``: shown this once."""

    secret = fields.String(required=True)


class DeletedEndpointSchema(Strict):
    """``deleted``: the id of an endpoint that is no more."""

    deleted = fields.String(required=True)


class EndpointListSchema(Strict):
    """Endpoints, oldest first."""

    data = fields.List(fields.Nested(EndpointSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DeliveryListQuery(Page):
    """``status``: only these."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    cursor = Text(load_default=None)


class DeliverySchema(Strict):
    """A notice on its way to an endpoint.

    ``notice``: its id, which is the webhook's. ``next_try_at``: null where it is done, or waits
    for an earlier one of its organization. ``answer``: the last HTTP status. ``response``: how
    the answer's body began. ``error``: why the last attempt failed.
    """

    number = fields.Integer(required=True)
    notice = fields.String(required=True)
    kind = fields.String(required=True)
    organization = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    attempts = fields.Integer(required=True)
    created_at = Instant(required=True)
    tried_at = Instant(required=True, allow_none=True)
    next_try_at = Instant(required=True, allow_none=True)
    answer = fields.Integer(required=True, allow_none=True)
    response = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class DeliveryPageSchema(Strict):
    """A page of deliveries, newest first."""

    data = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
