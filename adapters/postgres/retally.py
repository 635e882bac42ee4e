"""Folding tallies anew where something moved what rates recorded usage, or what counts."""

import logging
from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres import heads, tallies
from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Database, Rows
from adapters.postgres.folding import Layer, Logged, folded, take
from adapters.postgres.heads import Head
from adapters.postgres.moves import Moves
from application.ports import CatalogReader
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.errors import CyclebookError, StoreUnavailable
from domain.tally import Tallies
from projections.replay import usage_fold

INLINE_RECORDS_MAX = 10_000
"""Cycles with more usage are marked stale instead; a job folds them outside the lock."""

FLAGS: dict[Layer, str] = {Layer.BASE: "tallies_stale", Layer.LATE: "late_stale"}
NOTE = {
    layer: f"UPDATE cycle_head SET {column} = %s WHERE cycle_no = %s"
    for layer, column in FLAGS.items()
}
HAS_LATE = "UPDATE cycle_head SET has_late = %s WHERE cycle_no = %s"
STALE = (
    "SELECT cycle, organization FROM cycle_head WHERE (tallies_stale OR late_stale)"
    " AND cycle <> ALL(%s) LIMIT %s"
)
AT_ONCE = 20
NAMED = 10

log = logging.getLogger(__name__)


class CannotBeFolded(CyclebookError):
    """Some cycles' tallies stay stale: they are read slowly, and their closing waits."""

    code = "cannot_be_folded"


class Retally:
    """Folds stale tallies anew: a background duty, safe when two run at once.

    The long part is done without the lock; under it only what was appended meanwhile.
    """

    def __init__(self, database: Database, catalog: CatalogReader) -> None:
        self._database = database
        self._catalog = catalog
        self._broken: dict[str, str] = {}

    def run(self) -> int:
        """Mend stale cycles; how many there were. Those that failed before come after all others.

        Raises:
            CannotBeFolded: some of them fail; no other waits for that.
        """
        with self._database.connection() as connection:
            found = connection.execute(STALE, [list(self._broken), AT_ONCE]).fetchall()
        all_others = len(found) < AT_ONCE
        for cycle, organization in [*found, *(self._broken.items() if all_others else ())]:
            self._try(cycle, organization)
        if all_others and self._broken:
            raise CannotBeFolded(f"tallies stay stale: {', '.join(sorted(self._broken)[:NAMED])}")
        return len(found)

    def _try(self, cycle: str, organization: str) -> None:
        try:
            with self._database.connection() as connection:
                self._mend(connection, organization, cycle)
        except StoreUnavailable:
            raise
        except Exception as error:  # one cycle's trouble is not the others'
            trace = None if isinstance(error, CyclebookError) else error
            log.error("the tallies of %s cannot be folded: %s", cycle, error, exc_info=trace)
            self._broken[cycle] = organization
        else:
            self._broken.pop(cycle, None)

    def _mend(self, connection: Connection[Rows], organization: str, name: str) -> None:
        catalog = self._catalog.current()
        before = heads.one(connection, organization, name)
        assert before is not None, "a cycle's head is never deleted"
        if not stale_layers(before):
            return  # somebody else was quicker
        cycle = build_cycle(read_control(connection, before.cycle_id, 0, before.control_version))
        folds = {layer: usage_fold(layer.cycle(cycle), catalog) for layer in stale_layers(before)}
        for layer, fold in folds.items():
            usage = logged(before).usage(connection)
            take(fold, usage.read(fold.whole, layer.end(cycle, before.version)))
        with connection.transaction():
            head = heads.one(connection, organization, name, lock=True)
            if head is None or head.control_version != before.control_version:
                return  # it was changed again; the next run sees it as it then is
            for layer, fold in folds.items():
                done, end = (layer.end(cycle, each.version) for each in (before, head))
                take(fold, logged(head).usage(connection).since(done, fold.whole, end))
                _put(connection, cycle, catalog, layer.number(head.cycle_no), fold.tallies)
                connection.execute(NOTE[layer], [False, head.cycle_no])


def stale_layers(head: Head) -> Sequence[Layer]:
    """What of a cycle's tallies has to be folded anew."""
    flags = {Layer.BASE: head.tallies_stale, Layer.LATE: head.late_stale}
    return [layer for layer, stale in flags.items() if stale]


def logged(head: Head) -> Logged:
    """Where a cycle's usage lies in the log, as of its head."""
    return Logged(head.cycle_id, head.cycle_no, head.version, head.control_version)


def after_change(
    connection: Connection[Rows], cycle: BillingCycle, catalog: Catalog, head: Head, moves: Moves
) -> None:
    """Keep a changed cycle's tallies right, under its lock."""
    if head.has_late and not moves.has_late:
        tallies.clear(connection, Layer.LATE.number(head.cycle_no))
        connection.execute(NOTE[Layer.LATE], [False, head.cycle_no])
    if head.has_late != moves.has_late:
        connection.execute(HAS_LATE, [moves.has_late, head.cycle_no])
    for layer in Layer:
        if moves.moved(layer, head):
            renew(connection, cycle, catalog, head, layer)


def renew(
    connection: Connection[Rows], cycle: BillingCycle, catalog: Catalog, head: Head, layer: Layer
) -> None:
    """Fold a layer and put it in place, under the cycle's lock; a large one later."""
    stale = head.records > INLINE_RECORDS_MAX
    if not stale:
        found = folded(connection, logged(head), cycle, catalog, layer)
        _put(connection, cycle, catalog, layer.number(head.cycle_no), found)
    connection.execute(NOTE[layer], [stale, head.cycle_no])


def _put(
    connection: Connection[Rows],
    cycle: BillingCycle,
    catalog: Catalog,
    number: int,
    found: Tallies,
) -> None:
    meters = {name: catalog.meter_for(name, cycle.opened_at) for name in {k.meter for k in found}}
    known = {name: meter for name, meter in meters.items() if meter}
    tallies.replace(connection, number, found, known)
