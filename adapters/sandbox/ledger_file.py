"""The SQLite file behind the sandbox's ledger: its tables, its transactions, its texts."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from adapters.sandbox.refusals import Refused

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
    parent TEXT, created INTEGER NOT NULL, body TEXT NOT NULL);
DROP INDEX IF EXISTS thing_kind;
CREATE INDEX IF NOT EXISTS thing_parent ON thing (kind, parent, created, seq);
CREATE INDEX IF NOT EXISTS thing_place ON thing (kind, created, seq);
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, content TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS answer_at ON answer (at);
DROP TABLE IF EXISTS delivery;
CREATE TABLE IF NOT EXISTS owed (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, attempts INTEGER NOT NULL,
    since REAL NOT NULL, due REAL NOT NULL, answer INTEGER);
CREATE INDEX IF NOT EXISTS owed_due ON owed (due);
CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

PACKED_FROM = 1500
"""The length from which a text is stored packed."""


class LedgerFile:
    """One writer at a time; a transaction is kept whole or not at all.

    A process killed in the middle of a write leaves the file as it was before that write.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._lock = RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything done inside, or nothing of it; inside another, as a part of that.

        A refusal that leaves a trace keeps what was done before it.
        """
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException as error:
                kept = isinstance(error, Refused) and error.traced
                self._db.execute("COMMIT" if kept else "ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    def _rows(self, query: str, *terms: Any) -> list[Any]:
        return self._db.execute(query, terms).fetchall()


def packed(text: str) -> str | bytes:
    """A text as it is stored: a month of invoices says the same things again and again."""
    return zlib.compress(text.encode(), 1) if len(text) > PACKED_FROM else text


def unpacked(stored: str | bytes) -> str:
    """A text as it was."""
    return zlib.decompress(stored).decode() if isinstance(stored, bytes) else stored
