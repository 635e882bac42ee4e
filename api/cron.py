"""Cadences: five fields of cron, read in UTC."""

from datetime import UTC, datetime

from croniter import CroniterError, croniter

FIELDS = 5
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def is_cadence(text: str) -> bool:
    """Whether it has five fields and comes true one day."""
    if len(text.split()) != FIELDS or not croniter.is_valid(text):
        return False
    try:
        after(text, SOME_DAY)
    except CroniterError:  # such as the 31st of February
        return False
    return True


def after(cadence: str, instant: datetime) -> datetime:
    """The first time after an instant."""
    found: datetime = croniter(cadence, instant).get_next(datetime)
    return found


def before(cadence: str, instant: datetime) -> datetime:
    """The last time before an instant."""
    found: datetime = croniter(cadence, instant).get_prev(datetime)
    return found
