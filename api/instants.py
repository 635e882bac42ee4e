"""Instants as the API takes and gives them: RFC 3339 with a zone, answered in UTC."""

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from api.limits import YEARS
from domain.errors import InvalidInput
from domain.period import written_utc

_PLUS_LOST = re.compile(r" \d\d:?\d\d$")
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


def parse_instant(text: str, field: str = "at") -> datetime:
    """Read an instant, to the microsecond.

    Raises:
        InvalidInput: it is not RFC 3339, has no zone, or lies too far away.

    >>> print(parse_instant("2026-01-05T10:00:00+02:00"))
    2026-01-05 08:00:00+00:00
    """
    try:
        instant = msgspec.convert(text, Aware)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # In an address + stands for a blank, so a zone written with it does not arrive.
        hint = "; write + as %2B, or use Z" if _PLUS_LOST.search(text) else ""
        raise InvalidInput(
            f'{field} must be an instant with a zone, such as "2026-01-05T10:00:00Z"{hint}',
            field=field,
        ) from None
    if not YEARS[0] <= instant.year <= YEARS[1]:
        raise InvalidInput(f"{field} must lie between {YEARS[0]} and {YEARS[1]}", field=field)
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC.

    >>> format_instant(datetime(2026, 1, 5, 10, tzinfo=UTC))
    '2026-01-05T10:00:00Z'
    """
    return written_utc(instant)
