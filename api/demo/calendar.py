"""When things happen in the demo: two cycles of each organization, cut at the present."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.demo.cast import Customer, When
from domain.identity import cycle_name
from domain.period import Calendar, Period


@dataclass(frozen=True, slots=True)
class TwoCycles:
    """An organization's previous cycle, and its current one as far as it has come."""

    organization: str
    calendar: Calendar
    previous: Period
    current: Period

    def at(self, when: When) -> datetime:
        """The minute that (cycle, percent) stands for."""
        cycle, percent = when
        period = (self.previous, self.current)[cycle]
        instant = period.start + (period.end - period.start) * percent / 100
        return max(instant.replace(second=0, microsecond=0), period.start)

    @property
    def previous_name(self) -> str:
        """The previous cycle's readable id."""
        return self._name(self.previous)

    @property
    def current_name(self) -> str:
        """The current cycle's readable id."""
        return self._name(self.current)

    def _name(self, period: Period) -> str:
        return cycle_name(self.organization, self.calendar.local_date(period.start))


def two_cycles(customer: Customer, now: datetime) -> TwoCycles:
    """A customer's cycles when the demo is played at ``now``, aware UTC."""
    calendar = Calendar(customer.zone, customer.anchor_day)
    current = calendar.full_period(now)
    previous = calendar.full_period(current.start - timedelta(seconds=1))
    return TwoCycles(customer.id, calendar, previous, Period(current.start, now))
