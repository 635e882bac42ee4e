"""What a verification needs of a store: its rows and events as they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.detached import Detached
from domain.events.base import Recorded
from domain.events.usage import PackedRecord
from projections.checks.broken import Broken
from projections.checks.counting import Heaps


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """Where a record lies, and the hash of its content, by what tells duplicates apart."""

    content: int
    number: int
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The records of one usage event. marks: each one's key and content hash, in order."""

    version: int
    records: Sequence[PackedRecord]
    marks: Sequence[tuple[bytes, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCycle:
    """A cycle as a store keeps it. number: the one its tallies are kept under.

    records: how many are counted in its head. stale, late_stale: its tallies are about to be
    folded anew. has_late: tallies with everything known now are kept. pending: a sync of it is
    to come. control, stripe: its events without usage, and those of its life at Stripe.
    """

    cycle: str
    number: int
    starts: int
    ends: int
    records: int
    stale: bool
    has_late: bool
    late_stale: bool
    pending: bool
    control: Sequence[Recorded]
    stripe: Sequence[Recorded]


class StoredOrganization(Protocol):
    """One organization in a store, all of it at one moment."""

    history: Sequence[Recorded]
    catalog: Sequence[Recorded]
    cycles: Sequence[StoredCycle]
    """Those whose events the log holds."""
    detached: Detached

    def usage(self, cycle: StoredCycle) -> Iterator[Page]:
        """The usage events of a cycle in the log's order."""
        ...

    def remembered(self, keys: Sequence[bytes]) -> Mapping[bytes, Remembered]:
        """What is kept to tell duplicates apart, by key."""
        ...

    def tallies(self, cycle: StoredCycle, *, late: bool) -> Heaps:
        """The tallies that are kept of a cycle: at its basis, or with everything known."""
        ...


class VerifiedStore(Protocol):
    """A store, read as it is: rows and events, and no cache."""

    def organizations(self) -> Sequence[str]:
        """All of them."""
        ...

    def size(self, organization: str | None) -> int:
        """Usage records and cycles, of all organizations or of one."""
        ...

    def opened(self, organization: str) -> AbstractContextManager[StoredOrganization]:
        """One organization at one moment.

        Raises:
            NotFound: there is none of this name.
        """
        ...

    def whole(self, invariant: int, organization: str | None, now: datetime) -> Iterator[Broken]:
        """What does not hold of invariants 1, 5, 10, 11 and 12, as far as single rows say so.

        now: by which it is judged what is due for too long.
        """
        ...
