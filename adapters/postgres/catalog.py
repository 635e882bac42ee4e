"""The catalog as of now, kept in memory and read on from the log where it has grown."""

import threading

from adapters.postgres import event_log
from adapters.postgres.database import Database
from domain.catalog import Catalog
from domain.identity import catalog_stream

VERSION = (
    "SELECT coalesce(max(originator_version), 0) FROM cyclebook_events WHERE originator_id = %s"
)


class PostgresCatalog:
    """The ``CatalogReader`` port. A grown catalog is a new object; readers keep theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = Catalog()
        self._lock = threading.Lock()

    def current(self) -> Catalog:
        """The newest catalog. Treat it as read-only."""
        with self._database.connection() as connection:
            row = connection.execute(VERSION, [catalog_stream()], prepare=True).fetchone()
            assert row is not None
            if row[0] == self._catalog.version:
                return self._catalog
            with self._lock:
                grown = Catalog()
                for recorded in event_log.read(connection, catalog_stream()):
                    grown.apply(recorded)
                self._catalog = grown
                return grown
