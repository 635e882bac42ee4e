"""The invoices of an organization's cycles, rated together: they share its credits."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from urllib.parse import unquote

from application.ports import CycleState
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog, Meter
from domain.invoice import Invoice
from domain.organization import Organization
from domain.rating import Credit, Rated, rate

Used = dict[str, int]
"""Minor units used of each credit, by its id."""


def meters_in_force(catalog: Catalog, cycle: BillingCycle) -> dict[str, Meter]:
    """The version of every meter that a cycle counts by."""
    found = ((name, catalog.meter_for(name, cycle.opened_at)) for name in catalog.meters)
    return {name: meter for name, meter in found if meter is not None}


def credits_used(invoice: Invoice) -> Used:
    """What an invoice takes off, by credit."""
    return {
        unquote(line.key.removeprefix("credit/")): -line.amount
        for line in invoice.lines
        if line.kind == "credit"
    }


def rate_cycle(
    state: CycleState,
    catalog: Catalog,
    credits: Iterable[Credit] = (),
    until: datetime | None = None,
) -> Rated:
    """One cycle's invoice; ``until`` gives the figure accrued so far."""
    meters = meters_in_force(catalog, state.cycle)
    return rate(state.cycle, state.tallies, catalog.book, meters, tuple(credits), until)


InTurn = tuple[CycleState, tuple[Credit, ...], Rated]
"""A cycle, the credits it could take from, and its invoice."""


def rate_in_turn(
    organization: Organization,
    cycles: Iterable[CycleState],
    applied: Mapping[str, int],
    catalog: Catalog,
) -> Iterator[InTurn]:
    """Rate cycles, oldest first: each takes from the credits what those before it left.

    applied: what settled invoices have used of each credit; whether these are among
    ``cycles`` does not matter.
    """
    used = dict(applied)
    for state in cycles:
        credits = tuple(organization.open_credits(used))
        rated = rate_cycle(state, catalog, credits)
        if state.cycle.settled is None:
            for credit, amount in credits_used(rated.invoice).items():
                used[credit] = used.get(credit, 0) + amount
        yield state, credits, rated
