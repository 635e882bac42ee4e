"""Quarantine: usage records that could not be placed wait here for a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.recording import Recording
from domain.errors import InvalidInput, NotFound
from domain.usage import Outcome, UsageRecord

PAGE_MAX = 500
REPLAY_BATCH = 1_000
"""How many entries one replay transaction takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineEntry:
    """A usage record that could not be placed, and what became of it.

    status: ``open``, ``replayed`` or ``dismissed``. code, detail: why it could not be placed.
    """

    id: int
    record: UsageRecord
    code: str
    detail: str
    actor: str
    received_at: datetime
    status: str
    resolved_at: datetime | None
    resolution: str | None
    resolved_by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinePage:
    """Some entries, by id. next_cursor: ``after`` of the next page, ``None`` at the end."""

    data: tuple[QuarantineEntry, ...]
    next_cursor: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayReport:
    """What a replay of quarantined records came to. position: of the last event stored."""

    replayed: int
    still_quarantined: int
    refused: int
    position: int


class QuarantineStore(Protocol):
    """Keeps quarantined records. The usage log fills it."""

    def list(self, status: str, after: int, limit: int) -> Sequence[QuarantineEntry]:
        """Entries of a status (``open``, ``replayed``, ``dismissed``) after an id, by id."""
        ...

    def take(self, ids: Sequence[int]) -> Sequence[QuarantineEntry]:
        """The open ones among these, by id."""
        ...

    def resolve(self, ids: Sequence[int], status: str, resolution: str, actor: str) -> int:
        """End open entries as ``replayed`` or ``dismissed``; how many there were."""
        ...


class Quarantine:
    """Lists what waits, and lets a person replay it or dismiss it with a reason."""

    def __init__(self, store: QuarantineStore, recording: Recording) -> None:
        self._store = store
        self._recording = recording

    def list(self, status: str = "open", after: int = 0, limit: int = 100) -> QuarantinePage:
        """A page of entries."""
        found = tuple(self._store.list(status, after, min(limit, PAGE_MAX) + 1))
        page = found[: min(limit, PAGE_MAX)]
        return QuarantinePage(
            data=page, next_cursor=page[-1].id if len(found) > len(page) else None
        )

    def replay(
        self, ids: Sequence[int] | None, reason: str, *, actor: str, now: datetime
    ) -> ReplayReport:
        """Record entries again, all open ones where ``ids`` is ``None``.

        An entry that is still not placed stays as it is. One that was recorded meanwhile
        counts as replayed, and one that clashes with an accepted record as refused: it is
        dismissed, and the clash is kept among the conflicts.

        Raises:
            InvalidInput: no reason is given.
            StoreUnavailable: what was not replayed yet still waits; replay again.
        """
        _require_reason(reason)
        total = ReplayReport(replayed=0, still_quarantined=0, refused=0, position=0)
        for batch in self._open(ids):
            total = _sum(total, self._replay(batch, reason, actor=actor, now=now))
        return total

    def dismiss(self, ids: Sequence[int], reason: str, *, actor: str) -> int:
        """Give entries up, for a reason; how many there were.

        Raises:
            InvalidInput: no reason is given.
            NotFound: none of them is open.
        """
        _require_reason(reason)
        dismissed = self._store.resolve(ids, "dismissed", reason, actor)
        if ids and not dismissed:
            raise NotFound("none of these is open in the quarantine")
        return dismissed

    def _open(self, ids: Sequence[int] | None) -> Iterator[Sequence[QuarantineEntry]]:
        """The entries to replay, in batches."""
        if ids is not None:
            wanted = sorted(set(ids))
            for start in range(0, len(wanted), REPLAY_BATCH):
                yield self._store.take(wanted[start : start + REPLAY_BATCH])
            return
        after = 0
        while batch := self._store.list("open", after, REPLAY_BATCH):
            yield batch
            after = batch[-1].id

    def _replay(
        self, batch: Sequence[QuarantineEntry], reason: str, *, actor: str, now: datetime
    ) -> ReplayReport:
        appended = self._recording.record([entry.record for entry in batch], actor=actor, now=now)
        done, clashing, waiting = [], [], 0
        for index, entry in enumerate(batch):
            refusal = appended.refusals.get(index)
            if refusal is None or refusal.outcome is Outcome.DUPLICATE:
                done.append(entry.id)
            elif refusal.outcome is Outcome.QUARANTINED:
                waiting += 1
            else:
                clashing.append((entry.id, refusal.detail))
        self._store.resolve(done, "replayed", reason, actor)
        for id_, detail in clashing:
            self._store.resolve([id_], "dismissed", f"{reason} ({detail})", actor)
        return ReplayReport(
            replayed=len(done),
            still_quarantined=waiting,
            refused=len(clashing),
            position=appended.position,
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("say why", field="reason")


def _sum(one: ReplayReport, other: ReplayReport) -> ReplayReport:
    return ReplayReport(
        replayed=one.replayed + other.replayed,
        still_quarantined=one.still_quarantined + other.still_quarantined,
        refused=one.refused + other.refused,
        position=max(one.position, other.position),
    )
