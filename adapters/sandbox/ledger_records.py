"""What the sandbox remembers beside objects: answers, deliveries, counters and switches."""

import json
from typing import Any, NamedTuple

from adapters.sandbox.ledger_file import LedgerFile, packed, unpacked

_KEEP_ANSWER = """
INSERT INTO answer (key, endpoint, content, status, body, request, at)
VALUES (?, ?, ?, ?, ?, ?, ?)"""


class Kept(NamedTuple):
    """An answer under an idempotency key. content: of the request, as one can compare it."""

    endpoint: str
    content: str
    status: int
    body: str
    request: str


class Records(LedgerFile):
    """Answers by idempotency key, webhooks still owed, numbers in use, and what was switched."""

    # Answers under idempotency keys

    def answer(self, key: str) -> Kept | None:
        """What was answered under a key."""
        query = "SELECT endpoint, content, status, body, request FROM answer WHERE key = ?"
        for endpoint, content, status, body, request in self._rows(query, key):
            return Kept(endpoint, content, status, unpacked(body), request)
        return None

    def keep_answer(self, key: str, kept: Kept, at: int) -> None:
        """Store an answer under a key."""
        endpoint, content, status, body, request = kept
        row = (key, endpoint, content, status, packed(body), request, at)
        self._db.execute(_KEEP_ANSWER, row)

    def forget_answers(self, before: int) -> None:
        """Prune the keys first used before an instant."""
        self._db.execute("DELETE FROM answer WHERE at < ?", (before,))

    # Webhook deliveries

    def owe_delivery(self, event: str, since: float, delay_s: float) -> None:
        """An event is to be delivered, at the earliest after a delay."""
        query = "INSERT INTO owed (event, attempts, since, due) VALUES (?, 0, ?, ?)"
        self._db.execute(query, (event, since, since + delay_s))

    def owe_again(self, id_: int, due: float, answer: int) -> None:
        """An attempt failed; there is another one. answer: the status that came back."""
        query = "UPDATE owed SET attempts = attempts + 1, due = ?, answer = ? WHERE id = ?"
        self._db.execute(query, (due, answer, id_))

    def settle(self, id_: int) -> None:
        """A delivery was taken, or is given up."""
        self._db.execute("DELETE FROM owed WHERE id = ?", (id_,))

    def owed(self, until: float, limit: int = 20) -> list[tuple[int, str, int, float]]:
        """(delivery, event, attempts so far, owed since) of what is due, the longest due first."""
        query = "SELECT id, event, attempts, since FROM owed WHERE due <= ? ORDER BY due, id"
        return self._rows(query + " LIMIT ?", until, limit)

    def every_owed(self) -> list[dict[str, Any]]:
        """All deliveries that are still to come, the next first."""
        names = ("event", "attempts", "since", "due", "answer")
        rows = self._rows(f"SELECT {', '.join(names)} FROM owed ORDER BY due, id")
        return [dict(zip(names, row, strict=True)) for row in rows]

    # Switches

    def setting(self, name: str, default: Any) -> Any:
        """What was set under a name."""
        rows = self._rows("SELECT value FROM setting WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def keep_setting(self, name: str, value: Any) -> None:
        """Remember a switch."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))

    def next_number(self, name: str) -> int:
        """Count up, from 1."""
        rows = self._rows(
            "INSERT INTO number VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1"
            " RETURNING last",
            name,
        )
        return int(rows[0][0])
