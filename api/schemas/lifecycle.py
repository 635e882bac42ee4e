"""What people decide about a cycle and its invoice."""

from marshmallow import fields, validate

from api.limits import AMOUNT_MAX, LINES_MAX
from api.schemas.adjustments import LINE_KEY_MAX, LineKey
from api.schemas.fields import Amount, Entries, Identifier, Instant, Sentence, Strict, Text, Why


class ReasonSchema(Strict):
    """Why a person does this."""

    reason = Sentence(required=True)


class MaybeReasonSchema(Strict):
    """Why a person does this, where they say it."""

    reason = Why()


class HoldSchema(Strict):
    """Why finalization waits. ``owner``: who looks into it; ``review_at``: until when."""

    reason = Sentence(required=True)
    owner = Text(load_default="", shortest=0)
    review_at = Instant(load_default=None, allow_none=True)


class EndSchema(Strict):
    """When a cycle or an organization ends or begins; now where ``at`` is left out."""

    at = Instant(load_default=None)
    reason = Sentence(required=True)


class VoidSchema(Strict):
    """``reissue``: rated anew from everything known. ``forgive``: its usage is written off."""

    mode = fields.String(required=True, validate=validate.OneOf(["reissue", "forgive"]))
    reason = Sentence(required=True)


class LateDecisionSchema(Strict):
    """The line, as the invoice's ``late`` or ``proposals`` name it, and why."""

    line = LineKey()
    reason = Sentence(required=True)


class WaitingSchema(Strict):
    """A cycle that goes no further by itself for now, and why."""

    cycle = fields.String(required=True)
    code = fields.String(required=True)
    reason = fields.String(required=True)


class GivenBack(fields.Integer):
    """Minor units of a credit note that go one way."""

    def __init__(self) -> None:
        super().__init__(
            load_default=0, strict=True, validate=validate.Range(0, AMOUNT_MAX * LINES_MAX)
        )


class CreditNoteSchema(Strict):
    """A correction of an issued invoice, in minor units, before tax.

    ``lines``: what is taken off each line, by its key. ``reduce_due``, ``refund``,
    ``credit_balance`` and ``out_of_band`` say how it is given back and sum to the lines:
    first what is still to be paid is reduced. ``memo``: for the customer.
    """

    note = Identifier(required=True)
    lines = Entries(
        keys=Text(LINE_KEY_MAX),
        values=Amount(),
        required=True,
        validate=validate.Length(1, LINES_MAX),
    )
    reason = Sentence(required=True)
    memo = Text(load_default="", shortest=0)
    reduce_due = GivenBack()
    refund = GivenBack()
    credit_balance = GivenBack()
    out_of_band = GivenBack()
