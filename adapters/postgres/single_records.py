"""The records of prices that price each record: not kept in the tables, but read from the log."""

import threading
from dataclasses import dataclass

from psycopg import Connection

from adapters.postgres.database import Rows
from adapters.postgres.folding import Layer, Logged
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.tally import Tallies
from projections.replay import priced_each, usage_fold
from projections.usage_tally import Stretch, UsageFold

FOLDS_MAX = 200


@dataclass(slots=True)
class _Read:
    """A fold of the log up to a version. meters: those whose records it opens."""

    control_version: int
    fold: UsageFold
    meters: frozenset[str]
    version: int = 0

    def whole(self, stretch: Stretch) -> bool:
        return all(tally.meter not in self.meters for tally in stretch.tallies)

    def read_on(self, connection: Connection[Rows], place: Logged, end: int) -> None:
        """Take in what was recorded since."""
        usage = place.usage(connection)
        new = usage.since(self.version, self.whole, end) if self.version else None
        for stretch in new or usage.read(self.whole, end):
            if stretch.records is not None:
                self.fold.add(stretch)
        self.version = end


class SingleRecords:
    """Fills tallies with their records, where those are priced one by one.

    What was read is kept by control version, so that a cycle is read once and then only what
    came since. A fold that is being added to is out of the cache: nobody waits for it.
    """

    def __init__(self) -> None:
        self._folds: dict[int, _Read] = {}
        self._lock = threading.Lock()

    def fill(
        self,
        connection: Connection[Rows],
        place: Logged,
        cycle: BillingCycle,
        catalog: Catalog,
        layer: Layer,
        tallies: Tallies,
    ) -> None:
        """Give the tallies of a layer their ``each``. place: as of the cycle's head."""
        known = layer.cycle(cycle)
        prices = priced_each(known, catalog)
        if not prices or all(key.price not in prices for key in tallies):
            return
        number, end = layer.number(place.cycle_no), layer.end(cycle, place.version)
        read = self._take(number, place.control_version, end)
        if read is None:
            meters = frozenset(catalog.book[ref].meter or "" for ref in prices)
            read = _Read(place.control_version, usage_fold(known, catalog), meters)
        read.read_on(connection, place, end)
        for key, tally in tallies.items():
            if key.price in prices:
                tally.each = list(read.fold.tallies[key].each)
        self._put(number, read)

    def _take(self, number: int, control_version: int, end: int) -> _Read | None:
        with self._lock:
            read = self._folds.pop(number, None)
        if read is None or read.control_version != control_version or read.version > end:
            return None
        return read

    def _put(self, number: int, read: _Read) -> None:
        with self._lock:
            self._folds[number] = read
            while len(self._folds) > FOLDS_MAX:
                del self._folds[next(iter(self._folds))]
