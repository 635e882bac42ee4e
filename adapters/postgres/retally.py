"""Folding tallies anew where a change dated in the past moved what rates recorded usage."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from psycopg import Connection

from adapters.postgres import heads, mapper, tallies
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Database, Rows
from application.ports import CatalogReader
from domain.attribution import Attribution
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.events.cycle import ServiceAttached, ServiceDetached
from domain.events.usage import UsageRecorded, micros
from domain.identity import cycle_stream
from domain.tally import Tallies
from projections.usage_tally import UsageEvents, UsageFold

INLINE_RECORDS_MAX = 10_000
"""Cycles with more usage are marked stale instead; a job folds them outside the lock."""

USAGE = (
    "SELECT state FROM cyclebook_events WHERE originator_id = %s"
    " AND starts_with(topic, 'UsageRecorded@') AND originator_version > %s"
    " AND originator_version <= %s ORDER BY originator_version"
)
MARK_STALE = "UPDATE cycle_head SET tallies_stale = true WHERE cycle_no = %s"
CLEAR_STALE = "UPDATE cycle_head SET tallies_stale = false WHERE cycle_no = %s"
STALE = "SELECT organization, cycle FROM cycle_head WHERE tallies_stale LIMIT %s"
AT_ONCE = 20


class Retally:
    """Folds stale tallies anew: a background duty, safe when two run at once.

    The long part is done without the lock; under it only what was appended meanwhile.
    """

    def __init__(self, database: Database, catalog: CatalogReader) -> None:
        self._database = database
        self._catalog = catalog

    def run(self) -> int:
        """Mend the stale cycles; how many there were."""
        with self._database.connection() as connection:
            stale = connection.execute(STALE, [AT_ONCE]).fetchall()
            for organization, cycle in stale:
                self._mend(connection, organization, cycle)
        return len(stale)

    def _mend(self, connection: Connection[Rows], organization: str, name: str) -> None:
        catalog = self._catalog.current()
        before = heads.one(connection, organization, name)
        assert before is not None, "a cycle's head is never deleted"
        cycle = build_cycle(read_control(connection, before.cycle_id))
        fold = _fold(cycle, catalog)
        _take(fold, _usage(connection, cycle, 0, before.version))
        with connection.transaction():
            head = heads.one(connection, organization, name, lock=True)
            if head is None or head.control_version != before.control_version:
                return  # it was changed again; the next run sees it as it then is
            _take(fold, _usage(connection, cycle, before.version, head.version))
            _put(connection, cycle, catalog, head.cycle_no, fold.tallies)
            connection.execute(CLEAR_STALE, [head.cycle_no])


def folded(connection: Connection[Rows], cycle: BillingCycle, catalog: Catalog) -> Tallies:
    """What a cycle's usage adds up to, from the log alone."""
    fold = _fold(cycle, catalog)
    _take(fold, _usage(connection, cycle))
    return fold.tallies


def _fold(cycle: BillingCycle, catalog: Catalog) -> UsageFold:
    return UsageFold(
        Attribution(cycle.attachments.values(), catalog.book),
        lambda meter: catalog.meter_for(meter, cycle.opened_at),
    )


def _take(fold: UsageFold, events: Iterator[UsageRecorded]) -> None:
    for stretch in UsageEvents(events).read(fold.whole):
        fold.add(stretch)


def _usage(
    connection: Connection[Rows], cycle: BillingCycle, after: int = 0, to: int = 1 << 62
) -> Iterator[UsageRecorded]:
    rows = connection.execute(USAGE, [cycle_stream(cycle.id), after, to])
    for (state,) in rows:
        yield mapper.decode_usage(bytes(state))


def moved_from(
    events: Sequence[object], new_attachments: frozenset[str], catalog: Catalog
) -> datetime | None:
    """From when on recorded usage may be rated otherwise because of these events.

    A service that is attached under a new id, without an organization-wide price, moves
    nothing: no record can have named it.
    """
    instants = [
        event.at
        for event in events
        if isinstance(event, ServiceDetached)
        or (isinstance(event, ServiceAttached) and _moves(event, new_attachments, catalog))
    ]
    return min(instants, default=None)


def _moves(event: ServiceAttached, new_attachments: frozenset[str], catalog: Catalog) -> bool:
    return event.attachment not in new_attachments or any(
        catalog.book[ref].scope == "organization" for ref in event.prices
    )


def after_change(
    connection: Connection[Rows],
    cycle: BillingCycle,
    catalog: Catalog,
    head: tuple[int, int, int],
    moved: datetime | None,
) -> None:
    """Keep a changed cycle's tallies right, under its lock.

    head: number, records and latest instant of usage of the cycle.
    """
    cycle_no, records, usage_hi = head
    if moved is None or not records or micros(moved) > usage_hi:
        return
    if records > INLINE_RECORDS_MAX:
        connection.execute(MARK_STALE, [cycle_no])
        return
    replace(connection, cycle, catalog, cycle_no)


def replace(
    connection: Connection[Rows], cycle: BillingCycle, catalog: Catalog, cycle_no: int
) -> None:
    """Fold a cycle's tallies and put them in place, under its lock."""
    _put(connection, cycle, catalog, cycle_no, folded(connection, cycle, catalog))


def _put(
    connection: Connection[Rows],
    cycle: BillingCycle,
    catalog: Catalog,
    cycle_no: int,
    found: Tallies,
) -> None:
    meters = {name: catalog.meter_for(name, cycle.opened_at) for name in {k.meter for k in found}}
    known = {name: meter for name, meter in meters.items() if meter}
    tallies.replace(connection, cycle_no, found, known)
