"""What insight answers: usage and cost by day, forecasts, alerts, unusual lines and tips.

How pages ask, all of it on ``wired().insight``::

    daily(organization, cycle=None) -> DailyCost
    usage(organization, since=None, until=None, meter=None) -> DailyUsageView
    forecast(organization) -> ForecastView
    alerts(organization) -> tuple[AlertView, ...]
    tips(organization) -> tuple[Tip, ...]

Each raises ``NotFound`` where there is no such organization, or it has no such cycle. Alerts are
changed by ``wired().alerts.configure`` and ``.remove``; unusual lines are ``InvoiceView.unusual``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageDay:
    """What a meter came to on one local day of the organization, in units of the meter.

    name: what the lines of its invoices call the meter.
    shown: how it adds up within the day: ``sum``, ``count``, ``max``, ``latest`` or ``unique``.
    """

    day: date
    meter: str
    name: str
    unit: str
    shown: str
    quantity: Decimal
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyUsageView:
    """Usage by local day, oldest first; days without usage are left out. since, until: the days
    asked for, both included."""

    organization: str
    time_zone: str
    since: date
    until: date
    days: tuple[UsageDay, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CostSource:
    """What a day's cost can come from. attachment: empty for what belongs to none, such as
    one-off items. amount: minor units over all days."""

    attachment: str
    service: str
    name: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CostDay:
    """What one local day added. amount: minor units; below zero where something was taken back.

    by_attachment: the same by attachment, which sums to ``amount``.
    """

    day: date
    amount: int
    by_attachment: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyCost:
    """A cycle's cost by local day, begun days only, in minor units of ``currency``.

    The days and ``apart`` together are ``accrued``, to the cent. apart: by kind, what no day
    added: credits, and amounts of other cycles (``late``, ``carry``).
    """

    organization: str
    cycle: str
    status: str
    currency: str
    time_zone: str
    accrued: int
    days: tuple[CostDay, ...]
    sources: tuple[CostSource, ...]
    apart: Mapping[str, int]
    as_of: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastDay:
    """One local day of a forecast. amount: minor units; known of days that are over, expected of
    the others. low, high: the range of the bill by the end of the day; equal where it is known."""

    day: date
    amount: int
    by_then: int
    low: int
    high: int
    known: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastLine:
    """One line, in minor units: what it comes to by usage so far, and at the end of the period."""

    key: str
    description: str
    so_far: int
    expected: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastView:
    """What the accruing cycle's bill will come to, in minor units of ``currency``.

    accrued: earned so far. expected: the most likely bill. low, high: the bill is between them
    with ``confidence`` percent. method: ``weekly``, ``pace``, ``few_days``, ``last_cycle`` or
    ``known``.
    basis: sentences that say what it rests on. by_day: every local day of the cycle. apart: what
    is on the bill and no day adds: credits, fees in advance, amounts of other cycles. The days
    and ``apart`` together are ``expected``.
    """

    organization: str
    cycle: str
    currency: str
    ends_at: datetime
    accrued: int
    expected: int
    low: int
    high: int
    confidence: int
    method: str
    basis: tuple[str, ...]
    by_day: tuple[ForecastDay, ...]
    apart: int
    lines: tuple[ForecastLine, ...]
    as_of: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertView:
    """A spend alert. of: what is compared, ``spend`` (earned so far) or ``forecast``.

    amount: minor units of ``currency`` to be reached. percent, budget: of a budget in minor
    units, or of the last invoice where no budget is given. threshold: minor units it comes to
    now, ``None`` where there is no last invoice yet. reached_at: when it was reached in the
    cycle that accrues, ``None`` where it was not.
    """

    alert: str
    of: str
    amount: int | None
    percent: int | None
    budget: int | None
    currency: str
    threshold: int | None
    description: str
    reached_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnusualView:
    """A line that is far from what it was in other cycles. Minor units.

    low, high: the least and the most it was in ``cycles`` cycles before. words: the same for
    people.
    """

    key: str
    description: str
    amount: int
    low: int
    high: int
    cycles: int
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """How an organization could pay less. kind: ``unused``, ``cheaper`` or ``minimum``.

    monthly, yearly: what it would save, in minor units of ``currency``. words: what to do and
    why. basis: sentences that say how the saving was computed. attachment: what it is about.
    """

    kind: str
    attachment: str
    service: str
    currency: str
    monthly: int
    yearly: int
    words: str
    basis: tuple[str, ...] = field(default=())
