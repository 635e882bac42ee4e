"""Rating previews, what-ifs and diffs as JSON."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from marshmallow import fields, post_load, pre_dump, validate

from api.limits import RECORDS_PER_REQUEST_MAX
from api.schemas.catalog import MeterDefinitionSchema, PriceTermsSchema
from api.schemas.fields import Exact, Identifier, Instant, MinorUnits, Strict, Text
from api.schemas.invoices import LineSchema, PeriodSchema
from api.schemas.usage import Properties, Value
from application.rating_preview import RatingPreview, RatingRequest, SampleRecord
from domain.period import Period
from domain.quantity import plain

CHANGES_MAX = 1_000
"""Changes of quantity in a preview."""

PLACES = 12
ANSWERED = ("ref", "organization", "effective_at")
"""What a published price is answered with and its terms do not have."""


def _said(text: str) -> dict[str, str]:
    return {"description": text}


class WholePriceSchema(PriceTermsSchema):
    """A price, published or not: its terms, or what ``GET /v1/prices`` answers of it."""

    ref = Text(metadata=_said("not looked at"))
    organization = Text(allow_none=True, metadata=_said("not looked at"))

    @post_load
    def _terms(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name not in ANSWERED}


class SampleRecordSchema(Strict):
    """One usage record to be rated. ``at``: by default where the attachment begins."""

    value = Value(required=True)
    at = Instant()
    properties = Properties()

    @post_load
    def _sample(self, data: dict[str, Any], **_: Any) -> SampleRecord:
        return SampleRecord(**data)


class QuantityFromSchema(Strict):
    """So many are attached from an instant on."""

    at = Instant(required=True)
    quantity = Exact(required=True)


class PeriodGivenSchema(PeriodSchema):
    """From ``start`` up to but not including ``end``."""

    @post_load
    def _period(self, data: dict[str, Any], **_: Any) -> Period:
        return Period(**data)


class RatingRequestSchema(Strict):
    """A price, and what it is to rate. Nothing of it need exist."""

    price = fields.Nested(WholePriceSchema, required=True)
    meter = fields.Nested(
        MeterDefinitionSchema, metadata=_said("metered prices; without it values are added up")
    )
    quantity = Exact(
        metadata=_said("metered: what was measured; otherwise how many are attached, 1 by default")
    )
    records = fields.List(
        fields.Nested(SampleRecordSchema),
        validate=validate.Length(max=RECORDS_PER_REQUEST_MAX),
        metadata=_said("metered: the usage records, in place of a quantity"),
    )
    quantities = fields.List(
        fields.Nested(QuantityFromSchema),
        validate=validate.Length(max=CHANGES_MAX),
        metadata=_said("recurring: changes of the quantity"),
    )
    period = fields.Nested(PeriodGivenSchema, required=True)
    full_period = fields.Nested(
        PeriodGivenSchema, allow_none=True, metadata=_said("prorations count in it")
    )
    attached_from = Instant(allow_none=True)
    attached_until = Instant(allow_none=True)
    time_zone = Text(metadata=_said("in which days are counted; UTC by default"))

    @post_load
    def _request(self, data: dict[str, Any], **_: Any) -> RatingRequest:
        changes = data.pop("quantities", [])
        pairs = tuple((each["at"], each["quantity"]) for each in changes)
        return RatingRequest(**data, quantities=pairs)


class RatingPreviewSchema(Strict):
    """What it comes to, by the same code as an invoice."""

    amount = MinorUnits(required=True, metadata=_said("minor units, the sum of the rounded lines"))
    unrounded_amount = fields.String(
        required=True, metadata=_said("exact; 12 places where the decimals never end")
    )
    unrounded_fraction = fields.String(
        required=True,
        allow_none=True,
        metadata=_said("n/d where the decimals never end, otherwise null"),
    )
    currency = fields.String(required=True)
    lines = fields.List(fields.Nested(LineSchema), required=True)
    unpriced_records = fields.Integer(
        required=True,
        attribute="unpriced",
        metadata=_said("records outside the time attached, or left out by the meter's filter"),
    )

    @pre_dump
    def _written(self, found: RatingPreview, **_: Any) -> Mapping[str, Any]:
        decimals, fraction = written(found.unrounded)
        return {
            "amount": found.amount,
            "unrounded_amount": decimals,
            "unrounded_fraction": fraction,
            "currency": found.currency,
            "lines": found.lines,
            "unpriced": found.unpriced,
        }


def written(exact: Fraction) -> tuple[str, str | None]:
    """An exact amount as a decimal; and as a fraction, where decimals never end.

    >>> written(Fraction(1, 3)), written(Fraction(125, 2))
    (('0.333333333333', '1/3'), ('62.5', None))
    """
    rest, places = exact.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    return (plain(exact, places), None) if rest == 1 else (plain(exact, PLACES), str(exact))


class ReportRequestSchema(Strict):
    """Another version of a price, and the versions that it stands for."""

    price = fields.Nested(WholePriceSchema, required=True)
    replaces = fields.List(
        Text(),
        validate=validate.Length(1, 1_000),
        metadata=_said("the versions it stands for; by default every version of its id"),
    )


class WhatIfRequestSchema(ReportRequestSchema):
    """Another version of a price, and whose history it is to rate."""

    organization = Identifier(required=True)


class LineRerateSchema(Strict):
    """One line, under the prices in force and under the other one. Minor units."""

    key = fields.String(required=True)
    description = fields.String(required=True)
    now = MinorUnits(required=True)
    then = MinorUnits(required=True)
    difference = MinorUnits(required=True)


class CycleRerateSchema(Strict):
    """One cycle with everything known now, before credits and what people decided."""

    cycle = fields.String(required=True)
    status = fields.String(required=True)
    now = MinorUnits(required=True)
    then = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    lines = fields.List(fields.Nested(LineRerateSchema), required=True)


class WhatIfSchema(Strict):
    """An organization's history under another version of a price. Nothing was stored."""

    organization = fields.String(required=True)
    currency = fields.String(required=True)
    replaces = fields.List(fields.String(), required=True)
    now = MinorUnits(required=True)
    then = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    cycles = fields.List(fields.Nested(CycleRerateSchema), required=True)


class ReportedSchema(Strict):
    """One organization with a difference, and its cycles with one. Minor units."""

    organization = fields.String(required=True)
    now = MinorUnits(required=True)
    then = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    cycles = fields.Dict(keys=fields.String(), values=MinorUnits(), required=True)


class UnratedSchema(Strict):
    """One organization that could not be rated, and why."""

    organization = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ReportTotalsSchema(Strict):
    """What it comes to over all organizations; who would pay less wins."""

    organizations = fields.Integer(required=True)
    winners = fields.Integer(required=True)
    losers = fields.Integer(required=True)
    now = MinorUnits(required=True)
    then = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    failed = fields.Integer(required=True)


class WhatIfReportSchema(Strict):
    """Everybody's history under another version of a price."""

    price = fields.Nested(PriceTermsSchema, required=True)
    currency = fields.String(required=True)
    replaces = fields.List(fields.String(), required=True)
    organizations = fields.List(fields.Nested(ReportedSchema), required=True)
    failed = fields.List(fields.Nested(UnratedSchema), required=True)
    totals = fields.Nested(ReportTotalsSchema, required=True)
    digest = fields.String(
        required=True, metadata=_said("of the price and of every difference; what is approved")
    )


class DiffQuery(Strict):
    """Two instants of the log's clock; ``to`` is now by default."""

    from_ = Instant(data_key="from", required=True)
    to = Instant(load_default=None)


class CauseSchema(Strict):
    """One reason why the amount changed."""

    kind = fields.String(required=True)
    amount = MinorUnits(required=True, metadata=_said("minor units that it added"))
    what = fields.String(required=True, metadata=_said("one plain sentence"))
    count = fields.Integer(required=True, metadata=_said("events, or usage records"))
    positions = fields.List(
        fields.Integer(), required=True, metadata=_said("first and last in the log; may be empty")
    )
    quantities = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata=_said("usage: what was added, by meter"),
    )


class InvoiceDiffSchema(Strict):
    """Why an invoice's amount changed; the causes add up to the difference exactly."""

    cycle = fields.String(required=True)
    currency = fields.String(required=True)
    known_from = Instant(data_key="from", required=True)
    known_to = Instant(data_key="to", required=True, allow_none=True)
    was = MinorUnits(required=True)
    becomes = MinorUnits(required=True)
    difference = MinorUnits(required=True)
    causes = fields.List(fields.Nested(CauseSchema), required=True)
