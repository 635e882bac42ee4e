"""Billing cycles without their usage, kept in memory by control version."""

from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Rows
from adapters.postgres.detached import refusal
from adapters.postgres.heads import Head
from application.detached import month_named
from domain.billing_cycle import BillingCycle

CYCLES_MAX = 20_000


class CycleCache:
    """A cycle's control events never change, so its state at a control version never does.

    A cycle that moved on is not read anew: only what came since is applied to a copy.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, BillingCycle]] = {}

    def at(self, connection: Connection[Rows], cycle_id: bytes, version: int) -> BillingCycle:
        """A cycle as of a control version. Read it only: others hold the same object."""
        known = self._known.get(cycle_id)
        if known is not None and known[0] == version:
            return known[1]
        if known is not None and known[0] < version:
            cycle = known[1].copy()
            for recorded in read_control(connection, cycle_id, known[0], version):
                cycle.apply(recorded.event)
        else:
            cycle = build_cycle(read_control(connection, cycle_id, 0, version))
        self._known[cycle_id] = version, cycle
        if len(self._known) > CYCLES_MAX:
            for oldest in list(self._known)[: CYCLES_MAX // 10]:
                self._known.pop(oldest, None)
        return cycle

    def shared(self, connection: Connection[Rows], heads: Sequence[Head]) -> list[BillingCycle]:
        """Cycles as of their heads. Read them only: others hold the same objects.

        Raises:
            MonthArchived: one is detached, whatever is remembered of it.
        """
        if gone := [head.cycle for head in heads if head.detached]:
            raise refusal(connection, map(month_named, gone))
        return [self.at(connection, head.cycle_id, head.control_version) for head in heads]

    def copies(self, connection: Connection[Rows], heads: Sequence[Head]) -> list[BillingCycle]:
        """The same, for changing."""
        return [cycle.copy() for cycle in self.shared(connection, heads)]
