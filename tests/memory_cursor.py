"""A cursor over Stripe's events in memory."""

from datetime import datetime


class MemoryCursor:
    """The ``Cursor`` port."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at

    def seen_at(self) -> datetime | None:
        return self.at

    def move(self, to: datetime) -> None:
        self.at = max(self.at, to) if self.at else to
