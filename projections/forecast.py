"""Forecasts: what some usage will add up to, by its pace and its week, and within which range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

WEEK = 7
PACE_DAYS = 14
"""The level is that of the last two weeks: whole weeks, so that no weekday counts more."""

WEEKLY_FROM_DAYS = 21
"""From three weeks on, days of the week are told apart; by no more than eight of each."""

WEEKLY_DAYS = 56
FEW_DAYS = 7
"""With less history the range is at least half of what is still to come, both ways."""

CONFIDENCE = 80
"""Percent of bills that should lie within the range."""

_Z = Decimal("1.2816")
"""How many standard deviations hold 80 % of a bell curve."""

_MAD_TO_DEVIATION = Decimal("1.4826")
_OUTLIER = 4
"""Days so many deviations from the median count as if they were only that far."""

_LEAST_DEVIATION = Decimal("0.1")
"""Of the median: days that are all alike may differ a little."""

_DRIFT = Decimal("0.10")
"""By how much the level of a month may move, as a deviation."""

_NONE, _ONE = Decimal(0), Decimal(1)
_CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A day to come. share: of it that is still to come, 1 but for today."""

    day: date
    share: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What usage will add, day by day, and in all. method: ``weekly``, ``pace``, ``few_days`` or
    ``known`` where nothing is to come. low, high: of the whole, around the sum of ``days``."""

    method: str
    days: tuple[Decimal, ...]
    low: Decimal
    high: Decimal

    @property
    def expected(self) -> Decimal:
        """In all."""
        return sum(self.days, _NONE)


def outlook(history: Sequence[Decimal], last: date, ahead: Sequence[Ahead]) -> Outlook:
    """What is to come after some days of usage.

    history: what each whole day added, oldest first, up to and with ``last``; days without usage
    as 0. A single spike does not move it much: days far from the median count as less far.
    """
    with localcontext(_CONTEXT):
        if not ahead:
            return Outlook(method="known", days=(), low=_NONE, high=_NONE)
        if not history:
            return Outlook(method="few_days", days=(_NONE,) * len(ahead), low=_NONE, high=_NONE)
        window = _without_spikes(history[-WEEKLY_DAYS:])
        method, week = _week(window, last)
        recent = window[-PACE_DAYS:]
        level = _mean(recent) if len(recent) < WEEK else _mean(recent[-_whole_weeks(recent) :])
        days = tuple(level * week[each.day.weekday()] * each.share for each in ahead)
        spread = _spread(history, level, week, last, ahead)
        expected = sum(days, _NONE)
        if len(history) < FEW_DAYS:
            spread = max(spread, expected / 2)
        return Outlook(
            method=method, days=days, low=max(expected - spread, _NONE), high=expected + spread
        )


def naive(history: Sequence[Decimal], ahead: Sequence[Ahead]) -> Decimal:
    """The pace of a cycle so far, carried on: what forecasts are measured against."""
    with localcontext(_CONTEXT):
        return _mean(history) * sum((each.share for each in ahead), _NONE) if history else _NONE


def _without_spikes(window: Sequence[Decimal]) -> list[Decimal]:
    """Days that are far from others brought nearer; of the same weekday, once there are enough."""
    if len(window) < WEEKLY_FROM_DAYS:
        return clipped(window, 2 * _OUTLIER)  # a weekend is no spike
    found = list(window)
    for first in range(WEEK):
        found[first::WEEK] = clipped(found[first::WEEK])
    return found


def clipped(values: Sequence[Decimal], deviations: int = _OUTLIER) -> list[Decimal]:
    """Values, with those far from their median brought nearer. Where most are 0: as they are."""
    middle = median(values)
    usual = median([abs(each - middle) for each in values]) * _MAD_TO_DEVIATION
    deviation = max(usual, abs(middle) * _LEAST_DEVIATION)
    if not deviation:
        return list(values)
    low, high = middle - deviations * deviation, middle + deviations * deviation
    return [min(max(each, low), high) for each in values]


def median(values: Sequence[Decimal]) -> Decimal:
    """The middle one, or halfway between the two in the middle. Of nothing, 0."""
    if not values:
        return _NONE
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _week(window: Sequence[Decimal], last: date) -> tuple[str, Sequence[Decimal]]:
    """How much of a usual day each weekday adds, Monday first."""
    flat = [_ONE] * WEEK
    if len(window) < WEEKLY_FROM_DAYS:
        return ("few_days" if len(window) < FEW_DAYS else "pace"), flat
    whole = window[-_whole_weeks(window) :]
    mean = _mean(whole)
    if not mean:
        return "weekly", flat
    by_weekday: list[list[Decimal]] = [[] for _ in range(WEEK)]
    for back, value in enumerate(reversed(whole)):
        by_weekday[(last - timedelta(days=back)).weekday()].append(value)
    return "weekly", [_mean(each) / mean for each in by_weekday]


def _spread(
    history: Sequence[Decimal],
    level: Decimal,
    week: Sequence[Decimal],
    last: date,
    ahead: Sequence[Ahead],
) -> Decimal:
    """Half the range: days vary, spikes too, the level is only known so well, and it may move."""
    recent = list(history[-2 * PACE_DAYS :])
    usual = [level * week[(last - timedelta(days=back)).weekday()] for back in range(len(recent))][
        ::-1
    ]
    squares = [(value - each) ** 2 for value, each in zip(recent, usual, strict=True)]
    deviation = _mean(squares).sqrt()
    to_come = sum((each.share for each in ahead), _NONE)
    seen = Decimal(min(len(history), PACE_DAYS))
    varies = deviation * (to_come + to_come * to_come / seen).sqrt()
    moves = level * to_come * _DRIFT * (to_come / 30).sqrt()
    return _Z * (varies * varies + moves * moves).sqrt()


def _whole_weeks(values: Sequence[Decimal]) -> int:
    return len(values) // WEEK * WEEK


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, _NONE) / len(values)
