"""Wakes a loop up when the log grows. A hint only: every loop also looks by itself."""

import time

import psycopg

from adapters.postgres.database import CONNECT_TIMEOUT_S

RECONNECT_FIRST_S, RECONNECT_MAX_S = 0.2, 10.0


class LogGrowth:
    """Waits for the log's notification, or for as long as it is told to.

    Used by one thread. Where the database is away it merely waits, and connects again with
    growing pauses.
    """

    def __init__(self, conninfo: str, channel: str = "cyclebook_events") -> None:
        self._conninfo = conninfo
        self._channel = channel
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._pause_s = RECONNECT_FIRST_S
        self._not_before = 0.0

    def wait(self, timeout_s: float) -> bool:
        """Wait for growth; whether there was any to tell of."""
        until = time.monotonic() + timeout_s
        try:
            connection = self._listening()
            if connection is not None:
                return any(True for _ in connection.notifies(timeout=timeout_s, stop_after=1))
        except psycopg.Error:
            self._lost()
        time.sleep(max(0.0, until - time.monotonic()))
        return False

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listening(self) -> psycopg.Connection[tuple[object, ...]] | None:
        if self._connection is None and time.monotonic() >= self._not_before:
            connection = psycopg.connect(
                self._conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
            )
            self._connection = connection
            connection.execute(f"LISTEN {self._channel}".encode())
            self._pause_s = RECONNECT_FIRST_S
        return self._connection

    def _lost(self) -> None:
        self.close()
        self._not_before = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, RECONNECT_MAX_S)
