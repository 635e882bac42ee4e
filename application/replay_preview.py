"""What a replay of the quarantine would come to: which invoices would be another, by how much."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol

from application.changing import deltas
from application.live import InTurn, rate_in_turn
from application.ports import CatalogReader, CycleState, UsageLog
from application.quarantine import QuarantineEntry, QuarantineStore
from application.recording import Recording
from application.views import InvoiceDelta
from domain.organization import Organization
from domain.usage import Outcome, Refusal

LOOKED_AT_MAX = 1_000
"""Entries that one preview looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An organization's cycles at one moment, oldest first. applied: credit used, by its id."""

    organization: Organization
    states: Sequence[CycleState]
    applied: Mapping[str, int]


class Rehearsal(UsageLog, Protocol):
    """A log that takes usage, and forgets it once the rehearsal is over."""

    def standing(self) -> Standing | None:
        """Where the organization stands, what was taken included; ``None`` if there is none."""
        ...


class Rehearsals(Protocol):
    """Opens rehearsals. While one lasts, its organization's books are locked, not the log."""

    def of(self, organization: str, since: datetime) -> AbstractContextManager[Rehearsal]:
        """A rehearsal over the cycles that are open, or end after an instant."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayPreview:
    """What a replay would do. invoices: those that would be another.

    placed: records that would be in the books after it; waiting: that still could not be placed;
    refused: that clash with what was recorded. more: whether there are others, not looked at.
    """

    placed: int
    waiting: int
    refused: int
    invoices: tuple[InvoiceDelta, ...]
    more: bool


class ReplayPreviews:
    """Replays by the very code that records usage, and stores nothing."""

    def __init__(
        self, store: QuarantineStore, rehearsals: Rehearsals, catalog: CatalogReader
    ) -> None:
        self._store = store
        self._rehearsals = rehearsals
        self._catalog = catalog

    def preview(self, ids: Sequence[int] | None, *, actor: str, now: datetime) -> ReplayPreview:
        """What a replay of these entries would do now; of all open ones where there are none.

        Raises:
            Busy: an organization's books are being changed; ask again.
            StoreUnavailable: nothing is known; ask again.
        """
        found, more = self._open(ids)
        outcomes: list[Refusal | None] = []
        invoices: list[InvoiceDelta] = []
        by_name = sorted(found, key=lambda each: each.record.organization)
        for organization, entries in groupby(by_name, key=lambda each: each.record.organization):
            refusals, changed = self._rehearsed(organization, list(entries), actor, now)
            outcomes += refusals
            invoices += changed
        placed = sum(each is None or each.outcome is Outcome.DUPLICATE for each in outcomes)
        waiting = sum(each is not None and each.outcome is Outcome.QUARANTINED for each in outcomes)
        return ReplayPreview(
            placed=placed,
            waiting=waiting,
            refused=len(outcomes) - placed - waiting,
            invoices=tuple(invoices),
            more=more,
        )

    def _open(self, ids: Sequence[int] | None) -> tuple[Sequence[QuarantineEntry], bool]:
        if ids is not None:
            wanted = sorted(set(ids))
            return self._store.take(wanted[:LOOKED_AT_MAX]), len(wanted) > LOOKED_AT_MAX
        found = self._store.list("open", 0, LOOKED_AT_MAX + 1)
        return found[:LOOKED_AT_MAX], len(found) > LOOKED_AT_MAX

    def _rehearsed(
        self, organization: str, entries: Sequence[QuarantineEntry], actor: str, now: datetime
    ) -> tuple[list[Refusal | None], list[InvoiceDelta]]:
        """What became of each entry, and what it changed."""
        records = [each.record for each in entries]
        since = min(each.occurred_at for each in records)
        with self._rehearsals.of(organization, since) as rehearsal:
            before = rehearsal.standing()
            appended = Recording(rehearsal).record(records, actor=actor, now=now)
            after = rehearsal.standing()
        # Rated once the books are free again.
        changed = deltas(self._rated(before), self._rated(after))
        return [appended.refusals.get(index) for index in range(len(records))], list(changed)

    def _rated(self, at: Standing | None) -> list[InTurn]:
        if at is None:
            return []
        catalog = self._catalog.current()
        return list(rate_in_turn(at.organization, at.states, at.applied, catalog))
