"""What another program billed, and how that compares with our invoices."""

from marshmallow import fields, validate

from api.schemas.fields import Exact, Identifier, Instant, MinorUnits, Page, Strict, Text
from application.shadowing.comparing import PAGE_MAX
from projections.shadow import Verdict
from projections.shadow_causes import Cause


class SpanSchema(Strict):
    """From ``start`` up to but not including ``end``."""

    start = Instant(required=True)
    end = Instant(required=True)


class ImportedLineSchema(Strict):
    """A line as Stripe has it. ``tax``: contained in ``amount``."""

    id = fields.String(required=True)
    description = fields.String(required=True)
    amount = MinorUnits(required=True)
    period = fields.Nested(SpanSchema, required=True)
    quantity = Exact(required=True, allow_none=True)
    product = fields.String(required=True, allow_none=True)
    price = fields.String(required=True, allow_none=True)
    proration = fields.Boolean(required=True)
    tax = MinorUnits(required=True)


class ImportedInvoiceSchema(Strict):
    """An invoice that another program issued through Stripe. ``imported`` is always true."""

    imported = fields.Function(lambda _: True, metadata={"type": "boolean"})
    stripe_invoice = fields.String(attribute="id", required=True)
    stripe_customer = fields.String(attribute="customer", required=True)
    number = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    currency = fields.String(required=True)
    period = fields.Nested(SpanSchema, required=True)
    issued_at = Instant(required=True)
    subtotal = MinorUnits(required=True)
    discount = MinorUnits(required=True)
    tax = MinorUnits(required=True)
    total = MinorUnits(required=True)
    amount_paid = MinorUnits(required=True)
    lines = fields.List(fields.Nested(ImportedLineSchema), required=True)


class ImportedPageSchema(Strict):
    """A page of imported invoices, newest first."""

    data = fields.List(fields.Nested(ImportedInvoiceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ImportedListQuery(Page):
    """Newest first."""

    cursor = Text(load_default=None, metadata={"description": "Stripe's id to go on after"})


class ShadowQuery(Page):
    """Cycles that end after ``from`` and by ``to``, of all that have ended."""

    start = Instant(load_default=None, data_key="from")
    end = Instant(load_default=None, data_key="to")
    organization = Identifier(load_default=None)
    limit = fields.Integer(load_default=PAGE_MAX, validate=validate.Range(1, PAGE_MAX))
    cursor = Text(shortest=0, load_default="")


class ComparedLineSchema(Strict):
    """Lines for the same thing. ``difference``: theirs less ours, in minor units."""

    what = fields.String(required=True)
    amount = MinorUnits(required=True, allow_none=True)
    billed = MinorUnits(required=True, allow_none=True)
    difference = MinorUnits(required=True)
    cause = fields.String(required=True, allow_none=True, validate=validate.OneOf([*Cause]))
    ours = fields.List(fields.String(), required=True)
    theirs = fields.List(fields.String(), required=True)


class ShadowSchema(Strict):
    """A cycle beside what was billed for it. ``amount``: ours; ``billed``: theirs; before tax."""

    organization = fields.String(required=True, allow_none=True)
    cycle = fields.String(required=True, allow_none=True)
    stripe_customer = fields.String(attribute="customer", required=True, allow_none=True)
    currency = fields.String(required=True)
    period = fields.Nested(SpanSchema, required=True)
    verdict = fields.String(required=True, validate=validate.OneOf([*Verdict]))
    amount = MinorUnits(required=True)
    billed = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    tax = MinorUnits(required=True)
    stripe_invoices = fields.List(fields.String(), attribute="invoices", required=True)
    numbers = fields.List(fields.String(), required=True)
    lines = fields.List(fields.Nested(ComparedLineSchema), required=True)


class ShadowCountsSchema(Strict):
    """What the comparisons of this page come to."""

    expected = fields.Integer(required=True)
    compared = fields.Integer(required=True)
    equal = fields.Integer(required=True)
    different = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    extra = fields.Integer(required=True)


class ShadowPageSchema(Strict):
    """Comparisons of some organizations, by id and period."""

    data = fields.List(fields.Nested(ShadowSchema), required=True)
    counts = fields.Nested(ShadowCountsSchema, required=True)
    next_cursor = fields.String(required=True, allow_none=True)
