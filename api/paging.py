"""Pages of lists that are small enough to be read whole."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from domain.events.usage import micros

Row = TypeVar("Row")
_DIGITS = 20


def page_of(
    rows: Iterable[Row], place: Callable[[Row], str], query: Mapping[str, Any]
) -> dict[str, Any]:
    """The rows after ``query["cursor"]``, at most ``query["limit"]``, and the cursor after them.

    place: where a row stands: rows go by it. A cursor is the place of the last row, so that it
    holds when rows come and go.

    >>> page_of("abcd", str, {"cursor": "b", "limit": 1})
    {'data': ['c'], 'next_cursor': 'c'}
    """
    after, limit = query["cursor"], query["limit"]
    left = sorted((row for row in rows if place(row) > after), key=place)
    return {
        "data": left[:limit],
        "next_cursor": place(left[limit - 1]) if len(left) > limit else None,
    }


def dated_place(at: datetime, name: str) -> str:
    """A place by an instant, and by name where that is the same.

    >>> from datetime import UTC
    >>> dated_place(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "a1")
    '00000000000001000000-a1'
    """
    return f"{micros(at):0{_DIGITS}d}-{name}"
