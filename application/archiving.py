"""Archiving: what a month's copy needs of the log, how the month leaves it and comes back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.detached import DetachedMonth, month_name
from domain.errors import InvalidInput
from projections.chain import Row


@dataclass(frozen=True, slots=True)
class Month:
    """A month in which billing cycles begin."""

    year: int
    month: int

    def __str__(self) -> str:
        return month_name(self.year, self.month)


def month_of(text: str) -> Month:
    """A month as people write it.

    Raises:
        InvalidInput: it is none.

    >>> str(month_of("2025-01"))
    '2025-01'
    """
    year, _, month = text.partition("-")
    if not (len(text) == 7 and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12):
        raise InvalidInput("month must look like 2025-01", field="month")
    return Month(int(year), int(month))


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A file with a month's rows. seal: a hash over their digests; sha256: of the file."""

    month: Month
    file: str
    events: int
    seal: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came of restoring. known: rows that were there already, as they are in the copy."""

    restored: int
    known: int


class Archive(Protocol):
    """The rows of the log by the month their cycle begins in."""

    def unissued(self, month: Month) -> Sequence[str]:
        """Its cycles whose invoice is not issued."""
        ...

    def rows(self, month: Month) -> Iterator[Row]:
        """Its rows in the log's order: of cycles, and of their lives at Stripe."""
        ...

    def detach(self, copy: Copy, rows: Iterable[Row], *, by: str, now: datetime) -> DetachedMonth:
        """Take a month out of the log, if these are all its rows: whole, or not at all.

        Raises:
            NotFound: the log does not hold the month.
            RuleViolation: something of the month is still to come, or the copy is not equal.
            Busy: somebody holds what has to be locked; nothing was changed.
        """
        ...

    def detached(self) -> Sequence[DetachedMonth]:
        """The months that are not in the log, oldest first."""
        ...

    def restore(self, copy: Copy, rows: Iterable[Row]) -> Restored:
        """Put rows back where they are gone, all or none; a detached month comes back whole.

        Raises:
            RuleViolation: the log holds another row in the place of one of them, or never held it;
                or the month was detached with another copy.
            Busy: projections are being made anew, or another copy is being put back.
        """
        ...


def require_issued(archive: Archive, month: Month) -> None:
    """Whether nothing more is to be billed of a month.

    Raises:
        InvalidInput: one of its cycles is not issued.
    """
    if left := archive.unissued(month):
        raise InvalidInput(
            f"{len(left)} cycles of {month} are not issued, {left[0]} among them; "
            "archive the month once they are",
            field="month",
        )
