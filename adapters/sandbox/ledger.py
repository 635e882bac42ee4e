"""What the sandbox remembers: Stripe's objects by id and kind, and the records beside them."""

import json
import secrets
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from adapters.sandbox.ledger_file import packed, unpacked
from adapters.sandbox.ledger_records import Records

Thing = dict[str, Any]
Place = tuple[int, int]
"""Where an object stands among those of its kind: when it was made, and after how many."""

_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Ledger(Records):
    """Objects by id and kind, in one SQLite file, or in memory."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        super().__init__(path)
        self._count = count(1)

    def put(self, kind: str, thing: Thing, *, parent: str | None = None) -> Thing:
        """Keep an object, new or changed; a changed one keeps its place."""
        self._db.execute(
            "INSERT INTO thing (id, kind, parent, created, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body, parent = excluded.parent",
            (thing["id"], kind, parent, thing.get("created", 0), packed(json.dumps(thing))),
        )
        return thing

    def get(self, kind: str, id_: str) -> Thing | None:
        """An object, or ``None``."""
        return self._one("SELECT body FROM thing WHERE id = ? AND kind = ?", id_, kind)

    def latest(self, kind: str, parent: str) -> Thing | None:
        """The last object of a kind that a parent got, or ``None``."""
        query = "SELECT body FROM thing WHERE kind = ? AND parent = ?"
        return self._one(f"{query} ORDER BY created DESC, seq DESC LIMIT 1", kind, parent)

    def other(self, kind: str, than: str) -> Thing | None:
        """Another object of a kind, the first there is."""
        query = "SELECT body FROM thing WHERE kind = ? AND id <> ? ORDER BY created, seq LIMIT 1"
        return self._one(query, kind, than)

    def drop(self, id_: str) -> None:
        """Forget an object."""
        self._db.execute("DELETE FROM thing WHERE id = ?", (id_,))

    def every(self, kind: str, parent: str | None = None) -> list[Thing]:
        """All objects of a kind, oldest first; of one parent if given."""
        query, terms = "SELECT body FROM thing WHERE kind = ?", [kind]
        if parent is not None:
            query, terms = query + " AND parent = ?", [kind, parent]
        return [_thing(body) for (body,) in self._rows(query + " ORDER BY seq", *terms)]

    def place(self, kind: str, id_: str) -> Place | None:
        """Where an object stands among those of its kind."""
        query = "SELECT created, seq FROM thing WHERE id = ? AND kind = ?"
        rows = self._rows(query, id_, kind)
        return rows[0] if rows else None

    def walk(
        self,
        kind: str,
        *,
        parent: str | None = None,
        created: dict[str, int] | None = None,
        beyond: Place | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Thing]:
        """Objects one by one, newest first, read only as far as they are asked for.

        created: bounds by ``gt``, ``gte``, ``lt``, ``lte``. beyond: begin after this place.
        """
        query, terms = "SELECT body FROM thing WHERE kind = ?", [kind, *(created or {}).values()]
        for name in created or {}:
            query += f" AND created {_BOUNDS[name]} ?"
        if parent is not None:
            query, terms = query + " AND parent = ?", [*terms, parent]
        if beyond is not None:
            query += f" AND (created, seq) {'>' if oldest_first else '<'} (?, ?)"
            terms += beyond
        way = "ASC" if oldest_first else "DESC"
        for (body,) in self._db.execute(f"{query} ORDER BY created {way}, seq {way}", terms):
            yield _thing(body)

    def new_id(self, prefix: str) -> str:
        """An id no other object has, here or in a sandbox started anew."""
        return f"{prefix}_{next(self._count):06d}{secrets.token_hex(6)}"

    def _one(self, query: str, *terms: Any) -> Thing | None:
        rows = self._rows(query, *terms)
        return _thing(rows[0][0]) if rows else None


def _thing(stored: str | bytes) -> Thing:
    thing: Thing = json.loads(unpacked(stored))
    return thing
