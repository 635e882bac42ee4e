"""Keeping the embedded PostgreSQL up while the service runs."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.postgres.embedded import EmbeddedPostgres
from domain.errors import StoreUnavailable

log = logging.getLogger(__name__)


@contextmanager
def kept_running(server: EmbeddedPostgres, every_s: int = 1) -> Iterator[None]:
    """Start the server again, for the length of a block, whenever it is gone."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            if not server.is_there():
                log.warning("PostgreSQL is gone; starting it again")
                try:
                    server.revive()
                except StoreUnavailable as error:
                    # The next look tries again. As a text: the reason is no repeated outage.
                    log.error("%s", str(error))

    thread = threading.Thread(target=watch, name="keep-postgres", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
