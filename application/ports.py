"""What the use cases need from the outside world. Adapters implement these."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.detached import Detached
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.events.base import Recorded
from domain.events.usage import PackedRecord
from domain.organization import Organization
from domain.period import Period
from domain.tally import Tallies
from domain.usage import Refusal, UsageRecord


class EventLog(Protocol):
    """All events, in order, for ever."""

    def read(self, stream: UUID, after: int = 0) -> Sequence[Recorded]:
        """A stream's events after a version, oldest first. Usage is included."""
        ...

    def read_together(self, streams: Collection[UUID]) -> Sequence[Recorded]:
        """The events of several streams, in the log's order."""
        ...

    def append(
        self,
        stream: UUID,
        expected_version: int,
        events: Sequence[object],
        *,
        actor: str,
        at: datetime,
    ) -> int:
        """Append to one stream that is not a billing cycle; return the last event's position.

        at: ``occurred_at`` of events that carry no ``at`` of their own.

        Raises:
            ConcurrentChange: the stream is not at ``expected_version``.
        """
        ...


class CatalogReader(Protocol):
    """The catalog as of now, cached by its version."""

    def current(self) -> Catalog:
        """The newest catalog. Treat it as read-only."""
        ...


class OpenBooks(Protocol):
    """One organization's books while they are locked for a change. Nothing else can move."""

    organization: Organization
    cycles: list[BillingCycle]
    """The cycles not yet issued, oldest first; the last one is the newest there is, unless the
    organization is closed and its last one issued."""

    issued: list[BillingCycle]
    """Issued cycles that are locked as well, oldest first: all since the oldest one with late
    facts nobody has billed or not issued yet, those not paid by their due date, and those
    asked for."""

    asked: BillingCycle | None
    """The cycle asked for by name; the same object as in ``cycles`` or ``issued``."""

    def is_first(self, cycle: BillingCycle) -> bool:
        """Whether a cycle is the first the organization ever had."""
        ...

    def holder_of(self, item: str) -> BillingCycle | None:
        """The cycle whose invoice has a one-off item, be it issued or not."""
        ...

    def append(self, cycle: BillingCycle, events: Sequence[object]) -> None:
        """Add events to a cycle: applied to it at once, stored when the block ends."""
        ...

    def append_organization(self, events: Sequence[object]) -> None:
        """Add events to the organization's own stream."""
        ...

    def open_cycle(self, period: Period, full: Period, carried_from: BillingCycle) -> BillingCycle:
        """Open the cycle that begins where the newest one ends; it joins ``cycles``."""
        ...

    def state(self, cycle: BillingCycle) -> "CycleState":
        """A cycle with what its usage adds up to, under the lock, this change included."""
        ...

    def last_usage(self, cycle: BillingCycle) -> Sequence[datetime]:
        """The latest instant of a cycle's usage; none where it has none."""
        ...

    def version(self, cycle: BillingCycle) -> int:
        """The version of a cycle's last event, this change's included."""
        ...

    def used_credits(self) -> Mapping[str, int]:
        """What settled invoices have used of each credit, under the lock."""
        ...

    def position(self) -> int:
        """Position of the last event stored by this change, or where the log stood if it stored
        none; known once the block has ended."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleState:
    """A cycle and its usage at one moment. version: of its last event.

    tallies: of usage up to its cut-off, attributed as the cycle stands. late: of everything
    known now, attributed by ``cycle.as_known()``; ``None`` where nothing became known late.
    """

    cycle: BillingCycle
    tallies: Tallies
    version: int
    late: Tallies | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """An organization's unissued cycles (oldest first) and one more if asked for, read at once.

    owing: issued cycles, oldest first, from the oldest on with late facts nobody has billed, or
    that is not issued.
    position: the log's last position then. now: the database's clock.
    applied: what settled cycles have used of each credit.
    """

    organization: Organization
    cycles: Sequence[CycleState]
    owing: Sequence[CycleState]
    asked: CycleState | None
    applied: Mapping[str, int]
    position: int
    now: datetime


class Books(Protocol):
    """The billing cycles of every organization."""

    def register(
        self, events: Sequence[object], period: Period, full: Period, *, actor: str
    ) -> int:
        """Start an organization's stream and open its first cycle; return the position.

        Raises:
            ConcurrentChange: the organization exists already.
        """
        ...

    def change(
        self,
        organization: str,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> AbstractContextManager[OpenBooks]:
        """Lock an organization's unissued cycles, and store what the block appends, at once.

        cycle: one more to lock, ``asked`` for, which may be an issued one. since: lock every
        cycle that ends after this instant as well. An exception in the block stores nothing.

        Raises:
            NotFound: there is no such organization or cycle.
        """
        ...

    def snapshot(self, organization: str, cycle: str | None = None) -> Snapshot:
        """Everything the live invoice needs, as of one moment. ``cycle`` may be an issued one.

        Raises:
            NotFound: there is no such organization or cycle.
        """
        ...

    def history(self, cycle: str, known_at: datetime | None = None) -> Sequence[Recorded]:
        """All events of a cycle that were recorded by an instant, usage included.

        Waits for appends in flight where ``known_at`` lies in the last seconds.
        """
        ...

    def cycle_names(self, organization: str, *, unissued: bool = False) -> Sequence[str]:
        """An organization's cycles, oldest first."""
        ...

    def detached(self, organization: str) -> Detached:
        """Those of an organization's cycles whose events are in archives, and not in the log.

        Whatever needs these events raises ``MonthArchived``.
        """
        ...

    def outstanding(self, organization: str) -> Sequence[BillingCycle]:
        """Cycles whose invoice is issued and neither paid nor void, oldest first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Organizations with a cycle that has something to do by ``now``: to be closed
        (its period is over), cut off (its grace is over), issued, or said to be past due."""
        ...

    def wait_for(self, position: int, timeout_s: int) -> bool:
        """Wait until the log reaches a position; whether it did."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """What became of a batch. refusals: by index, only those not accepted. late: how many of
    the accepted ones came after their cycle's cut-off.

    position: of the last event stored; where the log stood if everything was there already.
    """

    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    position: int = 0
    late: int = 0


class UsageLog(Protocol):
    """Takes usage records, fast and exactly once."""

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        """Record a batch over any number of organizations, durably, in one transaction.

        What cannot be attributed is quarantined in the same transaction.

        Raises:
            StoreUnavailable: nothing was decided; send the same batch again.
        """
        ...


class UsageFinder(Protocol):
    """Finds single usage records that were accepted."""

    def find(self, source: str, id: str) -> tuple[str, PackedRecord] | None:
        """The cycle that holds the record of (source, id), and the record as recorded."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What people see of an organization; kept outside the log so that it can be erased.

    emails: by user.
    """

    name: str
    emails: Mapping[str, str]


class Directory(Protocol):
    """Names and addresses."""

    def get(self, organization: str) -> Profile:
        """What is known; an unknown or erased organization has an empty name."""
        ...

    def put(self, organization: str, profile: Profile) -> None:
        """Put a name and all addresses in place of what was there."""
        ...

    def search(self, text: str, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Organizations (id, name) whose id or name contains a text, by id, after an id."""
        ...
