"""The books of every organization: its stream and its billing cycles, changed under lock."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import Connection

from adapters.postgres import detached, event_log, heads, open_books
from adapters.postgres.cycle_cache import CycleCache
from adapters.postgres.database import Database, Rows
from adapters.postgres.folding import Layer
from adapters.postgres.organizations import build_organization, read_organization
from adapters.postgres.sums import Sums
from application.detached import Detached
from application.ports import CatalogReader, CycleState, OpenBooks, Snapshot
from domain.billing_cycle import UNISSUED, BillingCycle
from domain.errors import ConcurrentChange, InvalidInput, NotFound
from domain.events.base import Recorded
from domain.identity import cycle_stream, parse_cycle_name
from domain.period import Period

APPLIED = "SELECT credit, sum(amount)::bigint FROM credit_use WHERE organization = %s GROUP BY 1"
HISTORY = (
    "SELECT originator_version, topic, state, notification_id, recorded_at FROM cyclebook_events"
    " WHERE originator_id = %s AND recorded_at <= %s ORDER BY originator_version"
)


class PostgresBooks:
    """The ``Books`` port. log: how changes get into the log."""

    def __init__(
        self,
        database: Database,
        catalog: CatalogReader,
        log: event_log.LogWriter = event_log.LOG,
    ) -> None:
        self._database = database
        self._log = log
        self._cycles = CycleCache()
        self._sums = Sums(catalog)

    def register(
        self, events: Sequence[object], period: Period, full: Period, *, actor: str
    ) -> int:
        """Start an organization's stream and open its first cycle."""
        organization = build_organization(list(events))
        try:
            with self._database.connection() as connection, connection.transaction():
                books = open_books.PostgresOpenBooks(
                    connection, self._sums, organization, [], [], actor
                )
                books.append_organization_first(events)
                books.open_first(period, full)
                books.store()
        except psycopg.errors.UniqueViolation as error:
            raise ConcurrentChange(f"organization {organization.id} exists already") from error
        return books.position()

    @contextmanager
    def change(
        self,
        organization: str,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[OpenBooks]:
        """Lock an organization's cycles in play, and store what the block appends, at once."""
        with self._database.connection() as connection, connection.transaction():
            locked = heads.lock_all(connection, organization, cycle, since)
            _asked(connection, organization, cycle, locked)
            state = read_organization(connection, organization)
            cycles = self._cycles.copies(connection, locked)
            books = open_books.PostgresOpenBooks(
                connection, self._sums, state, locked, cycles, actor
            )
            books.ask_for(cycle)
            yield books
            books.store(self._log)

    def snapshot(self, organization: str, cycle: str | None = None) -> Snapshot:
        """Everything the live invoice needs, in one read-only view of the database."""
        with self._database.connection() as connection, connection.transaction():
            event_log.at_one_moment(connection)
            state = read_organization(connection, organization)
            found = heads.in_play(connection, organization)
            asked = _asked(connection, organization, cycle, found)
            everything = [*found, asked] if asked and asked not in found else found
            states = self._states(connection, everything)
            position, now = connection.execute(
                f"SELECT ({event_log.LAST_POSITION}), clock_timestamp()", prepare=True
            ).fetchone() or (0, datetime.now(UTC))
            applied = dict(connection.execute(APPLIED, [organization]).fetchall())
        in_play = sorted(
            (states[head.cycle] for head in found), key=lambda each: each.cycle.period.start
        )
        return Snapshot(
            organization=state,
            cycles=[each for each in in_play if each.cycle.status in UNISSUED],
            owing=[each for each in in_play if each.cycle.status not in UNISSUED],
            asked=states[asked.cycle] if asked else None,
            applied=applied if state.credits else {},
            position=position,
            now=now,
        )

    def _states(
        self, connection: Connection[Rows], found: Sequence[heads.Head]
    ) -> dict[str, CycleState]:
        cycles = self._cycles.shared(connection, found)
        kept = self._sums.kept(connection, found)
        return {
            head.cycle: CycleState(
                cycle=cycle,
                tallies=self._sums.of(connection, head, cycle, Layer.BASE, kept),
                version=head.version,
                late=self._sums.of(connection, head, cycle, Layer.LATE, kept)
                if head.has_late
                else None,
            )
            for head, cycle in zip(found, cycles, strict=True)
        }

    def history(self, cycle: str, known_at: datetime | None = None) -> Sequence[Recorded]:
        """All events of a cycle that were recorded by an instant, usage included."""
        stream = stream_of(cycle)
        with self._database.connection() as connection:
            if known_at is None:
                found = event_log.read(connection, stream)
            else:
                settle(connection, known_at)
                rows = connection.execute(HISTORY, [stream, known_at]).fetchall()
                if not rows:
                    detached.require_here(connection, [stream])
                found = [event_log.recorded(stream, row) for row in rows]
        if not found:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        return found

    def cycle_names(self, organization: str, *, unissued: bool = False) -> Sequence[str]:
        """An organization's cycles, oldest first."""
        with self._database.connection() as connection:
            return heads.names(connection, organization, open_only=unissued)

    def detached(self, organization: str) -> Detached:
        """Those of an organization's cycles whose events are in archives."""
        with self._database.connection() as connection:
            return detached.of_organization(connection, organization)

    def outstanding(self, organization: str) -> Sequence[BillingCycle]:
        """Cycles whose invoice is issued and neither paid nor void, oldest first."""
        with self._database.connection() as connection:
            found = heads.outstanding(connection, organization)
            return self._cycles.shared(connection, found)

    def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Organizations with a cycle that has something to do."""
        with self._database.connection() as connection:
            return heads.due(connection, now, limit)

    def wait_for(self, position: int, timeout_s: int) -> bool:
        """Wait until the log reaches a position."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._database.connection() as connection:
                reached = event_log.last_position(connection)
            if reached >= position:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)


def settle(connection: Connection[Rows], known_at: datetime) -> None:
    """Make sure that nothing more will be recorded at or before an instant.

    Every append holds the log's clock from its stamp to its commit: moving the clock on waits
    for those in flight, and all later ones are stamped after the instant.

    Raises:
        InvalidInput: the instant lies in the future, so its answer could still change.
    """
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    if known_at > row[0]:
        raise InvalidInput("known_at lies in the future", field="known_at")
    connection.execute("UPDATE log_clock SET last = %(at)s WHERE last < %(at)s", {"at": known_at})


def stream_of(cycle: str) -> UUID:
    """A cycle's stream.

    Raises:
        NotFound: the text names no cycle.
    """
    if parse_cycle_name(cycle) is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return cycle_stream(cycle)


def _asked(
    connection: Connection[Rows],
    organization: str,
    cycle: str | None,
    found: Sequence[heads.Head],
) -> heads.Head | None:
    if cycle is None:
        return None
    for head in found:
        if head.cycle == cycle:
            return head
    issued = heads.one(connection, organization, cycle)
    if issued is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return issued
