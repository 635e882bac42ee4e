"""When a billing cycle's life goes on by itself: what its head says to the scheduler."""

from datetime import datetime, timedelta

from domain.billing_cycle import UNISSUED, BillingCycle, Status
from domain.organization import Organization

AT_ONCE = "credit_note_or_charge"
"""The policy by which late facts of an issued invoice do not wait for the next one."""


def next_duty(
    cycle: BillingCycle, organization: Organization, *, late_open: bool
) -> datetime | None:
    """When there is something to do; ``None`` while only a person or Stripe moves it on.

    late_open: whether the cycle has late facts that nobody has billed.
    """
    match cycle.status:
        case Status.ACCRUING:
            return cycle.period.end
        case Status.CLOSING:
            return cycle.period.end + grace(organization)
        case Status.CLOSED if cycle.held is None and not _awaits_approval(cycle):
            return cycle.period.end
        case Status.FINALIZING:
            return cycle.period.end
    if late_open and bills_late_at_once(cycle, organization):
        return cycle.period.end
    if cycle.status is Status.ISSUED and cycle.issued is not None:
        return cycle.issued.due_at
    return None


def bills_late_at_once(cycle: BillingCycle, organization: Organization) -> bool:
    """Whether a late fact of this cycle is itself something to do."""
    return cycle.status not in UNISSUED and organization.policy("late_facts") == AT_ONCE


def grace(organization: Organization) -> timedelta:
    """How long late records are taken after the end of a period."""
    return timedelta(seconds=int(str(organization.policy("grace_s"))))


def _awaits_approval(cycle: BillingCycle) -> bool:
    asked, given = cycle.approval, cycle.approved
    return asked is not None and (given is None or given.digest != asked.digest)
