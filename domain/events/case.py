"""Events of a case: a customer's report of a wrong bill, and what became of it.

What people wrote is not in here, only its id and a seal by which a change of it shows: the
texts live outside the log, so that they can be erased.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseEvent:
    """Base of a case's events. at: when it happened, aware UTC.

    case, organization: whose it is, said in each of them so that who follows the log can tell.
    """

    at: datetime
    case: str
    organization: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseReported(CaseEvent):
    """Somebody says that a bill is wrong, and what they were looking at.

    by: ``customer``, or ``support`` for one. text, seal: what they wrote. known_at, as_of: the
    screen they saw, as the invoice takes them. With a cycle, position and digest are that
    invoice's, total its amount, and amount that of the line, all in minor units of currency.
    Without one, position is where the log stood, ``None`` where it was about the past.
    """

    by: str
    text: str
    seal: str
    known_at: datetime
    as_of: datetime | None = None
    position: int | None = None
    cycle: str | None = None
    digest: str | None = None
    total: int | None = None
    currency: str | None = None
    line: str | None = None
    amount: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseAcknowledged(CaseEvent):
    """Support has read it and looks into it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseCommented(CaseEvent):
    """Somebody wrote something. visibility: ``public``, or ``internal`` for support alone."""

    by: str
    visibility: str
    text: str
    seal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResolved(CaseEvent):
    """Support gave an answer. kind: ``explained corrected credited not_a_problem``.

    text, seal: the words for the customer. cycle, position, credit: what was done, where there
    is such a thing: the cycle that holds it, its event's position in the log, the credit's id.
    """

    kind: str
    text: str
    seal: str
    cycle: str | None = None
    position: int | None = None
    credit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseReopened(CaseEvent):
    """Somebody was not content with the answer. by: ``customer`` or ``support``."""

    by: str
    text: str
    seal: str
