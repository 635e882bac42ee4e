"""What projections have to know about the cycle of an event: whose it is, and its meters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres import arrays, event_log, log_pages
from adapters.postgres.database import Rows
from application.ports import CatalogReader
from domain.catalog import Catalog, Meter
from domain.errors import NotFound
from domain.events.cycle import CycleOpened
from projections.usage_by_day import Place

CYCLES_MAX = 200_000

_FIRST = (
    "SELECT originator_id, originator_version, topic, state, notification_id, recorded_at"
    " FROM cyclebook_events"
    " WHERE originator_id = ANY(%b) AND originator_version = 1"
)


@dataclass(slots=True)
class CyclePlace:
    """A cycle as its first event tells it. meters: looked up so far."""

    place: Place
    opened_at: datetime
    meters: dict[str, Meter] = field(default_factory=dict)


class Places:
    """The cycles that events belong to, by raw stream id: from the log, and cached."""

    def __init__(self, catalog: CatalogReader) -> None:
        self._reader = catalog
        self._catalog = Catalog()
        self._known: dict[bytes, CyclePlace] = {}

    def learn(self, page: Iterable[log_pages.Logged]) -> None:
        """Remember the cycles that open in a page."""
        known = len(self._known)
        for logged in page:
            if isinstance(logged.event, CycleOpened):
                self._add(logged.stream, logged.event, logged.recorded_at)
        if len(self._known) > known:
            # A meter's version is chosen by when the cycle opened: look no earlier than that.
            self._catalog = self._reader.current()

    def load(self, connection: Connection[Rows], streams: Iterable[bytes]) -> None:
        """Make sure that some cycles are known."""
        if len(self._known) > CYCLES_MAX:
            self._known.clear()
        missing = sorted({stream for stream in streams if stream not in self._known})
        if not missing:
            return
        rows = connection.execute(_FIRST, [arrays.uuids(missing)], binary=True, prepare=True)
        for stream, *row in rows.fetchall():
            first = event_log.recorded(UUID(bytes=stream), tuple(row))
            if isinstance(first.event, CycleOpened):
                self._add(stream, first.event, first.recorded_at)
        self._catalog = self._reader.current()

    def of(self, stream: bytes) -> CyclePlace:
        """A cycle loaded or learnt before."""
        return self._known[stream]

    def meter(self, cycle: CyclePlace, name: str) -> Meter:
        """The version of a meter in force in a cycle.

        Raises:
            NotFound: it was never defined.
        """
        meter = cycle.meters.get(name)
        if meter is None:
            meter = self._catalog.meter_for(name, cycle.opened_at)
            if meter is None:
                self._catalog = self._reader.current()
                meter = self._catalog.meter_for(name, cycle.opened_at)
            if meter is None:
                raise NotFound(f"the books hold usage of {name}, which is no meter", meter=name)
            cycle.meters[name] = meter
        return meter

    def _add(self, stream: bytes, event: CycleOpened, recorded_at: datetime) -> None:
        place = Place(event.organization, event.time_zone)
        self._known[stream] = CyclePlace(place, recorded_at)
