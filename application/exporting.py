"""Exporting: the journal of everything that happened to money, organization by organization."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from application.detached import names_here
from application.ports import Books, Directory, EventLog
from application.replays import CycleRecords
from application.what_if import organizations
from domain.errors import InvalidInput, NotFound
from domain.events.base import Recorded
from domain.identity import organization_stream, stripe_stream
from projections.journal.cycle import CycleJournal
from projections.journal.organization import OrganizationJournal
from projections.journal.transactions import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When something happened: ``[start, end)``, open where ``None``."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise InvalidInput("to has to be after from", field="to")

    def holds(self, at: datetime) -> bool:
        """Whether an instant is in it."""
        after = self.start is None or at >= self.start
        return after and (self.end is None or at < self.end)

    def begins_by(self, at: datetime) -> bool:
        """Whether something of it lies at an instant or before."""
        return self.start is None or self.start <= at


class Exporting:
    """Folds the journal from the log alone. Writes nothing, and reads no usage."""

    def __init__(
        self, books: Books, log: EventLog, records: CycleRecords, directory: Directory
    ) -> None:
        self._books = books
        self._log = log
        self._records = records
        self._directory = directory

    def journal(self, window: Window, organization: str | None = None) -> Iterator[Transaction]:
        """Everything that happened to money in a window, of all organizations or of one.

        By organization, then by when it happened, then by id. The same events give the same
        transactions, whenever it is asked.

        Raises:
            NotFound: there is no such organization.
            MonthArchived: some of it may have happened in months that are detached.
        """
        if organization is None:
            for each in organizations(self._directory):
                self._require_here(each, window)
            return self._everybody(window)
        if not self._log.read(organization_stream(organization)):
            raise NotFound(f"there is no organization {organization}", organization=organization)
        self._require_here(organization, window)
        return iter(self._of(organization, window))

    def _require_here(self, organization: str, window: Window) -> None:
        """A window that begins after all that happened in detached months needs none of it."""
        gone = self._books.detached(organization)
        if gone.happened_by is not None and window.begins_by(gone.happened_by):
            raise gone.refusal()

    def _everybody(self, window: Window) -> Iterator[Transaction]:
        for organization in organizations(self._directory):
            yield from self._of(organization, window)

    def _of(self, organization: str, window: Window) -> list[Transaction]:
        """An organization's transactions, in order. The past is folded for what it leaves."""
        own, found = OrganizationJournal(), list[Transaction]()
        for recorded in self._log.read(organization_stream(organization)):
            found += own.take(recorded.event)
        for cycle in names_here(self._books, organization):
            journal = CycleJournal()
            for recorded in self._events(cycle):
                found += journal.take(recorded.event)
        return sorted(
            (each for each in found if window.holds(each.at)), key=lambda each: each.place
        )

    def _events(self, cycle: str) -> list[Recorded]:
        """Everything but usage that happened in a cycle and to its invoice, in the log's order."""
        at_processor = self._log.read(stripe_stream(cycle))
        with self._records.opened(cycle) as opened:
            return sorted([*opened.control, *at_processor], key=lambda each: each.position)
