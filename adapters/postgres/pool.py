"""A pool of connections that have not gone away unnoticed while nobody used them."""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from eventsourcing.postgres import ConnectionPool  # psycopg_pool's, as the library's log takes it
from psycopg import Connection

TRUSTED_S = 1.0
"""For so long after its last use a connection is taken to be there: asking costs a round trip."""

Kind = TypeVar("Kind", bound=Connection[Any])


class CheckedPool(ConnectionPool[Kind]):
    """A ``ConnectionPool`` that asks the server before it lends what was idle for a while.

    A server that restarts ends all connections, and who is idle learns of it only by using one:
    that would fail, long after the server is back. clock: seconds that never go back.
    """

    def __init__(
        self, conninfo: str, *, clock: Callable[[], float] = time.monotonic, **settings: Any
    ) -> None:
        self._clock = clock
        self._used_at: WeakKeyDictionary[Connection[Any], float] = WeakKeyDictionary()
        super().__init__(conninfo, check=self._see_that_it_lives, **settings)

    def putconn(self, conn: Kind) -> None:
        """Take one back."""
        self._used_at[conn] = self._clock()
        super().putconn(conn)

    def _see_that_it_lives(self, connection: Kind) -> None:
        used_at = self._used_at.get(connection)
        if used_at is not None and self._clock() - used_at < TRUSTED_S:
            return
        try:
            self.check_connection(connection)
        except psycopg.Error:
            # The others will have ended too. The pool would try them in turn, with pauses.
            self.check()
            raise
