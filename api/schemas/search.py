"""What a search leads to."""

from marshmallow import fields, validate

from api.schemas.fields import Strict, Text
from application.searching import FOUND_MAX, TEXT_MAX


class SearchQuery(Strict):
    """``q``: an id or name of an organization, a member's e-mail address, a customer or invoice
    of Stripe's, an invoice's number, a cycle, a case."""

    q = Text(TEXT_MAX, required=True)
    limit = fields.Integer(
        load_default=FOUND_MAX,
        validate=validate.Range(1, FOUND_MAX),
        metadata={"description": "rows of each kind at most"},
    )


class FoundOrganizationSchema(Strict):
    """``by``: what was sought in it."""

    organization = fields.String(attribute="id", required=True)
    name = fields.String(required=True)
    by = fields.String(required=True, metadata={"enum": ["id", "name", "email", "stripe_customer"]})


class FoundCycleSchema(Strict):
    """``by``: what was sought in it."""

    cycle = fields.String(required=True)
    organization = fields.String(required=True)
    status = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    stripe_invoice = fields.String(required=True, allow_none=True)
    by = fields.String(required=True, metadata={"enum": ["cycle", "number", "stripe_invoice"]})


class FoundCaseSchema(Strict):
    """A reported problem."""

    case = fields.String(required=True)
    organization = fields.String(required=True)
    status = fields.String(required=True)


class SearchResultSchema(Strict):
    """Everything that a text leads to, the closest first."""

    organizations = fields.List(fields.Nested(FoundOrganizationSchema), required=True)
    cycles = fields.List(fields.Nested(FoundCycleSchema), required=True)
    cases = fields.List(fields.Nested(FoundCaseSchema), required=True)
