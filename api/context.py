"""The use cases, for whoever handles a request."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from api.wiring import Wired

EXTENSION = "cyclebook"


def wired() -> "Wired":
    """What this process was wired with."""
    return cast("Wired", current_app.extensions[EXTENSION])


def now() -> datetime:
    """The clock, read once for each thing that is asked."""
    return datetime.now(UTC)
