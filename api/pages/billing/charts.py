"""What charts are drawn from: series by local day, in whole units, as a page hands them over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from application.insight_views import DailyCost, ForecastView, UsageDay
from domain.money import exponent
from projections.meter_words import several_of

Chart = Mapping[str, Any]
"""days: ISO dates. series: each with ``label``, ``kind`` and ``values``; ``unit``: of them."""


def _units(amounts: Iterable[int | None], currency: str) -> list[float | None]:
    """For drawing alone: nothing is computed from it."""
    scale = 10 ** exponent(currency)
    return [None if each is None else each / scale for each in amounts]


def cost_chart(cost: DailyCost, forecast: ForecastView | None) -> Chart:
    """What each day added, and what the days to come are expected to add."""
    known = {each.day: each.amount for each in cost.days}
    ahead = (
        {each.day: each.amount for each in forecast.by_day if not each.known} if forecast else {}
    )
    days = sorted(known.keys() | ahead.keys())
    return {
        "days": [each.isoformat() for each in days],
        "unit": cost.currency.upper(),
        "places": exponent(cost.currency),
        "series": [
            _bars("Cost", _units((known.get(day) for day in days), cost.currency)),
            _bars("Expected", _units((ahead.get(day) for day in days), cost.currency), "expected"),
        ],
    }


def bill_chart(forecast: ForecastView) -> Chart:
    """What the bill comes to by the end of each day, and the range it is expected in."""
    days, currency = forecast.by_day, forecast.currency
    last = max((n for n, each in enumerate(days) if each.known), default=-1)
    so_far = [each.by_then if n <= last else None for n, each in enumerate(days)]
    ahead = [each.by_then if n >= last else None for n, each in enumerate(days)]
    low = [each.low if n >= last else None for n, each in enumerate(days)]
    high = [each.high if n >= last else None for n, each in enumerate(days)]
    return {
        "days": [each.day.isoformat() for each in days],
        "unit": currency.upper(),
        "places": exponent(currency),
        "series": [
            {"label": "So far", "kind": "line", "values": _units(so_far, currency)},
            {"label": "Expected", "kind": "dashed", "values": _units(ahead, currency)},
            {"label": "At most", "kind": "high", "values": _units(high, currency)},
            {"label": "At least", "kind": "low", "values": _units(low, currency)},
        ],
    }


def _bars(label: str, values: Sequence[float | None], kind: str = "bars") -> dict[str, Any]:
    return {"label": label, "kind": kind, "values": values}


_SHOWN = {
    "max": "the highest of each day",
    "latest": "the last of each day",
    "unique": "different ones on each day",
}
"""How a meter adds up within a day, where that is not a sum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterDays:
    """One meter's usage by day. name: what lines call it. days: with usage, oldest first."""

    name: str
    unit: str
    shown: str
    days: tuple[tuple[date, Decimal], ...]

    @property
    def words(self) -> str:
        """How a day's value is to be read; empty for a sum."""
        return _SHOWN.get(self.shown, "")

    @property
    def chart(self) -> Chart:
        """For drawing."""
        return {
            "days": [day.isoformat() for day, _ in self.days],
            "unit": self.unit,
            "places": 3,
            "series": [_bars(self.name, [float(quantity) for _, quantity in self.days])],
        }


def by_meter(days: Iterable[UsageDay]) -> tuple[MeterDays, ...]:
    """Usage days by their meter."""
    found: dict[str, list[UsageDay]] = {}
    for each in days:
        found.setdefault(each.meter, []).append(each)
    return tuple(
        MeterDays(
            name=rows[0].name,
            unit=several_of(rows[0].unit),
            shown=rows[0].shown,
            days=tuple((row.day, row.quantity) for row in rows),
        )
        for _, rows in sorted(found.items())
    )
