"""What-if: an organization's real history rated under another version of a price."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from application.ports import Books, CatalogReader, CycleState, Directory, EventLog
from application.registration import fold
from application.replays import CycleRecords, Replays
from application.rerating import (
    Candidate,
    Rerated,
    Unrated,
    adds_up_alike,
    candidate,
    replaced,
    rerated,
)
from domain.catalog import Catalog
from domain.errors import CyclebookError, NotFound
from domain.identity import organization_stream

PAGE = 200


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A catalog that stays as it is."""

    catalog: Catalog

    def current(self) -> Catalog:
        """That one."""
        return self.catalog


class WhatIf:
    """Rates history again. Writes nothing, and asks for one organization at a time."""

    def __init__(
        self,
        books: Books,
        log: EventLog,
        catalog: CatalogReader,
        records: CycleRecords,
        directory: Directory,
    ) -> None:
        self._books = books
        self._log = log
        self._catalog = catalog
        self._records = records
        self._directory = directory

    def candidate(
        self, terms: Mapping[str, object], replaces: Sequence[str] | None = None
    ) -> Candidate:
        """Read another version of a price.

        replaces: the versions it stands for; by default every version of its id in its
        currency. What single organizations negotiated is replaced only where it is named.

        Raises:
            NotFound: there is no such version.
            InvalidInput: it cannot be rated, or is of another kind, meter or currency.
        """
        return candidate(self._catalog.current(), terms, replaces)

    def organization(self, organization: str, candidate: Candidate) -> Rerated:
        """One organization's history.

        Raises:
            NotFound: there is no such organization.
        """
        history = self._log.read(organization_stream(organization))
        if not history:
            raise NotFound(f"there is no organization {organization}", organization=organization)
        who = fold(organization, history)
        catalog = self._catalog.current()
        other = replaced(catalog, candidate)
        names = self._books.cycle_names(organization)
        now = self._states(names, catalog)
        then = now if adds_up_alike(catalog, candidate) else self._states(names, other)
        return rerated(who, now, then, catalog, candidate)

    def everybody(
        self, candidate: Candidate, on_progress: Callable[[int], None] | None = None
    ) -> Iterator[Rerated | Unrated]:
        """Every organization's, by id, one after the other.

        on_progress: told how many were rated.
        """
        for number, organization in enumerate(organizations(self._directory), start=1):
            try:
                yield self.organization(organization, candidate)
            except CyclebookError as refusal:
                yield Unrated(organization=organization, code=refusal.code, detail=str(refusal))
            if on_progress:
                on_progress(number)

    def _states(self, names: Iterable[str], catalog: Catalog) -> list[CycleState]:
        replays = Replays(self._records, _Fixed(catalog))
        return [replays.cycle(name).state for name in names]


def organizations(directory: Directory) -> Iterator[str]:
    """Every organization, by id."""
    after = ""
    while page := directory.search("", after, PAGE):
        for organization, _ in page:
            yield organization
        after = page[-1][0]
