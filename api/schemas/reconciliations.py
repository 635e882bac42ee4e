"""Reconciliations: what is asked for, how far it is, and what was found."""

from marshmallow import fields, validate

from api.schemas.fields import Instant, MinorUnits, Page, Strict, Text
from projections.reconciliation import Kind, Severity


class ReconciliationRequestSchema(Strict):
    """The window: cycles that overlap it; without one, every cycle.

    ``repair``: mend what is safe to mend. ``every_line``: read all lines of long drafts, too.
    """

    start = Instant(load_default=None, data_key="from")
    end = Instant(load_default=None, data_key="to")
    repair = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    every_line = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class CountSchema(Strict):
    """Findings of a kind. ``cents``: minor units by which the other side is above the books."""

    kind = fields.String(required=True, validate=validate.OneOf([*Kind]))
    severity = fields.String(required=True, validate=validate.OneOf([*Severity]))
    currency = fields.String(required=True)
    findings = fields.Integer(required=True)
    repaired = fields.Integer(required=True)
    cents = MinorUnits(required=True)


class ReconciliationSchema(Strict):
    """A reconciliation as it stands. ``clean``: all was read and equals the books.

    ``expected``: cycles in the window; ``done``: those that were compared; ``listed``: invoices
    that Stripe listed. A failed one says why in ``problem``.
    """

    reconciliation = fields.String(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf(["requested", "running", "done", "failed"])
    )
    start = Instant(required=True, allow_none=True, data_key="from")
    end = Instant(required=True, allow_none=True, data_key="to")
    repair = fields.Boolean(required=True)
    every_line = fields.Boolean(required=True)
    requested_by = fields.String(required=True)
    requested_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)
    expected = fields.Integer(required=True)
    done = fields.Integer(required=True)
    listed = fields.Integer(required=True)
    problem = fields.String(required=True, allow_none=True)
    clean = fields.Boolean(required=True)
    findings = fields.Integer(required=True)
    repaired = fields.Integer(required=True)
    counts = fields.List(fields.Nested(CountSchema), required=True)


class ReconciliationPageSchema(Strict):
    """A page of reconciliations, the newest first."""

    data = fields.List(fields.Nested(ReconciliationSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FindingSchema(Strict):
    """One discrepancy. ``ours`` are the books, ``theirs`` the projection or Stripe.

    ``cents``: theirs less ours, in minor units. ``repair``: what was tried, if anything was.
    """

    kind = fields.String(required=True, validate=validate.OneOf([*Kind]))
    severity = fields.String(required=True, validate=validate.OneOf([*Severity]))
    cycle = fields.String(required=True)
    organization = fields.String(required=True)
    invoice = fields.String(required=True, allow_none=True)
    currency = fields.String(required=True)
    ours = fields.String(required=True)
    theirs = fields.String(required=True)
    cents = MinorUnits(required=True)
    detail = fields.String(required=True)
    repair = fields.String(required=True, allow_none=True)
    repaired = fields.Boolean(required=True)


class FindingPageSchema(Strict):
    """A page of findings, in the order they were found."""

    data = fields.List(fields.Nested(FindingSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ReconciliationListQuery(Page):
    """Which page."""

    cursor = Text(load_default=None)
