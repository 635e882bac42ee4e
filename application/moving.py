"""Moving: what runs and has a price gets the versions that are in force at an instant."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from application.changing import Change, Effect, Runner
from application.cycles import carry, cycle_at
from application.ports import CatalogReader, OpenBooks
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog

Answer = TypeVar("Answer")


class Moving(Generic[Answer]):
    """Moves one organization at a time; a second time does nothing.

    run: carries changes out, or rehearses them. now: the clock, aware UTC.
    """

    def __init__(
        self, run: Runner[Answer], catalog: CatalogReader, now: Callable[[], datetime]
    ) -> None:
        self._run = run
        self._catalog = catalog
        self._now = now

    def move(self, price: str, organization: str, *, at: datetime, actor: str) -> Answer:
        """Move what runs at an instant, and has a price, to the versions then in force.

        Raises:
            NotFound: there is no such organization.
            RuleViolation: it cannot be changed at that instant.
        """
        return self._run(organization, self.change(price, at), actor=actor, since=at)

    def change(self, price: str, at: datetime) -> Change:
        """What is done to an organization's books."""

        def change(books: OpenBooks) -> Effect:
            cycle = cycle_at(books, at, self._now())
            catalog = self._catalog.current()
            moved = [
                _swap(books, cycle, attachment, price, at, catalog)
                for attachment in list(cycle.as_known().attachments)
            ]
            if any(moved):
                carry(books, cycle)
            return Effect(cycle=cycle.id, recorded=any(moved))

        return change


def _swap(
    books: OpenBooks,
    cycle: BillingCycle,
    attachment: str,
    price: str,
    at: datetime,
    catalog: Catalog,
) -> bool:
    known = cycle.as_known()
    run = known.attachments[attachment].run_at(at)
    if run is None or all(catalog.book[ref].id != price for ref in run.prices):
        return False
    service = catalog.services[run.service]
    prices = catalog.versions_at(service.prices, at, cycle.organization)
    named = (service.id, service.name)
    events = known.swap(attachment, named, None, prices, catalog.book, at)
    if events:
        books.append(cycle, events)
    return bool(events)
