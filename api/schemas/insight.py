"""Usage and cost by day, forecasts, spend alerts and savings tips as JSON."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from api.limits import YEARS
from api.schemas.fields import Amount, Exact, Identifier, Instant, MinorUnits, Strict, Text
from domain.alert import COMPARED, PERCENT_MAX, Wanted


class Day(fields.Date):
    """A local day, such as 2026-01-05."""

    def __init__(self, **kwargs: Any) -> None:
        words: dict[str, Any] = {"invalid": "must be a day such as 2026-01-05"}
        super().__init__("iso", error_messages=words, validate=_not_far_away, **kwargs)


def _not_far_away(day: date) -> None:
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise ValidationError(f"must lie between {YEARS[0]} and {YEARS[1]}")


class DailyUsageQuery(Strict):
    """``from``, ``to``: local days, both included; by default the last 31 days."""

    from_ = Day(data_key="from", load_default=None)
    to = Day(load_default=None)
    meter = Identifier(load_default=None)


class UsageDaySchema(Strict):
    """What a meter came to on one local day. ``shown``: how it adds up within the day. ``name``:
    what invoices call it."""

    day = Day(required=True)
    meter = fields.String(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    shown = fields.String(
        required=True, metadata={"enum": ["sum", "count", "max", "latest", "unique"]}
    )
    quantity = Exact(required=True)
    records = fields.Integer(required=True)


class DailyUsageSchema(Strict):
    """Usage by local day, oldest first; days without usage are left out."""

    organization = fields.String(required=True)
    time_zone = fields.String(required=True)
    from_ = Day(attribute="since", data_key="from", required=True)
    to = Day(attribute="until", required=True)
    data = fields.List(fields.Nested(UsageDaySchema), attribute="days", required=True)


class DailyCostQuery(Strict):
    """``cycle``: by default the one that accrues."""

    cycle = Text(load_default=None)


class CostSourceSchema(Strict):
    """What costs can come from. ``attachment`` is empty for what belongs to none."""

    attachment = fields.String(required=True)
    service = fields.String(required=True)
    name = fields.String(required=True)
    amount = MinorUnits(required=True)


class CostDaySchema(Strict):
    """What one local day added, in all and by attachment. Minor units."""

    day = Day(required=True)
    amount = MinorUnits(required=True)
    by_attachment = fields.Dict(keys=fields.String(), values=MinorUnits(), required=True)


class DailyCostSchema(Strict):
    """A cycle's cost by local day. Minor units of ``currency``.

    The days and ``apart`` together are ``accrued``. ``apart``: by kind of line, what no day
    added: credits, and amounts of other cycles.
    """

    organization = fields.String(required=True)
    cycle = fields.String(required=True)
    status = fields.String(required=True)
    currency = fields.String(required=True)
    time_zone = fields.String(required=True)
    accrued = MinorUnits(required=True)
    days = fields.List(fields.Nested(CostDaySchema), required=True)
    sources = fields.List(fields.Nested(CostSourceSchema), required=True)
    apart = fields.Dict(keys=fields.String(), values=MinorUnits(), required=True)
    as_of = Instant(required=True)


class ForecastDaySchema(Strict):
    """One local day. ``known``: it is over. ``by_then``: what all days up to it come to."""

    day = Day(required=True)
    amount = MinorUnits(required=True)
    by_then = MinorUnits(required=True)
    low = MinorUnits(required=True)
    high = MinorUnits(required=True)
    known = fields.Boolean(required=True)


class ForecastLineSchema(Strict):
    """One line: what it comes to by usage so far, and what it is expected to come to."""

    key = fields.String(required=True)
    description = fields.String(required=True)
    so_far = MinorUnits(required=True)
    expected = MinorUnits(required=True)


class ForecastSchema(Strict):
    """What the bill will come to, before tax. Minor units of ``currency``.

    ``confidence``: in so many of a hundred such forecasts the bill lies from ``low`` to ``high``.
    ``apart``: what is on the bill and no day adds: credits, fees in advance, other cycles'
    amounts. The days and ``apart`` together are ``expected``.
    """

    organization = fields.String(required=True)
    cycle = fields.String(required=True)
    currency = fields.String(required=True)
    ends_at = Instant(required=True)
    accrued = MinorUnits(required=True)
    expected = MinorUnits(required=True)
    low = MinorUnits(required=True)
    high = MinorUnits(required=True)
    confidence = fields.Integer(required=True)
    method = fields.String(
        required=True, metadata={"enum": ["weekly", "pace", "few_days", "last_cycle", "known"]}
    )
    basis = fields.List(fields.String(), required=True)
    by_day = fields.List(fields.Nested(ForecastDaySchema), required=True)
    apart = MinorUnits(required=True)
    lines = fields.List(fields.Nested(ForecastLineSchema), required=True)
    as_of = Instant(required=True)


class AlertRequestSchema(Strict):
    """Give ``amount``, or ``percent``: of ``budget``, or without one of the last invoice.

    ``of``: ``spend`` compares what is earned so far, ``forecast`` what the bill will come to.
    """

    of = fields.String(load_default="spend", validate=validate.OneOf(COMPARED))
    amount = Amount(load_default=None, allow_none=True)
    percent = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, PERCENT_MAX)
    )
    budget = Amount(load_default=None, allow_none=True)

    @post_load
    def to_wanted(self, data: dict[str, Any], **_: Any) -> Wanted:
        """The alert as the use case knows it."""
        return Wanted(**data)


class AlertSchema(Strict):
    """A spend alert. ``threshold``: minor units it comes to now; null without a last invoice.

    ``reached_at``: when the accruing cycle reached it; null where it did not.
    """

    alert = fields.String(required=True)
    of = fields.String(required=True, metadata={"enum": list(COMPARED)})
    amount = MinorUnits(required=True, allow_none=True)
    percent = fields.Integer(required=True, allow_none=True)
    budget = MinorUnits(required=True, allow_none=True)
    currency = fields.String(required=True)
    threshold = MinorUnits(required=True, allow_none=True)
    description = fields.String(required=True)
    reached_at = Instant(required=True, allow_none=True)


class AlertListSchema(Strict):
    """Every alert, by id."""

    data = fields.List(fields.Nested(AlertSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TipSchema(Strict):
    """How to pay less. ``monthly``, ``yearly``: the saving, in minor units of ``currency``."""

    kind = fields.String(required=True, metadata={"enum": ["unused", "cheaper", "minimum"]})
    attachment = fields.String(required=True)
    service = fields.String(required=True)
    currency = fields.String(required=True)
    monthly = MinorUnits(required=True)
    yearly = MinorUnits(required=True)
    words = fields.String(required=True)
    basis = fields.List(fields.String(), required=True)


class TipListSchema(Strict):
    """Every tip, the largest saving first."""

    data = fields.List(fields.Nested(TipSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
