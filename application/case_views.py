"""What the cases answer: lists, a case as it stands, and its timeline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.case_texts import CaseText, read
from domain.case import CUSTOMER, OPEN_TO_CUSTOMERS, PUBLIC
from domain.events.base import Recorded
from domain.events.case import (
    CaseCommented,
    CaseEvent,
    CaseReported,
    CaseResolved,
)
from projections.case_summary import CaseSummary, summary_of, updated
from projections.history import story

SUPPORT = "Support"
"""How customers are told of whoever of support it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseReceipt:
    """What became of a change. position: of its event; effect: ``recorded`` or ``nothing``."""

    case: str
    status: str
    position: int
    effect: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFilter:
    """Which cases to list. status: one of theirs, or ``open`` for all that wait for an answer.

    reported_before: only those that are older.
    """

    organization: str | None = None
    cycle: str | None = None
    status: str | None = None
    reported_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePage:
    """Some cases, the newest first. next_cursor: ``after`` of the next page, or ``None``."""

    data: tuple[CaseSummary, ...]
    next_cursor: int | None


class CaseLists(Protocol):
    """Lists of cases: a projection, which may lag."""

    def list(self, wanted: CaseFilter, after: int | None, limit: int) -> Sequence[CaseSummary]:
        """Cases, the newest first, after (below) a number."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """A case as it stands. text, text_state: what was reported, ``None`` once it is erased.

    reopen_until: until when the customer may reopen it, while it is resolved.
    """

    summary: CaseSummary
    report: CaseReported
    text: str | None
    text_state: str
    resolution: CaseResolved | None
    reopen_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseEntry:
    """One event of a case as people read it. who: the actor, or ``Support`` for customers.

    visibility: ``public`` or ``internal``. text: the words, where it has some that are kept;
    text_state: ``kept``, ``erased`` or ``altered``, ``None`` where it never had any. text_id:
    by which support can have it erased.
    """

    at: datetime
    position: int
    who: str
    what: str
    visibility: str
    text: str | None
    text_state: str | None
    text_id: str | None


def view_of(history: Sequence[Recorded], texts: Mapping[str, CaseText]) -> CaseView:
    """A case by its events, from the first one on."""
    first = history[0]
    assert isinstance(first.event, CaseReported)
    summary, resolution = summary_of(first.event, first.position), None
    for recorded in history[1:]:
        assert isinstance(recorded.event, CaseEvent)
        summary = updated(summary, recorded.event, recorded.position)
        if isinstance(recorded.event, CaseResolved):
            resolution = recorded.event
    text, state = read(texts.get(first.event.text), first.event.seal)
    until = summary.resolved_at + OPEN_TO_CUSTOMERS if summary.resolved_at else None
    return CaseView(
        summary=summary,
        report=first.event,
        text=text,
        text_state=state,
        resolution=None if summary.open else resolution,
        reopen_until=until,
    )


def timeline_of(
    history: Sequence[Recorded], texts: Mapping[str, CaseText], for_staff: bool
) -> tuple[CaseEntry, ...]:
    """A case's story; without what only support sees unless it is ``for_staff``."""
    entries = tuple(_entries(history, texts, for_staff))
    return entries if for_staff else tuple(e for e in entries if e.visibility == PUBLIC)


def _entries(
    history: Sequence[Recorded], texts: Mapping[str, CaseText], for_staff: bool
) -> Iterator[CaseEntry]:
    for recorded, told in zip(history, story(history), strict=True):
        event = recorded.event
        id_, seal = getattr(event, "text", None), getattr(event, "seal", "")
        text, state = read(texts.get(id_), seal) if id_ else (None, None)
        yield CaseEntry(
            at=recorded.occurred_at,
            position=recorded.position,
            who=recorded.actor if for_staff or by_customer(recorded) else SUPPORT,
            what=told.what,
            visibility=event.visibility if isinstance(event, CaseCommented) else PUBLIC,
            text=text,
            text_state=state,
            text_id=id_ if for_staff else None,
        )


def by_customer(recorded: Recorded) -> bool:
    """Whether a customer did it."""
    return getattr(recorded.event, "by", None) == CUSTOMER
