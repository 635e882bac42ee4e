"""The billing cycle: one organization, one period, one invoice."""

from dataclasses import dataclass
from datetime import datetime

from domain.carry import carried
from domain.cycle.amounts import AmountDecisions
from domain.cycle.attachments import AttachmentDecisions
from domain.cycle.corrections import CorrectionDecisions
from domain.cycle.life import LifeDecisions
from domain.cycle.status import (
    ACCEPTS_USAGE,
    OUTSTANDING,
    OWES_NOTHING,
    UNISSUED,
    UNSETTLED,
    Outcome,
    Status,
)
from domain.events.cycle import CycleEvent, CycleOpened
from domain.period import Period

__all__ = [
    "ACCEPTS_USAGE",
    "OUTSTANDING",
    "OWES_NOTHING",
    "UNISSUED",
    "UNSETTLED",
    "BillingCycle",
    "Outcome",
    "Status",
    "opened",
]


@dataclass(kw_only=True)
class BillingCycle(AttachmentDecisions, AmountDecisions, LifeDecisions, CorrectionDecisions):
    """A cycle as its events have made it, and what may be decided about it.

    Decisions (``attach``, ``waive``, ``close``, ...) read this state, return the events to
    append, and change nothing. Only ``apply`` changes anything.
    """

    def carry_from(self, previous: "BillingCycle") -> list[CycleEvent]:
        """What must be said here so that this cycle begins as ``previous`` ended.

        At opening that is everything that runs on. Later, when a change is dated into the
        cycle before, it is the difference that change makes at this cycle's start.
        """
        return carried(previous, self, self.period.start)


def opened(event: CycleOpened, recorded_at: datetime) -> BillingCycle:
    """A cycle as its first event makes it."""
    return BillingCycle(
        id=event.cycle,
        organization=event.organization,
        currency=event.currency,
        period=Period(event.start, event.end),
        full_period=Period(event.full_start, event.full_end),
        time_zone=event.time_zone,
        opened_at=recorded_at,
        continued=event.continued,
    )
