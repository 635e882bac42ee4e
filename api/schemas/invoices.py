"""Invoices, their lines, and how they stand at Stripe."""

from dataclasses import fields as members
from typing import Any

from marshmallow import fields, pre_dump, validate

from api.schemas.fields import Exact, Instant, MinorUnits, Page, Strict, Text
from api.schemas.outcomes import OutcomesSchema, by_kind
from application.views import CurrentView, InvoiceView

_POSITION = validate.Range(0, 2**62)
LINE_KINDS = [
    "fee",
    "coming",
    "unused",
    "usage",
    "once",
    "minimum",
    "discount",
    "item",
    "waive",
    "edited",
    "stripe",
    "override",
    "late",
    "carry",
    "credit",
    "other",
]
"""What lines are for, in the order in which rating makes them."""


class AsOf(Strict):
    """What had happened by ``as_of``, as far as it was known by ``known_at``.

    ``at_least`` waits until the log has reached a position.
    """

    as_of = Instant(load_default=None)
    known_at = Instant(load_default=None)
    at_least = fields.Integer(load_default=None, validate=_POSITION)


class PeriodSchema(Strict):
    """From ``start`` up to but not including ``end``."""

    start = Instant(required=True)
    end = Instant(required=True)


class ChargeSchema(Strict):
    """One step of a line: so many units at so much. Minor units, exact."""

    what = fields.String(required=True)
    quantity = Exact(required=True)
    unit_amount = Exact(required=True)
    amount = Exact(required=True)


class LineSchema(Strict):
    """One line. ``amount`` is rounded once; ``unrounded_amount`` is exact (12 places)."""

    key = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": LINE_KINDS})
    description = fields.String(required=True)
    quantity = Exact(required=True)
    unit = fields.String(required=True, allow_none=True)
    amount = MinorUnits(required=True)
    unrounded_amount = Exact(attribute="unrounded", required=True)
    period = fields.Nested(PeriodSchema, required=True)
    price = fields.String(required=True, allow_none=True)
    attachment = fields.String(required=True, allow_none=True)
    proration = fields.Function(
        lambda line: [str(part) for part in line.proration] if line.proration else None,
        metadata={
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "share of the full period: numerator, denominator, in microseconds",
        },
    )
    coming = fields.Function(
        lambda line: line.kind == "coming",
        metadata={"type": "boolean", "description": "billed ahead: its period is the next one"},
    )
    corrects = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the line of another cycle that this one is about: cycle/key"},
    )
    charges = fields.List(fields.Nested(ChargeSchema), required=True)


class HeldSchema(Strict):
    """Why finalization waits, who looks into it and until when, and since when."""

    kind = fields.String(required=True, metadata={"enum": ["person", "plan", "discrepancy"]})
    reason = fields.String(required=True)
    owner = fields.String(required=True)
    review_at = Instant(required=True, allow_none=True)
    at = Instant(required=True)


class ApprovalSchema(Strict):
    """A person's consent: asked for at ``subtotal``, and given, to the invoice of a digest."""

    requested_at = Instant(required=True, allow_none=True)
    subtotal = MinorUnits(required=True, allow_none=True)
    given_at = Instant(required=True, allow_none=True)
    digest = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class LateLineSchema(Strict):
    """What a line of this issued invoice would come to more, or less. Minor units.

    ``amount`` is ``known`` (with everything known now) less ``settled`` and ``billed`` before.
    """

    line = fields.String(required=True)
    description = fields.String(required=True)
    amount = MinorUnits(required=True)
    known = MinorUnits(required=True)
    settled = MinorUnits(required=True)
    billed = MinorUnits(required=True)
    price = fields.String(required=True, allow_none=True)
    attachment = fields.String(required=True, allow_none=True)


class StripeBadgeSchema(Strict):
    """How the invoice stands at Stripe, by our own record."""

    invoice = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True, metadata={"enum": ["none", "in_step", "pending", "drift", "failed"]}
    )
    proved_at = Instant(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)


class UnpricedSchema(Strict):
    """Usage that nothing prices yet."""

    meter = fields.String(required=True)
    attachment = fields.Function(
        lambda tally: tally.attachment or None, metadata={"type": ["string", "null"]}
    )
    dimensions = fields.Function(lambda tally: dict(tally.dimensions), metadata={"type": "object"})


class UnusualLineSchema(Strict):
    """A line far from what it was on ``invoices`` invoices before. Minor units."""

    line = fields.String(attribute="key", required=True)
    description = fields.String(required=True)
    amount = MinorUnits(required=True)
    low = MinorUnits(required=True)
    high = MinorUnits(required=True)
    invoices = fields.Integer(attribute="cycles", required=True)
    words = fields.String(required=True)


class InvoiceSchema(Strict):
    """An invoice with everything known about it. Amounts in minor units."""

    cycle = fields.String(attribute="invoice.cycle", required=True)
    organization = fields.String(attribute="invoice.organization", required=True)
    status = fields.String(required=True)
    held = fields.String(required=True, allow_none=True)
    hold = fields.Nested(HeldSchema, required=True, allow_none=True)
    approval = fields.Nested(ApprovalSchema, required=True, allow_none=True)
    approved = fields.Boolean(attribute="is_approved", required=True)
    currency = fields.String(attribute="invoice.currency", required=True)
    period = fields.Nested(PeriodSchema, attribute="invoice.period", required=True)
    revision = fields.Integer(attribute="invoice.revision", required=True)
    lines = fields.List(fields.Nested(LineSchema), attribute="invoice.lines", required=True)
    accrued = MinorUnits(required=True)
    subtotal = MinorUnits(attribute="invoice.subtotal", required=True)
    tax = MinorUnits(required=True, allow_none=True)
    total = MinorUnits(required=True)
    balance_applied = MinorUnits(required=True)
    number = fields.String(required=True, allow_none=True)
    issued_at = Instant(required=True, allow_none=True)
    due_at = Instant(required=True, allow_none=True)
    amount_due = MinorUnits(required=True)
    amount_paid = MinorUnits(required=True)
    amount_remaining = MinorUnits(required=True)
    digest = fields.String(required=True)
    version = fields.Integer(required=True)
    position = fields.Integer(required=True)
    as_of = Instant(required=True)
    known_at = Instant(required=True)
    stripe = fields.Nested(StripeBadgeSchema, required=True)
    unpriced = fields.List(fields.Nested(UnpricedSchema), required=True)
    late = fields.List(
        fields.Nested(LateLineSchema),
        required=True,
        metadata={"description": "known since it was settled, and not billed yet"},
    )
    proposals = fields.List(
        fields.Nested(LateLineSchema),
        required=True,
        metadata={"description": "late amounts of lines a person adjusted: accept or write off"},
    )
    billed_late = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=MinorUnits()),
        required=True,
        metadata={"description": "late amounts by line, by the cycle or note that billed them"},
    )
    unusual = fields.List(
        fields.Nested(UnusualLineSchema),
        required=True,
        metadata={"description": "lines far from what they were on the invoices before"},
    )
    outcomes = fields.Nested(OutcomesSchema, required=True)

    @pre_dump
    def shaped(self, view: Any, **_: Any) -> dict[str, Any]:
        """The view's members, with consent to it and what became of it by kind."""
        return in_shape(view)


def in_shape(view: InvoiceView) -> dict[str, Any]:
    """What the schema of an invoice dumps."""
    shown = {each.name: getattr(view, each.name) for each in members(InvoiceView)}
    return shown | {
        "is_approved": view.is_approved,
        "approval": _approval(view),
        "outcomes": by_kind(view.outcomes),
    }


def _approval(view: InvoiceView) -> dict[str, Any] | None:
    asked, given = view.approval, view.approved
    if asked is None and given is None:
        return None
    newest = given or asked
    return {
        "requested_at": asked.at if asked else None,
        "subtotal": asked.subtotal if asked else None,
        "given_at": given.at if given else None,
        "digest": newest.digest if newest else None,
        "reason": given.reason if given else None,
    }


class CurrentInvoiceSchema(InvoiceSchema):
    """The accruing cycle's invoice, and ``awaiting``: those of cycles not yet issued."""

    awaiting = fields.List(fields.Nested(InvoiceSchema), required=True)

    @pre_dump
    def shaped(self, current: CurrentView, **_: Any) -> dict[str, Any]:
        """The invoice's members and ``awaiting`` in one object."""
        return in_shape(current.invoice) | {"awaiting": current.awaiting}


VOLATILE = frozenset({"as_of", "known_at", "position", "accrued"})
"""What may differ between two answers about an unchanged invoice."""


class InvoiceSummarySchema(Strict):
    """One row of the list. ``total`` is there once the books are settled.

    ``credited``: by credit notes, with their tax.
    """

    cycle = fields.String(required=True)
    organization = fields.String(required=True)
    currency = fields.String(required=True)
    period = fields.Function(
        lambda row: PeriodSchema().dump({"start": row.starts, "end": row.ends}),
        metadata={"type": "object"},
    )
    status = fields.String(required=True)
    held = fields.String(required=True, allow_none=True)
    total = MinorUnits(required=True, allow_none=True)
    credited = MinorUnits(required=True)
    number = fields.String(required=True, allow_none=True)
    issued_at = Instant(required=True, allow_none=True)
    stripe_invoice = fields.String(required=True, allow_none=True)
    stripe_state = fields.String(required=True)
    proved_at = Instant(required=True, allow_none=True)


class InvoicePageSchema(Strict):
    """A page of an organization's invoices, newest first."""

    data = fields.List(fields.Nested(InvoiceSummarySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class InvoiceListQuery(Page):
    """Newest first."""

    cursor = Text(80, load_default=None, metadata={"description": "the cycle to go on after"})
