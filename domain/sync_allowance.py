"""How often a draft is synced by itself: Stripe expects few reads for each payment.

A bucket of syncs that fills slowly, kept as one instant: when the next sync may come.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

DAYS = timedelta(days=30)
"""The time over which Stripe counts."""

READS_PER_SYNC = 4
"""A changed draft is read twice, with its lines: before it is written to and after."""

READS_TO_ISSUE = 20
"""Kept back for the last sync, for issuing, and for the webhooks about both."""

READS_MIN = READS_TO_ISSUE + 4 * READS_PER_SYNC
"""With fewer there would be no sync to save up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAllowance:
    """at_once: syncs that may follow each other after a quiet time. every: then one in so long.

    Within 30 days that comes to no more than the reads it was made of.
    """

    at_once: int
    every: timedelta

    @classmethod
    def of(cls, reads: int) -> Self:
        """A quarter of what ``reads`` for an invoice suffice for at once, the rest spread evenly.

        >>> allowance = SyncAllowance.of(500)
        >>> allowance.at_once, str(allowance.every)
        (30, '8:00:00')
        """
        syncs = (reads - READS_TO_ISSUE) // READS_PER_SYNC
        at_once = syncs // 4
        return cls(at_once=at_once, every=DAYS / (syncs - at_once))

    @property
    def saving(self) -> timedelta:
        """How long it takes until all is saved up that can be, but for the next one."""
        return (self.at_once - 1) * self.every

    def next_at(self, before: datetime | None, now: datetime) -> datetime:
        """When a sync may come by itself, now that there was one.

        Syncs that nothing holds back count too. They may come as often as they like, and yet
        nobody waits longer than ``every`` after the last one.

        before: what this said after the one before, ``None`` for the first.
        """
        quiet = now - self.saving
        return min(max(before or quiet, quiet), now) + self.every


UNLIMITED = SyncAllowance(at_once=1, every=timedelta())
"""Nobody waits."""
