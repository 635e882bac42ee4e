"""Half-open spans of time, and the calendar that cuts them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import InvalidInput

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` up to but not including ``end``; both timezone-aware UTC."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def overlap(self, start: datetime, end: datetime | None) -> "Period | None":
        """The part of ``[start, end)`` inside this period; ``end=None`` means it goes on."""
        first = max(start, self.start)
        last = self.end if end is None else min(end, self.end)
        return Period(first, last) if first < last else None

    @property
    def microseconds(self) -> int:
        """Its length."""
        return (self.end - self.start) // _MICROSECOND

    def share_of(self, full: "Period") -> Fraction:
        """This period's length as an exact fraction of another's."""
        return Fraction(self.microseconds, full.microseconds)

    def whole_seconds(self) -> "Period":
        """The same span in whole seconds, never empty: what Stripe can hold and give back."""
        start = self.start.replace(microsecond=0)
        end = self.end if not self.end.microsecond else _next_second(self.end)
        return Period(start, end if end > start else start + timedelta(seconds=1))


def _next_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0) + timedelta(seconds=1)


def written_utc(instant: datetime) -> str:
    """An instant in a sentence.

    >>> written_utc(datetime(2026, 1, 5, 10, tzinfo=UTC))
    '2026-01-05T10:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How an organization's full periods are cut: at local midnight of its anchor day.

    zone: an IANA name. anchor_day: 1 to 31; a short month is cut on its last day.
    """

    zone: str
    anchor_day: int

    def full_period(self, instant: datetime) -> Period:
        """The period from anchor to anchor that contains an instant.

        >>> berlin = Calendar("Europe/Berlin", 31)
        >>> period = berlin.full_period(datetime(2026, 2, 10, tzinfo=UTC))
        >>> print(period.start, period.end)
        2026-01-30 23:00:00+00:00 2026-02-27 23:00:00+00:00
        """
        local = instant.astimezone(zone(self.zone))
        year, month = local.year, local.month
        if instant < self._cut(year, month):
            year, month = _month_after(year, month, -1)
        return Period(self._cut(year, month), self._cut(*_month_after(year, month, 1)))

    def local_date(self, instant: datetime) -> date:
        """The day it is in the organization's zone."""
        return instant.astimezone(zone(self.zone)).date()

    def midnight(self, day: date) -> datetime:
        """The first instant of a local day, in UTC.

        Where clocks skip midnight, ``fold=0`` names the instant they jumped from, which is
        the day's first instant; where midnight comes twice, its first time.
        """
        return datetime(day.year, day.month, day.day, tzinfo=zone(self.zone)).astimezone(UTC)

    def _cut(self, year: int, month: int) -> datetime:
        following = date(*_month_after(year, month, 1), 1)
        last = (following - timedelta(days=1)).day
        return self.midnight(date(year, month, min(self.anchor_day, last)))


def zone(name: str) -> ZoneInfo:
    """An IANA time zone.

    Raises:
        InvalidInput: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"{name!r} is not an IANA time zone such as Europe/Berlin", field="time_zone"
        ) from None


def _month_after(year: int, month: int, months: int) -> tuple[int, int]:
    count = year * 12 + month - 1 + months
    return count // 12, count % 12 + 1
