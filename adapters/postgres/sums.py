"""What cycles' usage adds up to: from the tables, and from the log what those do not have."""

from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres import tallies
from adapters.postgres.database import Rows
from adapters.postgres.folding import Layer, folded
from adapters.postgres.heads import Head
from adapters.postgres.retally import logged, stale_layers
from adapters.postgres.single_records import SingleRecords
from application.ports import CatalogReader
from domain.billing_cycle import BillingCycle
from domain.tally import Tallies
from projections.replay import priced_each

Kept = dict[int, Tallies]
"""Tallies of the tables, by number: a cycle's, and its negative for the late layer."""


class Sums:
    """Reads the layers of cycles as of their heads. catalog: where their prices are."""

    def __init__(self, catalog: CatalogReader) -> None:
        self.catalog = catalog
        self._single_records = SingleRecords()

    def kept(self, connection: Connection[Rows], heads: Sequence[Head]) -> Kept:
        """What the tables have of some cycles."""
        numbers = [
            layer.number(head.cycle_no)
            for head in heads
            for layer in Layer
            if layer is Layer.BASE or head.has_late
        ]
        return tallies.read(connection, numbers)

    def of(
        self,
        connection: Connection[Rows],
        head: Head,
        cycle: BillingCycle,
        layer: Layer,
        kept: Kept,
    ) -> Tallies:
        """A layer of a cycle as of its head; a stale one is folded instead."""
        catalog = self.catalog.current()
        if layer in stale_layers(head):
            return folded(connection, logged(head), cycle, catalog, layer)
        found = kept[layer.number(head.cycle_no)]
        self._single_records.fill(connection, logged(head), cycle, catalog, layer, found)
        return found

    def changed(
        self,
        connection: Connection[Rows],
        head: Head,
        cycle: BillingCycle,
        layer: Layer,
        *,
        moved: bool,
    ) -> Tallies:
        """A layer of a cycle that was changed since its head was read. moved: so was this sum."""
        catalog = self.catalog.current()
        if moved or priced_each(layer.cycle(cycle), catalog):
            return folded(connection, logged(head), cycle, catalog, layer)
        number = layer.number(head.cycle_no)
        return tallies.read(connection, [number])[number]
