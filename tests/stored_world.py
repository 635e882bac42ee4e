"""A world on PostgreSQL that can be broken by hand, and verified as another process would do it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import psycopg

from adapters.journal.gateway import JournalGateway
from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.routing import Routes
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from application.cycles import CycleOpener
from application.gateway import InvoiceGateway
from application.quarantine import Quarantine
from application.verification import Progress, Report
from tests.january import JANUARY
from tests.reopened import Reopened, reopened
from tests.world import Ports, World, world


class StoredWorld:
    """A world whose ports are those of PostgreSQL. made: what happens in it.

    journal: whether the journal holds its invoices, and not the sandbox. processor: who holds
    them, where it is known from before.
    """

    def __init__(
        self,
        url: str,
        database: Database,
        events: CyclebookEvents,
        *,
        journal: bool = False,
        processor: InvoiceGateway | None = None,
    ) -> None:
        self.url, self.database = url, database
        self.catalog = PostgresCatalog(database)
        self.log = PostgresEventLog(database, events)
        books, routes = PostgresBooks(database, self.catalog), Routes(self.catalog)
        planner = Planner(database, routes, CycleOpener(books, lambda: self.made.now))
        ports = Ports(
            log=self.log,
            books=books,
            catalog=self.catalog,
            directory=PostgresDirectory(database),
            records=PostgresCycleRecords(database),
            usage=GroupCommit(UsageRecorder(database, routes, planner).append),
            find=PostgresUsageFinder(database),
            processor=JournalGateway(database.connection, self._clock) if journal else processor,
        )
        self.made: World = world(JANUARY, ports)
        self.quarantine = Quarantine(PostgresQuarantine(database), self.made.recording)

    def _clock(self) -> datetime:
        return self.made.now

    def settle_down(self) -> None:
        """Everything that waits is done: projections follow, drafts are in step, sums are kept."""
        projector = PostgresProjector(self.database, self.catalog)
        queue = PostgresSyncQueue(self.database)
        while _all_of(projector) or self._sync(queue):
            pass
        checkpoints = Checkpoints(self.database, self.catalog, each=4)
        while checkpoints.make():
            pass

    def _sync(self, queue: PostgresSyncQueue) -> bool:
        self.change("UPDATE sync_queue SET due_at = now()")
        claims = queue.claim(100)
        for claim in claims:
            self.made.reconciler.sync(claim.cycle, "sync")
            queue.done(claim)
        return bool(claims)

    # Verifying it

    def verify(self, *only: int, organization: str | None = None, **how: Any) -> Report:
        """What a process that has just started finds; all twelve if none is named."""
        with self.reopened() as seen:
            return seen.verify(*only, organization=organization, **how)

    def digests(self, known_at: datetime | None = None) -> dict[str, str]:
        """Cycle -> digest of its invoice, as such a process finds them."""
        with self.reopened() as seen:
            return seen.digests(known_at)

    def reopened(self) -> AbstractContextManager[Reopened]:
        """The same database, as a process sees it that has just started."""
        return reopened(self.url, self.made.clock, self.made.gateway.find)

    def told(self, *only: int) -> set[tuple[int, str]]:
        """What is broken: (invariant, what it is about)."""
        return {(each.invariant, each.about) for each in self.verify(*only).broken}

    def progress(self) -> list[tuple[int, int]]:
        """What people are told while it is verified: (done, expected)."""
        steps: list[tuple[int, int]] = []
        show: Progress = lambda done, expected: steps.append((done, expected))  # noqa: E731
        self.verify(on_progress=show)
        return steps

    # Breaking it

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        """Change rows by hand; how many."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values or None).rowcount

    def damage(self, statement: str, *values: Any) -> None:
        """The same, and there has to be something to change."""
        assert self.change(statement, *values) > 0

    def rewrite(self, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
        """Change the first event of a class in the log, as if it had been recorded so."""
        stream, version, state = self.rows(
            "SELECT originator_id, originator_version, state FROM cyclebook_events"
            " WHERE topic = %s ORDER BY notification_id LIMIT 1",
            f"{name}@1",
        )[0]
        body = json.loads(state)
        edit(body)
        self.damage(
            "UPDATE cyclebook_events SET state = %s"
            " WHERE originator_id = %s AND originator_version = %s",
            json.dumps(body, separators=(",", ":")).encode(),
            stream,
            version,
        )


def _all_of(projector: PostgresProjector) -> bool:
    before = projector.position()
    while projector.step():
        pass
    return projector.position() > before


@contextmanager
def stored_world(
    url: str, *, journal: bool = False, processor: InvoiceGateway | None = None
) -> Iterator[StoredWorld]:
    """A world over a database; it is let go afterwards."""
    database, events = Database(url), CyclebookEvents(url)
    try:
        yield StoredWorld(url, database, events, journal=journal, processor=processor)
    finally:
        events.close()
        database.close()
