"""The ports of cases in memory, held to the same rules as PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from application.case_texts import CaseText
from application.case_views import CaseFilter
from domain.events.case import CaseEvent, CaseReported
from projections.case_summary import CaseSummary, summary_of, updated
from tests.memory import MemoryStore


class MemoryCaseLists:
    """Lists that never lag: they follow from the events whenever they are read."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def list(self, wanted: CaseFilter, after: int | None, limit: int) -> Sequence[CaseSummary]:
        rows: dict[str, CaseSummary] = {}
        for recorded in self._store.events:
            event = recorded.event
            if isinstance(event, CaseReported):
                rows[event.case] = summary_of(event, recorded.position)
            elif isinstance(event, CaseEvent):
                rows[event.case] = updated(rows[event.case], event, recorded.position)
        found = [row for row in rows.values() if _wanted(row, wanted)]
        found.sort(key=lambda row: -row.number)
        return [row for row in found if after is None or row.number < after][:limit]


def _wanted(row: CaseSummary, wanted: CaseFilter) -> bool:
    return (
        wanted.organization in (None, row.organization)
        and wanted.cycle in (None, row.cycle)
        and (wanted.status in (None, row.status) or (wanted.status == "open" and row.open))
        and (wanted.reported_before is None or row.reported_at < wanted.reported_before)
    )


class MemoryCaseTexts:
    """Texts by their ids."""

    def __init__(self) -> None:
        self.kept: dict[str, CaseText] = {}

    def put(self, text: CaseText) -> None:
        assert text.id not in self.kept
        self.kept[text.id] = text

    def of(self, case: str) -> Mapping[str, CaseText]:
        return {id_: text for id_, text in self.kept.items() if text.case == case}

    def discard(self, text: str) -> None:
        del self.kept[text]

    def erase(self, case: str, text: str, *, actor: str, at: datetime) -> bool:
        known = self.of(case).get(text)
        if known is not None:
            self.kept[text] = replace(known, salt=None, body=None)
        return known is not None
