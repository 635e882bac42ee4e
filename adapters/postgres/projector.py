"""Follows the log in pages, and keeps the read models and the queue of syncs up with it."""

import time
from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from psycopg import Connection

from adapters.postgres import log_pages
from adapters.postgres.cases import CaseSummaries
from adapters.postgres.database import Database, Rows
from adapters.postgres.discrepancies import OpenDiscrepancies
from adapters.postgres.lags import lag_of
from adapters.postgres.noticing import Noticing
from adapters.postgres.places import Places
from adapters.postgres.read_models import InvoiceSummaries, ReadModel, UsageByDay
from adapters.postgres.spend_alerts import SpendAlerts
from adapters.postgres.sync_marks import SyncMarks
from application.ports import CatalogReader
from application.projector import Lag

PAGE = 2000
LOOK_EVERY_S = 0.02
TRACKED = "cyclebook"
"""The application whose log is followed, by the library's name for it."""

_FIRST_ROW = (
    "INSERT INTO projection_tracking (application_name, notification_id) VALUES (%s, 0)"
    " ON CONFLICT DO NOTHING"
)
_LOCK = "SELECT notification_id FROM projection_tracking WHERE application_name = %s FOR UPDATE"
_TRY_LOCK = f"{_LOCK} SKIP LOCKED"
_POSITION = (
    "SELECT coalesce(max(notification_id), 0) FROM projection_tracking WHERE application_name = %s"
)


class _TrackingRecorder(PostgresTrackingRecorder):
    """The library's record of how far a projection is, within a transaction of ours."""

    def __init__(self) -> None:
        nowhere = PostgresDatastore("", "", "", "", "")  # never connected: the cursor is ours
        super().__init__(nowhere, tracking_table_name="projection_tracking")

    def record(self, connection: Connection[Rows], position: int) -> None:
        """Move to a position.

        Raises:
            IntegrityError: somebody else is at it, or beyond, already.
        """
        cursor: Any = connection.cursor()
        self._insert_tracking(cursor, Tracking(TRACKED, position))


class PostgresProjector:
    """The ``Projector`` port.

    One row says how far all projections are. It is locked while a page is folded and moved in
    the same transaction, so any number may run and each event counts once.

    sync_interval_s: how long after a change a cycle is due for a sync, where no policy says.
    noticing: announces what the log tells; without it nobody is told.
    """

    def __init__(
        self,
        database: Database,
        catalog: CatalogReader,
        *,
        sync_interval_s: int = 900,
        noticing: Noticing | None = None,
        page: int = PAGE,
    ) -> None:
        self._database = database
        self._page = page
        self._places = Places(catalog)
        self._models = read_models(self._places)
        self._marks = SyncMarks(self._places, sync_interval_s)
        self._noticing = noticing
        self._recorder = _TrackingRecorder()

    def step(self) -> bool:
        """Fold the next page; whether there may be more. Where another runner is at it: no."""
        with self._database.connection() as connection:
            if log_pages.last(connection) <= tracked(connection):
                return False
            with connection.transaction():
                after = lock_tracking(connection, wait=False)
                if after is None:
                    return False
                page = log_pages.read(connection, after, self._page)
                if page:
                    self._fold(connection, page)
        return len(page) == self._page

    def _fold(self, connection: Connection[Rows], page: Sequence[log_pages.Logged]) -> None:
        self._places.learn(page)
        for model in self._models.values():
            model.fold(connection, page)
        self._marks.fold(connection, page)
        if self._noticing is not None:
            self._noticing.fold(connection, page)
        self._recorder.record(connection, page[-1].position)

    def position(self) -> int:
        """The last position folded."""
        with self._database.connection() as connection:
            return tracked(connection)

    def lag(self) -> Lag:
        """How far behind the log."""
        with self._database.connection() as connection:
            return lag_of(connection, TRACKED)

    def wait_for(self, position: int, timeout_s: int) -> bool:
        """Wait until a position is folded."""
        deadline = time.monotonic() + timeout_s
        while self.position() < position:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_EVERY_S)
        return True


def read_models(places: Places) -> dict[str, ReadModel]:
    """Every read model that can be rebuilt, by name."""
    return {
        "usage_by_day": UsageByDay(places),
        "invoice_summary": InvoiceSummaries(),
        "case_summary": CaseSummaries(),
        "open_discrepancy": OpenDiscrepancies(),
        "spend_alert": SpendAlerts(),
    }


def lock_tracking(connection: Connection[Rows], *, wait: bool) -> int | None:
    """Hold the projections where they are until the transaction ends; their position.

    ``None`` where somebody holds them already and we are not to ``wait``.
    """
    connection.execute(_FIRST_ROW, [TRACKED])
    row = connection.execute(_LOCK if wait else _TRY_LOCK, [TRACKED], prepare=True).fetchone()
    return row[0] if row else None


def tracked(connection: Connection[Rows]) -> int:
    """The last position folded."""
    row = connection.execute(_POSITION, [TRACKED], prepare=True).fetchone()
    return row[0] if row else 0
