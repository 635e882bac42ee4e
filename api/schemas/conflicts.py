"""What a person decides where Stripe does not hold what the books say."""

from marshmallow import fields, validate

from api.schemas.fields import Sentence, Strict, Text

DISCREPANCY_MAX = 500


class EditsSchema(Strict):
    """``overwrite``: the draft is made ours again. ``adopt``: the books take the changes over."""

    decision = fields.String(required=True, validate=validate.OneOf(["overwrite", "adopt"]))
    reason = Sentence(required=True)


class DismissSchema(Strict):
    """The discrepancy's ``id``, as the invoice's proof has it, and why it may stay."""

    discrepancy = Text(DISCREPANCY_MAX, required=True)
    reason = Sentence(required=True)
