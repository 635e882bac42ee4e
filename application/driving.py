"""What ends a cycle: our own clock, or the renewal of a Stripe subscription."""

from datetime import datetime, timedelta

from domain.billing_cycle import UNISSUED, BillingCycle
from domain.organization import Organization

DRIVEN = "stripe_subscription"
"""The policy ``cycle_driver`` of an organization whose cycles a subscription ends."""

AWAITED = timedelta(hours=72)
"""How long after a cycle's end its subscription's draft is waited for; then it gets its own.

Stripe finalizes a draft after 72 hours at the latest, whatever becomes of its webhooks.
"""


def awaits_draft(organization: Organization, cycle: BillingCycle, now: datetime) -> bool:
    """Whether a cycle's invoice is still to be made by a Stripe subscription."""
    if organization.policy("cycle_driver") != DRIVEN or cycle.draft or cycle.missed:
        return False
    # A revision after a void one is ours alone: no renewal comes for it.
    first = cycle.status in UNISSUED and cycle.revision == 1
    return first and now < cycle.period.end + AWAITED
