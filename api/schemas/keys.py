"""Keys of the API, and what was done to them. A secret is answered once, where it is made."""

from marshmallow import fields, validate

from api.schemas.fields import Identifier, Instant, Page, Strict, Text
from application.keys import GRACE, GRACE_MAX, ROLES


class NewKeySchema(Strict):
    """``organization``: the one that a key of role ``organization`` may see, and only then."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    organization = Identifier(load_default=None, allow_none=True)
    name = Text(load_default="", shortest=0)


class RotationSchema(Strict):
    """``grace_s``: for how many seconds the old key stays in force."""

    grace_s = fields.Integer(
        strict=True,
        load_default=int(GRACE.total_seconds()),
        validate=validate.Range(0, int(GRACE_MAX.total_seconds())),
    )


class KeySchema(Strict):
    """A key without its secret. ``last_used_at``: to the minute.

    ``expires_at``: it was rotated, and is refused from then on.
    """

    id = fields.String(required=True)
    role = fields.String(required=True)
    organization = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    created_at = Instant(required=True)
    last_used_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    revoked_at = Instant(required=True, allow_none=True)


class MadeKeySchema(KeySchema):
    """A new key. ``key``: its secret, shown this once."""

    key = fields.String(required=True)


class RotatedKeySchema(MadeKeySchema):
    """A new key, and in ``replaces`` the one whose place it takes."""

    replaces = fields.Nested(KeySchema, required=True)


class KeyPageSchema(Strict):
    """A page of keys, oldest first."""

    data = fields.List(fields.Nested(KeySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class KeyEventSchema(Strict):
    """What ``actor`` did to a key. ``successor``: where it was rotated, the new key."""

    number = fields.Integer(required=True)
    key = fields.String(required=True)
    event = fields.String(required=True, metadata={"enum": ["created", "rotated", "revoked"]})
    at = Instant(required=True)
    actor = fields.String(required=True)
    successor = fields.String(required=True, allow_none=True)


class KeyEventPageSchema(Strict):
    """A page of what was done to keys, oldest first."""

    data = fields.List(fields.Nested(KeyEventSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class KeyListQuery(Page):
    """Goes on after the key or event that ``cursor`` names."""

    cursor = Text(load_default=None)
