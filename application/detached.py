"""Months that are detached from the log: what is still known of their cycles, and what is not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.errors import MonthArchived
from domain.identity import cycle_stream


@dataclass(frozen=True, kw_only=True, slots=True)
class DetachedMonth:
    """A month whose events are in a file. seal: a hash over their digests, in the log's order.

    sha256, file: of the copy. last_at: when the last of its events was recorded; happened_at:
    when the last of it happened, usage aside.
    """

    month: str
    cycles: int
    events: int
    first_position: int
    last_position: int
    last_at: datetime
    happened_at: datetime
    seal: str
    sha256: str
    file: str
    detached_at: datetime
    detached_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Detached:
    """Cycles whose events are in archives. happened_by, recorded_by: when the last of it had
    happened, and was recorded.

    applied: what their invoices used of each credit. files: where each month's events are.
    """

    cycles: frozenset[str] = frozenset()
    happened_by: datetime | None = None
    recorded_by: datetime | None = None
    applied: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def require_here(self, cycle: str) -> None:
        """Refuse to answer from the events of a cycle that are not in the log.

        Raises:
            MonthArchived: they are in an archive.
        """
        if cycle in self.cycles:
            raise in_archive([month_named(cycle)], self.files)

    def require_over(self, as_of: datetime | None, known_at: datetime | None) -> None:
        """Refuse to say how the books stood while these cycles were not over yet.

        Raises:
            MonthArchived: they were not, at one of the two instants.
        """
        if _before(as_of, self.happened_by) or _before(known_at, self.recorded_by):
            raise self.refusal()

    def refusal(self) -> MonthArchived:
        """What is said where events of all these cycles are needed."""
        return in_archive(map(month_named, self.cycles), self.files)


NOTHING_DETACHED = Detached()


class KnowsDetached(Protocol):
    """What is asked of the books about their cycles."""

    def cycle_names(self, organization: str, *, unissued: bool = False) -> Sequence[str]:
        """An organization's cycles, oldest first."""
        ...

    def detached(self, organization: str) -> Detached:
        """Those of an organization's cycles whose events are in archives."""
        ...


def _before(at: datetime | None, last: datetime | None) -> bool:
    return at is not None and last is not None and at < last


def names_here(books: KnowsDetached, organization: str) -> list[str]:
    """An organization's cycles whose events the log holds, oldest first."""
    gone = books.detached(organization).cycles
    return [name for name in books.cycle_names(organization) if name not in gone]


def month_named(cycle: str) -> str:
    """The month that a cycle's events are kept in, by its name.

    >>> month_named("acme.2025-01-15")
    '2025-01'
    """
    first = cycle_stream(cycle).bytes
    return month_name(int.from_bytes(first[:2], "big"), first[2])


def month_name(year: int, month: int) -> str:
    """A month as people write it.

    >>> month_name(2025, 1)
    '2025-01'
    """
    return f"{year:04}-{month:02}"


def in_archive(months: Iterable[str], files: Mapping[str, str] | None = None) -> MonthArchived:
    """The refusal wherever events of detached months are needed. files: of each, where known."""
    named = sorted(set(months))
    known = files or {}
    runs = " and ".join(f"cyclebook restore-archive {known.get(each, 'FILE')}" for each in named)
    return MonthArchived(
        f"this needs the events of {', '.join(named)}, which are in an archive and not in the log "
        f"any more: run {runs}, and ask again",
        months=named,
        person=True,
    )
