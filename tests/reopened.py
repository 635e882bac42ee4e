"""A database as a process sees it that has just started: verified, and every invoice's digest."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.verifying import PostgresVerifiedStore
from application.invoices import Invoices
from application.stripe_stream import LoggedStripeStream
from application.verification import FindAtStripe, Report, Verification
from projections.remote_invoice import RemoteInvoice

EVERYTHING = tuple(range(1, 13))


def nobody_at_stripe(customer: str, cycle: str) -> Sequence[RemoteInvoice]:
    """For databases whose Stripe is not at hand."""
    raise AssertionError(f"Stripe was asked for {cycle} of {customer}")


class Reopened:
    """Reads only. now: the clock of whoever looks."""

    def __init__(
        self,
        database: Database,
        events: CyclebookEvents,
        now: Callable[[], datetime],
        at_stripe: FindAtStripe,
    ) -> None:
        self._database = database
        catalog = PostgresCatalog(database)
        log = PostgresEventLog(database, events)
        self._invoices = Invoices(
            PostgresBooks(database, catalog),
            log,
            catalog,
            PostgresCycleRecords(database),
            LoggedStripeStream(log, now),
        )
        store = PostgresVerifiedStore(database, PostgresRebuilder(database, catalog))
        self._verification = Verification(store, self._invoices, at_stripe, now)

    def verify(self, *only: int, organization: str | None = None, **how: Any) -> Report:
        """What does not hold; all twelve are looked at if none is named."""
        return self._verification.run(organization, only=only or EVERYTHING, **how)

    def digests(self, known_at: datetime | None = None) -> dict[str, str]:
        """Cycle -> digest of its invoice, of every cycle there is; as it was known then."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT cycle FROM cycle_head ORDER BY cycle").fetchall()
        return {cycle: self._invoices.get(cycle, known_at=known_at).digest for (cycle,) in rows}

    def last_recorded(self) -> datetime:
        """When the last event was."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT max(recorded_at) FROM cyclebook_events").fetchone()
        assert row is not None
        last: datetime = row[0]
        return last


@contextmanager
def reopened(
    url: str, now: Callable[[], datetime], at_stripe: FindAtStripe = nobody_at_stripe
) -> Iterator[Reopened]:
    """Look at a database; everything is let go afterwards."""
    database, events = Database(url), CyclebookEvents(url)
    try:
        yield Reopened(database, events, now, at_stripe)
    finally:
        events.close()
        database.close()
