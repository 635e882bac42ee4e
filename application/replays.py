"""Cycles as they were: what had happened by an instant, or what was known by one."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports import CatalogReader, CycleState
from domain.events.base import Recorded
from projections.replay import replay_control, replay_late, replay_usage
from projections.usage_tally import GrowingUsage


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleRecord:
    """All of a cycle's events at one moment.

    control: those without usage, oldest first. version, position: of the last event of all.
    """

    control: Sequence[Recorded]
    usage: GrowingUsage
    version: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """A cycle as it was. position: of the last event that was looked at."""

    state: CycleState
    position: int


class CycleRecords(Protocol):
    """Reads cycles back from the log."""

    def opened(
        self, cycle: str, known_at: datetime | None = None
    ) -> AbstractContextManager[CycleRecord]:
        """What was recorded of a cycle by an instant; ``None`` for everything.

        Waits for appends in flight where ``known_at`` lies in the last seconds. The usage can
        be read while the block lasts.

        Raises:
            NotFound: there is no such cycle, or there was none by then.
        """
        ...


class Replays:
    """Rebuilds a cycle and its tallies from events alone, however much usage there is."""

    def __init__(self, records: CycleRecords, catalog: CatalogReader) -> None:
        self._records = records
        self._catalog = catalog

    def cycle(
        self, cycle: str, *, as_of: datetime | None = None, known_at: datetime | None = None
    ) -> Replayed:
        """The cycle with what had happened by ``as_of``, as far as it was known by ``known_at``.

        Raises:
            NotFound: there is no such cycle, or there was none by then.
        """
        with self._records.opened(cycle, known_at) as record:
            state = replay_control(record.control, as_of)
            catalog = self._catalog.current()
            return Replayed(
                state=CycleState(
                    cycle=state,
                    tallies=replay_usage(state, record.usage, catalog, as_of),
                    version=record.version,
                    late=replay_late(state, record.usage, catalog, as_of),
                ),
                position=record.position,
            )
