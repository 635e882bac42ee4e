"""What a person decides where Stripe does not hold what the books say."""

from marshmallow import fields, validate

from api.schemas.fields import Identifier, Instant, MinorUnits, Page, Sentence, Strict, Text
from api.schemas.stories import DiscrepancySchema
from application.discrepancies import WAYS

CYCLE_MAX = 75
DISCREPANCY_MAX = 500
NUMBER_MAX = 2**62


class EditsSchema(Strict):
    """``overwrite``: the draft is made ours again. ``adopt``: the books take the changes over."""

    decision = fields.String(required=True, validate=validate.OneOf(["overwrite", "adopt"]))
    reason = Sentence(required=True)


class DismissSchema(Strict):
    """The discrepancy's ``id``, as the invoice's proof has it, and why it may stay."""

    discrepancy = Text(DISCREPANCY_MAX, required=True)
    reason = Sentence(required=True)


class OpenDiscrepancySchema(DiscrepancySchema):
    """One way in which Stripe differs from the books of a cycle now.

    ``id``: by which it is resolved; ``about``: its id on the invoice's proof. ``cents``: theirs
    less ours in minor units, where it is about an amount. ``since``: when it was first recorded.
    """

    about = fields.String(required=True)
    cycle = fields.String(required=True)
    organization = fields.String(required=True)
    currency = fields.String(required=True)
    cents = MinorUnits(required=True, allow_none=True)
    invoice = fields.String(required=True, allow_none=True)
    since = Instant(required=True)


class OpenDiscrepancyPageSchema(Strict):
    """A page of open discrepancies, the oldest first."""

    data = fields.List(fields.Nested(OpenDiscrepancySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DiscrepancyListQuery(Page):
    """Only those of an organization, a cycle or a kind."""

    organization = Identifier(load_default=None)
    cycle = Text(CYCLE_MAX, load_default=None)
    kind = Identifier(load_default=None)
    cursor = fields.Integer(load_default=0, validate=validate.Range(0, NUMBER_MAX))


class ResolveDiscrepancySchema(Strict):
    """``adopt``: the books take over what others did to the draft. ``overwrite``: the draft is
    made ours again. ``dismiss``: it may stay as it is, for as long as it is just so.
    """

    how = fields.String(required=True, validate=validate.OneOf(WAYS))
    reason = Sentence(required=True)
