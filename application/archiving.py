"""Archiving: what a month's copy needs of the log, and how lost rows come back from it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import InvalidInput
from projections.chain import Row


@dataclass(frozen=True, slots=True)
class Month:
    """A month in which billing cycles begin."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


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

    def restore(self, month: Month, rows: Iterable[Row]) -> Restored:
        """Put rows back where they are gone, all or none.

        Raises:
            RuleViolation: the log holds another row in the place of one of them.
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
