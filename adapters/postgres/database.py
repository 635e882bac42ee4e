"""Connections to PostgreSQL, and its failures in our words."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import PoolTimeout

from adapters.postgres import arrays
from adapters.postgres.pool import CheckedPool
from application.outage import STORE
from domain.errors import Busy, StoreUnavailable

CONNECT_TIMEOUT_S = 3
OPTIONS = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=20000"

# The last is the server's: it ends who kept it waiting, as one does that was suspended.
_WENT_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

log = logging.getLogger(__name__)

Rows = tuple[Any, ...]


class Database:
    """A pool of connections in autocommit mode, opened on first use, one for each thread at work.

    conninfo: a URL or key=value string, as libpq takes it. clock: seconds that never go back.
    """

    def __init__(
        self, conninfo: str, size: int = 16, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.conninfo = conninfo
        self._pool: CheckedPool[Connection[Rows]] = CheckedPool(
            conninfo,
            clock=clock,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_S,
            # It would try again after pauses that grow to minutes. Whoever needs a connection has
            # another one tried, and one at a time.
            reconnect_timeout=CONNECT_TIMEOUT_S,
            configure=_configure,
            kwargs={"autocommit": True, "options": OPTIONS, "connect_timeout": CONNECT_TIMEOUT_S},
            open=False,
            name="cyclebook",
        )

    @contextmanager
    def connection(self) -> Iterator[Connection[Rows]]:
        """Borrow a connection.

        Raises:
            StoreUnavailable: the database does not answer, or went away.
            Busy: it did not let us have a lock.
        """
        begun = time.monotonic()
        try:
            self._pool.open()
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable) as error:
            raise Busy("many changes at once; try again") from error
        except PoolTimeout as error:
            self._note_away()
            raise StoreUnavailable("the database does not answer; try again") from error
        except _WENT_AWAY as error:
            STORE.failed(error)
            self._pool.check()
            raise StoreUnavailable("the database went away; try again") from error
        else:
            STORE.answered(begun)

    def _note_away(self) -> None:
        """Nobody got a connection in time: it is away, or all of ours are in use."""
        if STORE.under_way:
            STORE.failed()
            return
        try:
            psycopg.connect(self.conninfo, connect_timeout=CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError as error:
            STORE.failed(error)

    def close(self) -> None:
        """Give all connections back to the server."""
        self._pool.close()


def _configure(connection: Connection[Rows]) -> None:
    arrays.register(connection)
    connection.prepare_threshold = 3
