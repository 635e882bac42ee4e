"""A world on PostgreSQL with a sandbox, and reconciliations of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.postgres.books import PostgresBooks
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.sync_queue import PostgresSyncQueue
from api.wiring.reconciling import reconciliations, safe_repairs
from application.desired import DesiredState
from application.gateway import InvoiceGateway
from application.handling import Handling
from application.issuing import Issuing
from application.reconciler import Reconciler
from application.reconciling.booked import BookedCycles
from application.reconciling.ports import Asked, Report
from application.reconciling.reconciliations import Reconciliations
from application.stripe_stream import CustomerLinks
from projections.reconciliation import Finding
from tests.stored_world import StoredWorld, stored_world
from tests.world import World


@dataclass
class Reconciled:
    """A stored world, its reconciliations, and what the last one found."""

    stored: StoredWorld
    found: list[Finding] = field(default_factory=list)

    @property
    def made(self) -> World:
        return self.stored.made

    def reconciliations(self, gateway: InvoiceGateway | None = None) -> Reconciliations:
        """As a process that has just started has them."""
        stored, made = self.stored, self.made
        log, database = stored.log, stored.database
        books = PostgresBooks(database, stored.catalog)
        reconciler = Reconciler(
            made.gateway,
            made.stripe,
            DesiredState(books, stored.catalog, PostgresDirectory(database)),
            made.clock,
            on_customer_linked=CustomerLinks(books, made.clock),
        )
        records = PostgresCycleRecords(database)
        booked = BookedCycles(books, log, stored.catalog, records, made.clock)
        queue = PostgresSyncQueue(database)
        handling = Handling(
            books,
            made.gateway,
            made.stripe,
            lambda cycle: queue.mark(cycle, 0, made.now),
            lambda invoice: None,
        )
        issuing = Issuing(books, made.conflicts, made.stripe)
        repairs = safe_repairs(database, booked, made.conflicts.sync, handling, issuing, made.clock)
        at_stripe = gateway or made.gateway
        return reconciliations(database, at_stripe, booked, reconciler, repairs, made.clock)

    def sweep(self, gateway: InvoiceGateway | None = None, **asked: Any) -> Report:
        """Reconcile, as projections are when they have followed the log."""
        self.follow()
        use_case = self.reconciliations(gateway)
        report = use_case.run(Asked(**asked), "test", lambda done, expected: None)
        self.found = list(use_case.every_finding(report.id))
        return report

    def follow(self) -> None:
        """Let projections follow the log; syncs that are due by that are not waited for."""
        projector = PostgresProjector(self.stored.database, self.stored.catalog)
        while projector.step():
            pass

    def told(self) -> list[tuple[str, str, int, str]]:
        """(kind, severity, cents, cycle) of what the last sweep found."""
        return [(each.kind, each.severity, each.cents, each.cycle) for each in self.found]

    # What is at Stripe

    @property
    def ledger(self) -> Any:
        return self.made.sandbox.world.ledger

    def invoice(self, cycle: str) -> dict[str, Any]:
        """The cycle's one invoice."""
        (only,) = [
            each
            for each in self.ledger.every("invoice")
            if each["metadata"].get("cycle_id") == cycle
        ]
        return dict(only)

    def line(self, cycle: str, key: str) -> str:
        """Stripe's id of a line of ours."""
        held = self.ledger.every("line", self.invoice(cycle)["id"])
        return next(each["id"] for each in held if each["metadata"].get("line_key") == key)

    def reads(self) -> list[str]:
        """Paths of what was read since the last look."""
        calls = self.made.sandbox.transport.calls
        found = [each["path"] for each in calls if each["method"] == "GET"]
        calls.clear()
        return found


@contextmanager
def reconciled_world(url: str, *, journal: bool = False) -> Iterator[Reconciled]:
    """A world over an empty database; it is let go afterwards."""
    with stored_world(url, journal=journal) as stored:
        yield Reconciled(stored)
