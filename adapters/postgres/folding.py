"""What a cycle's usage adds up to by the log alone: its basis, and with everything known now."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from psycopg import Connection

from adapters.postgres.database import Rows
from adapters.postgres.logged_usage import LoggedUsage
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.tally import Tallies
from projections.replay import usage_fold
from projections.usage_tally import Stretch, UsageFold, fold_usage


class Layer(Enum):
    """Which of a cycle's two sums: of usage up to its cut-off, attributed as the cycle stands;
    or of all usage, attributed with everything known now."""

    BASE = 1
    LATE = -1

    def number(self, cycle_no: int) -> int:
        """The number its tallies are kept under."""
        return self.value * cycle_no

    def cycle(self, cycle: BillingCycle) -> BillingCycle:
        """The cycle as this layer sees it."""
        return cycle if self is Layer.BASE else cycle.as_known()

    def end(self, cycle: BillingCycle, version: int) -> int:
        """The version of the last event it counts."""
        if self is Layer.LATE or cycle.cutoff is None:
            return version
        return min(cycle.cutoff, version)


@dataclass(frozen=True, slots=True)
class Logged:
    """Where a cycle's usage lies in the log. version: of the last event to look at.

    control_version: of the last one that is not usage.
    """

    cycle_id: bytes
    cycle_no: int
    version: int
    control_version: int

    def usage(self, connection: Connection[Rows]) -> LoggedUsage:
        """A reader of it."""
        return LoggedUsage(connection, self.cycle_id, self.cycle_no, self.version)


def folded(
    connection: Connection[Rows],
    place: Logged,
    cycle: BillingCycle,
    catalog: Catalog,
    layer: Layer = Layer.BASE,
) -> Tallies:
    """A layer of a cycle's tallies, records one by one where their price needs them."""
    fold = usage_fold(layer.cycle(cycle), catalog)
    return fold_usage(place.usage(connection), fold, layer.end(cycle, place.version))


def take(fold: UsageFold, stretches: Iterable[Stretch]) -> None:
    """Add what a reader yields."""
    for stretch in stretches:
        fold.add(stretch)
