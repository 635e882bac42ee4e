"""Dead letters: messages, or records of them, that could not be recorded wait for a person."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.messages import Message, Poison, Reception
from domain.errors import InvalidInput, NotFound
from domain.usage import Outcome

PAGE_MAX = 500
REPLAY_BATCH = 20
"""How many letters one replay takes at once; each may be a message of many records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """What could not be recorded, why, and what became of it.

    index: the record's place in its message, ``None`` where it is the message. beginning: of what
    was sent. size: bytes of all of it. exchange, routing_key: where it was sent to. times: how
    often the same came from the broker; a replay of ours is none. first_at, last_at: the first and
    the last time that it came. status: ``open``,
    ``replayed`` or ``dropped``.
    """

    id: int
    code: str
    detail: str
    index: int | None
    content_type: str
    beginning: bytes
    size: int
    exchange: str
    routing_key: str
    times: int
    first_at: datetime
    last_at: datetime
    status: str
    resolved_at: datetime | None
    resolution: str | None
    resolved_by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterPage:
    """Some letters, by id. next_cursor: ``after`` of the next page, ``None`` at the end."""

    data: tuple[DeadLetter, ...]
    next_cursor: int | None


@dataclass(kw_only=True, slots=True)
class LettersReplayed:
    """What a replay came to. still_dead: letters that stay as they are, with a new reason.

    outcomes: of the records within.
    """

    replayed: int = 0
    still_dead: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)


class DeadLetterStore(Protocol):
    """Keeps dead letters."""

    def add(self, poison: Sequence[Poison], *, replayed: bool = False) -> Sequence[int]:
        """Keep these; their ids. One that is open already is counted and gets the new reason.

        replayed: they did not come again, so one that is open is not counted.
        """
        ...

    def list(self, status: str, after: int, limit: int) -> Sequence[DeadLetter]:
        """Letters of a status (``open``, ``replayed``, ``dropped``) after an id, by id."""
        ...

    def take(self, ids: Sequence[int]) -> Sequence[tuple[int, Message]]:
        """The open ones among these, by id: each with the message, or the part of it."""
        ...

    def resolve(self, ids: Sequence[int], status: str, resolution: str, actor: str) -> int:
        """End open letters as ``replayed`` or ``dropped``; how many there were."""
        ...

    def count(self) -> int:
        """How many are open."""
        ...


class DeadLetters:
    """Lists what waits, and lets a person replay it or drop it with a reason."""

    def __init__(self, store: DeadLetterStore, reception: Reception) -> None:
        self._store = store
        self._reception = reception

    def list(self, status: str = "open", after: int = 0, limit: int = 100) -> DeadLetterPage:
        """A page of letters."""
        found = tuple(self._store.list(status, after, min(limit, PAGE_MAX) + 1))
        page = found[: min(limit, PAGE_MAX)]
        return DeadLetterPage(
            data=page, next_cursor=page[-1].id if len(found) > len(page) else None
        )

    def count(self) -> int:
        """How many wait."""
        return self._store.count()

    def replay(
        self, ids: Sequence[int] | None, reason: str, *, actor: str, now: datetime
    ) -> LettersReplayed:
        """Record letters again, all open ones where ``ids`` is ``None``.

        Whatever of a letter can be recorded is. A letter that is just as bad as before stays;
        where only parts of it are, it counts as replayed and each such part is a letter of its own.

        Raises:
            InvalidInput: no reason is given.
            NotFound: none of the named ones is open.
            StoreUnavailable: what was not replayed yet still waits; replay again.
        """
        _require_reason(reason)
        total, taken = LettersReplayed(), 0
        for batch in self._open(ids):
            taken += len(batch)
            self._replay(batch, reason, actor, now, total)
        if ids and not taken:
            raise NotFound("none of these is an open dead letter")
        return total

    def drop(self, ids: Sequence[int] | None, reason: str, *, actor: str) -> int:
        """Give letters up, for a reason, all open ones where ``ids`` is ``None``; how many.

        Raises:
            InvalidInput: no reason is given.
            NotFound: none of them is open.
        """
        _require_reason(reason)
        meant = list(self._open_ids()) if ids is None else ids
        dropped = self._store.resolve(meant, "dropped", reason, actor)
        if ids and not dropped:
            raise NotFound("none of these is an open dead letter")
        return dropped

    def _open(self, ids: Sequence[int] | None) -> Iterator[Sequence[tuple[int, Message]]]:
        """The letters to replay, in batches; none that a replay adds."""
        wanted = sorted(set(self._open_ids() if ids is None else ids))
        for start in range(0, len(wanted), REPLAY_BATCH):
            yield self._store.take(wanted[start : start + REPLAY_BATCH])

    def _open_ids(self) -> Iterator[int]:
        after = 0
        while batch := self._store.list("open", after, PAGE_MAX):
            yield from (each.id for each in batch)
            after = batch[-1].id

    def _replay(
        self,
        batch: Sequence[tuple[int, Message]],
        reason: str,
        actor: str,
        now: datetime,
        total: LettersReplayed,
    ) -> None:
        received = self._reception.record([sent for _, sent in batch], actor=actor, now=now)
        again = set(self._store.add(received.poison, replayed=True))
        done = [id_ for id_, _ in batch if id_ not in again]
        self._store.resolve(done, "replayed", reason, actor)
        total.replayed += len(done)
        total.still_dead += len(batch) - len(done)
        total.outcomes.update(received.outcomes)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("say why", field="reason")
