"""One line about each case, for lists: what its events say."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.case import PUBLIC, REPORTED, RESOLVED, STATUS_AFTER
from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSummary:
    """A case as a list shows it. Amounts in minor units of its currency.

    status: one of ``domain.case.STATUSES``. acknowledged_at: when support first looked into it;
    resolved_at: when it gave its last answer, ``None`` once that is reopened. resolution: its
    kind. comments: those that customers see. last_at: when something last happened that
    customers see. number: position of its report. position: of the last event that counted here.
    """

    case: str
    organization: str
    by: str
    reported_at: datetime
    known_at: datetime
    last_at: datetime
    number: int
    position: int
    cycle: str | None = None
    line: str | None = None
    amount: int | None = None
    currency: str | None = None
    status: str = REPORTED
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    reopened: int = 0
    comments: int = 0

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.status != RESOLVED


def summary_of(event: CaseReported, position: int) -> CaseSummary:
    """The line a case begins with."""
    return CaseSummary(
        case=event.case,
        organization=event.organization,
        by=event.by,
        reported_at=event.at,
        known_at=event.known_at,
        last_at=event.at,
        number=position,
        position=position,
        cycle=event.cycle,
        line=event.line,
        amount=event.total if event.line is None else event.amount,
        currency=event.currency,
    )


def updated(known: CaseSummary, event: CaseEvent, position: int) -> CaseSummary:
    """The line after one more event; the same line where the event says nothing it shows."""
    if isinstance(event, CaseCommented) and event.visibility != PUBLIC:
        return known
    status = STATUS_AFTER.get(type(event), known.status)
    changes = _changes(known, event)
    return replace(known, status=status, last_at=event.at, position=position, **changes)


def _changes(known: CaseSummary, event: CaseEvent) -> dict[str, Any]:
    match event:
        case CaseAcknowledged():
            return {"acknowledged_at": known.acknowledged_at or event.at}
        case CaseCommented():
            return {"comments": known.comments + 1}
        case CaseResolved():
            return {"resolved_at": event.at, "resolution": event.kind}
        case CaseReopened():
            return {"resolved_at": None, "resolution": None, "reopened": known.reopened + 1}
        case _:
            return {}
