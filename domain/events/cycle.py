"""Events of a billing cycle, except usage."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleEvent:
    """Base of a billing cycle's events. at: when it happened in the world, aware UTC."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleOpened(CycleEvent):
    """A period of an organization began to accrue.

    full_start, full_end: the period from anchor to anchor that prorations count in; the
    cycle's own may be shorter. continued: the cycle before is part of the same full period.
    """

    cycle: str
    organization: str
    currency: str
    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime
    time_zone: str
    continued: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentEvent(CycleEvent):
    """Base of what happens to an attachment. reason: why; empty where nobody said."""

    attachment: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAttached(AttachmentEvent):
    """A service runs for the organization from ``at``.

    prices: the versions it was attached at. carried: it came over from the cycle before.
    """

    service: str
    name: str
    quantity: Decimal
    prices: tuple[str, ...]
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentQuantityChanged(AttachmentEvent):
    """An attachment counts for more, or less, from ``at``."""

    quantity: Decimal
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceDetached(AttachmentEvent):
    """An attachment ran until ``at``."""

    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSwapped(AttachmentEvent):
    """An attachment became another service, or moved to other price versions, at ``at``."""

    service: str
    name: str
    quantity: Decimal
    prices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialStarted(AttachmentEvent):
    """Recurring fees of an attachment are not owed until an instant."""

    until: datetime
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialEnded(AttachmentEvent):
    """A trial ended at ``at``, before its time."""

    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceCorrected(CycleEvent):
    """A price version was wrong: everything in this cycle it rated is rated by another one."""

    wrong: str
    right: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleHeld(CycleEvent):
    """Finalization waits for a person. kind: ``person``, ``plan``, ``discrepancy``
    or ``anomaly``.

    owner: who looks into it. review_at: when somebody should have.
    """

    kind: str
    reason: str
    owner: str = ""
    review_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleReleased(CycleEvent):
    """The hold is over."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleClosing(CycleEvent):
    """The period ended at ``at``; late records are still taken.

    reason: why it ended before its time; empty where it did not.
    """

    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleClosed(CycleEvent):
    """The usage cut-off: what comes later is a late fact. version: of the last event before."""

    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRequested(CycleEvent):
    """A person has to approve this invoice before it is issued."""

    digest: str
    subtotal: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalGiven(CycleEvent):
    """A person approved the invoice of this digest, and no other."""

    digest: str
    reason: str


class UnusualLine(NamedTuple):
    """A line far from what it was on other invoices. Minor units.

    low, high: the least and the most it was on so many ``invoices`` before.
    """

    line: str
    description: str
    amount: int
    low: int
    high: int
    invoices: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UnusualLinesFound(CycleEvent):
    """Lines of this invoice are far from what they were before; in place of those found before."""

    lines: tuple[UnusualLine, ...]


class Coming(NamedTuple):
    """The next cycle's period, and the full period it is part of."""

    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalizationStarted(CycleEvent):
    """The books of this invoice are settled; nothing on it changes any more.

    version: the cycle's last event that counts. lines: amounts by line key, in minor units.
    basis: what late facts are measured against: amounts by line key before roll-up, without
    what was decided by hand, credits and amounts carried. coming: what was billed ahead for.
    automatic_tax: whether Stripe computes tax for it, so that no line is below zero.
    reason: why a person had it settled just then; empty where nobody said.
    """

    version: int
    digest: str
    subtotal: int
    lines: dict[str, int]
    basis: dict[str, int]
    coming: Coming | None = None
    automatic_tax: bool = False
    reason: str = ""
