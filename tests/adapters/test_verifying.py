"""A sound store passes every check; one changed by hand is told by invariant and by cycle."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from adapters.postgres.verifying import PostgresVerifiedStore
from application.cycles import CycleOpener
from application.verification import Report, Verification
from projections.checks.broken import INVARIANTS
from tests.january import FEBRUARY, JANUARY
from tests.world import Ports, World, january, world

CYCLE, NEXT = "acme.2026-01-01", "acme.2026-02-01"


def nothing_at_stripe(customer: str, cycle: str) -> Sequence[str]:
    return ()


class Stored(World):
    """A world on PostgreSQL, and the verification of it."""

    verification: Verification
    projector: PostgresProjector

    def verify(self, *only: int) -> Report:
        return self.verification.run(only=only)

    def told(self, *only: int) -> set[tuple[int, str]]:
        """What is broken: (invariant, what it is about)."""
        return {(each.invariant, each.about) for each in self.verify(*only).broken}

    def change(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            assert connection.execute(statement.encode()).rowcount > 0


@pytest.fixture
def stored(database_url: str) -> Iterator[World]:
    database, events = Database(database_url), CyclebookEvents(database_url)
    catalog = PostgresCatalog(database)
    books, routes = PostgresBooks(database, catalog), Routes(catalog)
    opener = CycleOpener(books, lambda: FEBRUARY)
    recorder = UsageRecorder(database, routes, Planner(database, routes, opener))
    records = PostgresCycleRecords(database)
    log = PostgresEventLog(database, events)
    ports = Ports(
        log=log,
        books=books,
        catalog=catalog,
        directory=PostgresDirectory(database),
        records=records,
        usage=GroupCommit(recorder.append),
        find=PostgresUsageFinder(database),
    )
    made = world(JANUARY, ports)
    made.url = database_url
    store = PostgresVerifiedStore(database, PostgresRebuilder(database, catalog))
    made.verification = Verification(store, made.invoices, nothing_at_stripe, made.clock)
    yield made
    events.close()
    database.close()


def test_january(stored) -> None:
    january(stored)
    assert stored.verification.run(only=frozenset(INVARIANTS)).broken == []
