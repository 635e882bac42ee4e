"""The use cases, for whoever handles a request."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from flask import current_app

if TYPE_CHECKING:
    from api.wiring import Changes, Wired
    from application.views import Preview, Receipt

EXTENSION = "cyclebook"


def wired() -> "Wired":
    """What this process was wired with."""
    return cast("Wired", current_app.extensions[EXTENSION])


def now() -> datetime:
    """The clock, read once for each thing that is asked."""
    return datetime.now(UTC)


def changes(query: Mapping[str, Any]) -> "Changes[Receipt] | Changes[Preview]":
    """The changes people ask for; with ``preview`` they are rehearsed, and nothing is stored."""
    return wired().previews if query["preview"] else wired().changes
