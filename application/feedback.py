"""Feedback: whether people found a bill clear.

An opinion and no fact of billing: no amount follows from it, nobody replays it, and people may
change or take back what they wrote. So it is a row for each person and invoice, and no event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.desired import organization_of
from application.ports import Books
from domain.text import prose

COMMENT_MAX = 2_000
"""Characters of a comment."""

PAGE_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What somebody thought of a bill, last. number: by which they are listed."""

    cycle: str
    organization: str
    actor: str
    clear: bool
    comment: str | None
    at: datetime
    number: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackCounts:
    """How many found it clear, and how many did not."""

    clear: int
    unclear: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackPage:
    """Some answers, the newest first. counts: of all of them. next_cursor: or ``None``."""

    data: tuple[Feedback, ...]
    counts: FeedbackCounts
    next_cursor: int | None


class FeedbackStore(Protocol):
    """Where the answers are kept: one for each person and invoice."""

    def put(self, feedback: Feedback) -> None:
        """Put an answer in place of the one that this person gave before."""
        ...

    def of(self, cycle: str, actor: str) -> Feedback | None:
        """What somebody answered about an invoice."""
        ...

    def list(
        self, organization: str | None, clear: bool | None, after: int | None, limit: int
    ) -> Sequence[Feedback]:
        """Answers, the newest first, after (below) a number."""
        ...

    def counts(self, organization: str | None) -> FeedbackCounts:
        """How many of each there are."""
        ...


class FeedbackOnBills:
    """Takes answers to "was this bill clear?", and lists them."""

    def __init__(self, store: FeedbackStore, books: Books) -> None:
        self._store = store
        self._books = books

    def give(
        self, cycle: str, clear: bool, comment: str | None, *, actor: str, at: datetime
    ) -> Feedback:
        """Say whether a bill was clear. The last answer of each person counts.

        Raises:
            NotFound: there is no such cycle.
            InvalidInput: the comment is blank, too long, or holds control characters.
        """
        organization = organization_of(cycle)
        self._books.snapshot(organization, cycle)
        feedback = Feedback(
            cycle=cycle,
            organization=organization,
            actor=actor,
            clear=clear,
            comment=None if comment is None else prose(comment, "comment", COMMENT_MAX),
            at=at,
        )
        self._store.put(feedback)
        return feedback

    def of(self, cycle: str, actor: str) -> Feedback | None:
        """What somebody answered about a bill, ``None`` where they did not."""
        return self._store.of(cycle, actor)

    def list(
        self,
        organization: str | None = None,
        clear: bool | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> FeedbackPage:
        """Answers, the newest first. The counts do not depend on ``clear``."""
        size = min(limit, PAGE_MAX)
        found = tuple(self._store.list(organization, clear, after, size + 1))
        page = found[:size]
        return FeedbackPage(
            data=page,
            counts=self._store.counts(organization),
            next_cursor=page[-1].number if len(found) > size else None,
        )
