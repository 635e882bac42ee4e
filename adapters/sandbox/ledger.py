"""What the sandbox remembers: Stripe's objects and answers, in one SQLite file."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

Thing = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
    parent TEXT, created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS thing_kind ON thing (kind, parent, seq);
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, content TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    event TEXT PRIMARY KEY, attempts INTEGER NOT NULL, due REAL NOT NULL);
CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""


class Ledger:
    """Objects by id and kind. One writer at a time; a transaction is kept whole or not at all.

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
        """Keep everything done inside, or nothing of it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    # Objects

    def put(self, kind: str, thing: Thing, *, parent: str | None = None) -> Thing:
        """Keep an object, new or changed; a changed one keeps its place."""
        self._db.execute(
            "INSERT INTO thing (id, kind, parent, created, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body, parent = excluded.parent",
            (thing["id"], kind, parent, thing.get("created", 0), json.dumps(thing)),
        )
        return thing

    def get(self, kind: str, id_: str) -> Thing | None:
        """An object, or ``None``."""
        rows = self._rows("SELECT body FROM thing WHERE id = ? AND kind = ?", id_, kind)
        return json.loads(rows[0][0]) if rows else None

    def drop(self, id_: str) -> None:
        """Forget an object."""
        self._db.execute("DELETE FROM thing WHERE id = ?", (id_,))

    def every(self, kind: str, parent: str | None = None) -> list[Thing]:
        """All objects of a kind, oldest first; of one parent if given."""
        query, terms = "SELECT body FROM thing WHERE kind = ?", [kind]
        if parent is not None:
            query, terms = query + " AND parent = ?", [kind, parent]
        return [json.loads(body) for (body,) in self._rows(query + " ORDER BY seq", *terms)]

    def new_id(self, prefix: str) -> str:
        """An id no other object has, here or in a sandbox started anew."""
        return f"{prefix}_{self.next_number(prefix):06d}{secrets.token_hex(5)}"

    def next_number(self, name: str) -> int:
        """Count up, from 1."""
        rows = self._rows(
            "INSERT INTO number VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1"
            " RETURNING last",
            name,
        )
        return int(rows[0][0])

    # Answers under idempotency keys

    def answer(self, key: str, since: int) -> tuple[str, str, int, str, str] | None:
        """(endpoint, content, status, body, request) stored under a key, unless pruned."""
        self._db.execute("DELETE FROM answer WHERE key = ? AND at < ?", (key, since))
        query = "SELECT endpoint, content, status, body, request FROM answer WHERE key = ?"
        rows = self._rows(query, key)
        return rows[0] if rows else None

    def keep_answer(self, key: str, *answer: str | int) -> None:
        """Store (endpoint, content, status, body, request, at) under a key."""
        self._db.execute("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *answer))

    # Webhook deliveries

    def owe_delivery(self, event: str, attempts: int, due: float) -> None:
        """An event is to be delivered, at the earliest at an instant."""
        self._db.execute("INSERT OR REPLACE INTO delivery VALUES (?, ?, ?)", (event, attempts, due))

    def delivered(self, event: str) -> None:
        """An event was taken, or is given up."""
        self._db.execute("DELETE FROM delivery WHERE event = ?", (event,))

    def deliveries(self, now: float, limit: int = 20) -> list[tuple[str, int]]:
        """(event, attempts so far) of what is due."""
        with self._lock:
            query = "SELECT event, attempts FROM delivery WHERE due <= ? ORDER BY rowid LIMIT ?"
            return self._rows(query, now, limit)

    def _rows(self, query: str, *terms: Any) -> list[Any]:
        return self._db.execute(query, terms).fetchall()
