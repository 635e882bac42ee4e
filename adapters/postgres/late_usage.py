"""Usage of cycles past their cut-off: whether it is taken as late, and what it adds to."""

from datetime import datetime

from psycopg import Connection

from adapters.postgres import heads, retally
from adapters.postgres.database import Rows
from adapters.postgres.duties import bills_late_at_once
from adapters.postgres.folding import Layer
from adapters.postgres.organizations import read_organization
from adapters.postgres.routing import Route, Routes
from domain.billing_cycle import BillingCycle
from domain.events.usage import micros
from domain.organization import Organization
from domain.usage import Outcome, Refusal

# How many cycles have begun since one did.
BEGUN_SINCE = (
    "SELECT count(*) FROM cycle_head WHERE organization = %s AND starts > %s AND starts <= %s"
)
NOTE = (
    "UPDATE cycle_head SET has_late = true, late_open = true, next_duty_at = CASE WHEN %s"
    " THEN least(next_duty_at, to_timestamp(ends / 1000000)) ELSE next_duty_at END"
    " WHERE cycle_no = %s"
)
WRITTEN_OFF = Refusal(
    Outcome.QUARANTINED,
    "written_off",
    "the invoice of its billing cycle was taken back and its usage written off",
)
LATE_REJECTED = Refusal(
    Outcome.QUARANTINED,
    "late_rejected",
    "its billing cycle is past its usage cut-off, and the organization's policy late_facts is "
    "reject; it is kept, and can be replayed under another policy",
)


def not_taken(
    connection: Connection[Rows], organization: Organization, route: Route, now: datetime
) -> Refusal | None:
    """Why an organization takes no late usage of a cycle; ``None`` where it does. Locks nothing."""
    if organization.policy("late_facts") == "reject":
        return LATE_REJECTED
    limit = int(str(organization.policy("late_limit_cycles")))
    row = connection.execute(
        BEGUN_SINCE, [route.organization, route.starts, micros(now)]
    ).fetchone()
    if row is None or row[0] <= limit:
        return None
    return Refusal(
        Outcome.QUARANTINED,
        "too_late",
        f"its billing cycle lies {row[0]} cycles back, and late usage is taken for "
        f"{limit} (policy late_limit_cycles); it is kept and can be replayed",
    )


class LateUsage:
    """Late usage within one append. The heads of its cycles are locked by the caller."""

    def __init__(self, connection: Connection[Rows], routes: Routes) -> None:
        self._connection = connection
        self._routes = routes
        self._organizations: dict[str, Organization] = {}

    def refusal(self, route: Route, now: datetime) -> Refusal | None:
        """Why usage of a cycle past its cut-off is not taken; ``None`` where it is."""
        if self._cycle(route).forgiven:
            return WRITTEN_OFF
        return not_taken(self._connection, self._organization(route), route, now)

    def begin(self, route: Route) -> None:
        """Have the late layer of a cycle ready to be added to, and its late facts open."""
        cycle = self._cycle(route)
        head = heads.one(self._connection, route.organization, cycle.id)
        assert head is not None, "a cycle's head is never deleted"
        if not head.has_late:
            catalog = self._routes.catalog()
            retally.renew(self._connection, cycle, catalog, head, Layer.LATE)
        at_once = bills_late_at_once(cycle, self._organization(route))
        self._connection.execute(NOTE, [at_once, head.cycle_no])

    def _cycle(self, route: Route) -> BillingCycle:
        return self._routes.cycle(self._connection, route)

    def _organization(self, route: Route) -> Organization:
        found = self._organizations.get(route.organization)
        if found is None:
            found = read_organization(self._connection, route.organization)
            self._organizations[route.organization] = found
        return found
