"""Billing cycles without their usage, kept in memory by control version."""

import copy
import threading
from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres.database import Rows
from adapters.postgres.heads import Head
from adapters.postgres.routing import build_cycle, read_control
from domain.billing_cycle import BillingCycle

CYCLES_MAX = 20_000


class CycleCache:
    """A cycle's control events never change, so its state at a control version never does."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, BillingCycle]] = {}
        self._lock = threading.Lock()

    def shared(self, connection: Connection[Rows], heads: Sequence[Head]) -> list[BillingCycle]:
        """Cycles as of their heads. Read them only: others hold the same objects."""
        missing = [head for head in heads if self._find(head) is None]
        if missing:
            control = read_control(connection, [head.cycle_id for head in missing])
            with self._lock:
                for head in missing:
                    events = [
                        each
                        for each in control[head.cycle_id]
                        if each.version <= head.control_version
                    ]
                    self._known[head.cycle_id] = head.control_version, build_cycle(events)
                for cycle_id in list(self._known)[: max(0, len(self._known) - CYCLES_MAX)]:
                    del self._known[cycle_id]
        return [self._find(head) or self._read(connection, head) for head in heads]

    def copies(self, connection: Connection[Rows], heads: Sequence[Head]) -> list[BillingCycle]:
        """The same, for changing."""
        return [copy.deepcopy(cycle) for cycle in self.shared(connection, heads)]

    def _find(self, head: Head) -> BillingCycle | None:
        known = self._known.get(head.cycle_id)
        return known[1] if known and known[0] == head.control_version else None

    def _read(self, connection: Connection[Rows], head: Head) -> BillingCycle:
        """A cycle that another thread moved on in the cache between two looks."""
        events = read_control(connection, [head.cycle_id])[head.cycle_id]
        return build_cycle(each for each in events if each.version <= head.control_version)
