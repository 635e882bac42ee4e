"""The use cases, for whoever handles a request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from flask import current_app

if TYPE_CHECKING:
    from api.openapi import Op
    from api.rate_limits import RateLimits
    from api.wiring import Changes, Wired
    from application.views import Preview, Receipt

EXTENSION = "cyclebook"
OPERATIONS = "cyclebook-operations"
RATE_LIMITS = "cyclebook-rate-limits"

_DATED: ContextVar[datetime | None] = ContextVar("dated", default=None)


def wired() -> "Wired":
    """What this process was wired with."""
    return cast("Wired", current_app.extensions[EXTENSION])


def now() -> datetime:
    """The clock, read once for each thing that is asked; or when an approved change was asked."""
    return _DATED.get() or datetime.now(UTC)


@contextmanager
def dated(at: datetime | None) -> Iterator[None]:
    """Let it be an instant: what a person asked for then is carried out as of then."""
    token = _DATED.set(at)
    try:
        yield
    finally:
        _DATED.reset(token)


def operations() -> "Mapping[str, Op]":
    """Every operation by its name."""
    return cast("Mapping[str, Op]", current_app.extensions[OPERATIONS])


def rate_limits() -> "RateLimits":
    """How much who may ask of this process."""
    return cast("RateLimits", current_app.extensions[RATE_LIMITS])


def changes(query: Mapping[str, Any]) -> "Changes[Receipt] | Changes[Preview]":
    """The changes people ask for; with ``preview`` they are rehearsed, and nothing is stored."""
    return wired().previews if query["preview"] else wired().changes
