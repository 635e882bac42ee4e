"""Organizations: who pays, by which rules."""

from typing import Any

from marshmallow import fields, post_load, validate

from api.limits import MEMBERS_MAX, TEXT_MAX
from api.schemas.fields import Entries, Instant, Page, Sentence, Strict, Text
from application.registration import Details
from application.views import Member
from domain.organization import ROLES


class MemberSchema(Strict):
    """A user of the organization."""

    user = Text(required=True)
    email = Text(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))

    @post_load
    def to_member(self, data: dict[str, Any], **_: Any) -> Member:
        """The member as the use case knows it."""
        return Member(**data)


class OrganizationDetailsSchema(Strict):
    """How an organization is to be.

    ``members`` and ``policies``, where given, replace what there was. ``starts_at`` counts only
    when the organization is new.
    """

    name = Sentence(required=True)
    currency = fields.String(required=True, validate=validate.Length(3, 3))
    time_zone = Text(load_default="UTC")
    anchor_day = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 31))
    members = fields.List(fields.Nested(MemberSchema), validate=validate.Length(max=MEMBERS_MAX))
    policies = Entries(keys=Text(), values=fields.Raw(allow_none=True))
    starts_at = Instant(allow_none=True)

    @post_load
    def to_details(self, data: dict[str, Any], **_: Any) -> Details:
        """The description as the use case knows it."""
        members = data.pop("members", None)
        return Details(members=None if members is None else tuple(members), **data)


class OrganizationSchema(Strict):
    """An organization. ``position``: of the log after a change; 0 on a read."""

    organization = fields.String(attribute="id", required=True)
    name = fields.String(required=True)
    currency = fields.String(required=True)
    time_zone = fields.String(required=True)
    anchor_day = fields.Integer(required=True)
    members = fields.List(fields.Nested(MemberSchema), required=True)
    policies = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)
    stripe_customer = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    position = fields.Integer(required=True)


class OrganizationSummarySchema(Strict):
    """One row of a search."""

    organization = fields.String(attribute="id", required=True)
    name = fields.String(required=True)


class OrganizationPageSchema(Strict):
    """A page of organizations, by id."""

    data = fields.List(fields.Nested(OrganizationSummarySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OrganizationSearch(Page):
    """Part of an id or of a name."""

    text = Text(shortest=0, load_default="")
    cursor = Text(TEXT_MAX, shortest=0, load_default="")
