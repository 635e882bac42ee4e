"""Idempotency keys: one answer each, kept for a day and given again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Any

from adapters.sandbox.ledger_records import Kept
from adapters.sandbox.refusals import Refused, in_flight, key_reused, key_too_long
from adapters.sandbox.request import Arrived, Reply
from adapters.sandbox.world import World

KEY_LENGTH_MAX = 255


class Claims:
    """What is in use right now, by name. Who comes second is refused, not kept waiting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: set[str] = set()

    @contextmanager
    def of(self, names: set[str], refusal: Callable[[], Refused]) -> Iterator[None]:
        """Hold all of these names, or raise the refusal."""
        with self._lock:
            if names & self._held:
                raise refusal()
            self._held |= names
        try:
            yield
        finally:
            with self._lock:
                self._held -= names


class Answers:
    """Stored answers by key. A key is good for one content at one endpoint."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._claims = Claims()

    def claimed(self, key: str) -> AbstractContextManager[None]:
        """Hold a key while its request is carried out.

        Raises:
            Refused: it is held already, or too long.
        """
        if len(key) > KEY_LENGTH_MAX:
            raise key_too_long(KEY_LENGTH_MAX)
        return self._claims.of({key}, lambda: in_flight(key))

    def stored(self, arrived: Arrived, key: str) -> Reply | None:
        """The answer that a key had before.

        Raises:
            Refused: it was used for something else.
        """
        with self._world.ledger.transaction():
            found = self._world.ledger.answer(key)
        if found is None:
            return None
        if (found.endpoint, found.content) != (arrived.path, _fingerprint(arrived.params)):
            raise key_reused(key, arrived.path, found.endpoint)
        headers = {"Idempotent-Replayed": "true", "Original-Request": found.request}
        return Reply(status=found.status, body=found.body, headers=headers)

    def keep(self, arrived: Arrived, status: int, body: str) -> None:
        """Store an answer, in the transaction of what it tells; nothing without a key."""
        if arrived.key is not None:
            content = _fingerprint(arrived.params)
            kept = Kept(arrived.path, content, status, body, arrived.request)
            self._world.ledger.keep_answer(arrived.key, kept, self._world.now())


def _fingerprint(params: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
