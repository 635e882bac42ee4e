"""Links that let people sign in to the pages."""

from marshmallow import fields, validate

from api.links import LINK_LASTS, LINK_LASTS_MAX
from api.schemas.fields import Identifier, Instant, Strict, Text


class _LinkSchema(Strict):
    """``lasts_s``: for how many seconds the link works, once."""

    lasts_s = fields.Integer(
        strict=True,
        load_default=int(LINK_LASTS.total_seconds()),
        validate=validate.Range(60, int(LINK_LASTS_MAX.total_seconds())),
    )


class CustomerSignInSchema(_LinkSchema):
    """``user``: the member it is for, so that the story names them; without: the organization."""

    user = Text(load_default=None, allow_none=True)


class StaffSignInSchema(_LinkSchema):
    """``name``: whom the story names when they change something."""

    name = Identifier(required=True)
    role = fields.String(required=True, validate=validate.OneOf(["support", "admin"]))


class SignInLinkSchema(Strict):
    """``url``: whoever opens it first is signed in."""

    url = fields.String(required=True)
    expires_at = Instant(required=True)
