"""Why an invoice is what it is: history, explanation, change-set, proof."""

from marshmallow import fields, validate

from api.schemas.audit_trail import ChainSchema
from api.schemas.fields import Exact, Instant, MinorUnits, Page, Strict, Text, Why
from api.schemas.invoices import LineSchema
from api.schemas.usage import UsageEntrySchema
from projections.steps import KINDS


class HistoryEntrySchema(Strict):
    """One event in one sentence. ``meters``: ids of those that it calls by their names."""

    version = fields.Integer(required=True)
    position = fields.Integer(required=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    actor = fields.String(required=True)
    what = fields.String(required=True)
    meters = fields.List(fields.String(), required=True)


class HistorySchema(Strict):
    """A page of a cycle's story, oldest first."""

    data = fields.List(fields.Nested(HistoryEntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class HistoryQuery(Page):
    """Oldest first, after a position of the log."""

    cursor = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))


class StepSchema(Strict):
    """One step of a line's arithmetic. Amounts in minor units, exact.

    ``charge`` and ``maximum`` steps sum to the line's unrounded amount; with ``rounding`` they
    sum to its amount. ``line``: where a step stands on a line of its own, the key of that one;
    it is told here, and counts there.
    """

    kind = fields.String(required=True, metadata={"enum": sorted(KINDS)})
    what = fields.String(required=True)
    line = fields.String(required=True, allow_none=True)
    quantity = Exact(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    unit_amount = Exact(required=True, allow_none=True)
    amount = Exact(required=True, allow_none=True)


class ExplanationSchema(Strict):
    """From usage records to cents; ``usage`` is one page of the ``records`` behind the line."""

    cycle = fields.String(required=True)
    line = fields.Nested(LineSchema, required=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)
    records = fields.Integer(required=True)
    usage = fields.List(fields.Nested(UsageEntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ExplanationQuery(Page):
    """A page of the usage records. ``as_of``, ``known_at``: as for the invoice."""

    as_of = Instant(load_default=None)
    known_at = Instant(load_default=None)
    cursor = Text(load_default=None)


class ChangeSchema(Strict):
    """One difference. Amounts in minor units. ``differs``: what an update brings up to date."""

    op = fields.String(required=True, metadata={"enum": ["create", "update", "remove"]})
    key = fields.String(required=True)
    was = MinorUnits(required=True, allow_none=True)
    becomes = MinorUnits(required=True, allow_none=True)
    differs = fields.List(
        fields.String(metadata={"enum": ["amount", "period", "description"]}), required=True
    )


class ForeignLineSchema(Strict):
    """A line that somebody else put on the draft. Amount in minor units."""

    line = fields.String(required=True)
    amount = MinorUnits(required=True)
    description = fields.String(required=True)


class ChangeSetSchema(Strict):
    """What a sync would change at Stripe. ``calls``: what it costs. ``unsafe``: why it refuses.

    ``foreign``: lines put there by others; no sync touches them, and none is issued with them.
    ``terms``: what changes of how the draft is collected.
    """

    cycle = fields.String(required=True)
    terms = fields.String(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    unchanged = fields.Integer(required=True)
    foreign = fields.List(fields.Nested(ForeignLineSchema), required=True)
    calls = fields.Integer(required=True)
    unsafe = fields.String(required=True, allow_none=True)


class DiscrepancySchema(Strict):
    """One way in which Stripe differs from the books."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    key = fields.String(required=True)
    ours = fields.String(required=True)
    theirs = fields.String(required=True)


class SyncResultSchema(Strict):
    """What a sync did and found. ``terms``: what changed of how the draft is collected."""

    cycle = fields.String(required=True)
    invoice = fields.String(required=True, allow_none=True)
    terms = fields.String(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    writes = fields.Integer(required=True)
    proved_at = Instant(required=True, allow_none=True)
    discrepancies = fields.List(fields.Nested(DiscrepancySchema), required=True)


class ProofSchema(Strict):
    """The certificate: what was read at Stripe, when, and whether it equals the books.

    ``chain``: where the chain over the organization's events stands; keep it.
    """

    cycle = fields.String(required=True)
    invoice = fields.String(required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)
    proved_digest = fields.String(required=True, allow_none=True)
    proved_at = Instant(required=True, allow_none=True)
    lines = fields.Integer(required=True, allow_none=True)
    total = MinorUnits(required=True, allow_none=True)
    policy = fields.String(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)
    discrepancies = fields.List(fields.Nested(DiscrepancySchema), required=True)
    chain = fields.Nested(ChainSchema, required=True)


class SyncSchema(Strict):
    """``force``: carry out a plan that refuses itself. ``reason``: stands with what is changed."""

    force = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    reason = Why()
