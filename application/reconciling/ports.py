"""What a reconciliation needs of the store: cycles and their rows, sightings, and its reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from projections.invoice_summary import InvoiceSummary
from projections.reconciliation import Finding, Projected
from projections.remote_invoice import RemoteInvoice


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a reconciliation is to look at: cycles that overlap ``[start, end)``.

    ``None`` leaves a side open. repair: whether to mend what is safe to mend. every_line: whether
    to read all lines of drafts that have more than Stripe's list shows.
    """

    start: datetime | None = None
    end: datetime | None = None
    repair: bool = False
    every_line: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many findings of a kind, and what they come to in minor units of a currency."""

    kind: str
    severity: str
    currency: str
    findings: int
    repaired: int
    cents: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A reconciliation as it stands.

    status: ``requested``, ``running``, ``done``, or ``failed`` for the reason in ``problem``.
    expected: cycles in the window; done: those of which all sides were read and compared.
    listed: invoices that Stripe listed. attempt: how often it was begun.
    """

    id: int
    status: str
    asked: Asked
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expected: int = 0
    done: int = 0
    listed: int = 0
    attempt: int = 0
    problem: str | None = None
    counts: tuple[Count, ...] = ()

    @property
    def findings(self) -> int:
        """How many discrepancies were found."""
        return sum(each.findings for each in self.counts)

    @property
    def repaired(self) -> int:
        """How many of them were mended."""
        return sum(each.repaired for each in self.counts)

    @property
    def clean(self) -> bool:
        """Whether everything was read and equals the books."""
        return self.status == "done" and self.done == self.expected and not self.findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """The cycles of a window as they stand now. newest: no cycle opened after it counts."""

    cycles: int
    earliest: datetime | None
    newest: int


class SweptCycles(Protocol):
    """The cycles of every organization, and what projections say of them."""

    def extent(self, asked: Asked) -> Extent:
        """How many cycles a window holds, and when the earliest of them begins."""
        ...

    def names(self, asked: Asked, extent: Extent, after: str, limit: int) -> Sequence[str]:
        """The next cycles after a name, by name."""
        ...

    def projected(self, cycle: str) -> Projected:
        """What projections say of a cycle, and whether a sync of it is on its way."""
        ...

    def mend(self, cycle: str, row_at: Callable[[str, int], InvoiceSummary]) -> None:
        """Put a row in the place of the projected one, by the log up to where projections have
        followed it; they stand still meanwhile."""
        ...


class Sightings(Protocol):
    """What Stripe listed for one reconciliation, kept aside until it is over."""

    def keep(self, page: Sequence[RemoteInvoice]) -> None:
        """Keep a page of the list; an invoice that comes again takes the place of the first."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def of(self, cycle: str, invoice: str | None) -> Sequence[RemoteInvoice]:
        """Those that carry a cycle's id, or have this id at Stripe."""
        ...

    def strangers(self) -> Iterator[RemoteInvoice]:
        """Those that carry the id of a cycle which does not exist."""
        ...


class Reports(Protocol):
    """Keeps reconciliations: what was asked, how far it is, what was found."""

    def request(self, asked: Asked, actor: str, *, unless_since: datetime | None = None) -> int:
        """Ask for one; its number. unless_since: 0 instead, where the actor asked since then, or
        there is nothing to look at."""
        ...

    def begin(self, asked: Asked, actor: str, now: datetime, until: datetime) -> Report:
        """Ask for one that is the caller's own to carry out."""
        ...

    def claim(self, now: datetime, until: datetime) -> Report | None:
        """Take the oldest that nobody works on, until an instant: it is begun anew."""
        ...

    def sightings(self, report: Report) -> Sightings:
        """What Stripe listed for it."""
        ...

    def progress(
        self, report: Report, counts: Mapping[str, int], found: Sequence[Finding], until: datetime
    ) -> None:
        """Keep how far it is (``expected``, ``done``, ``listed``) and what was found, and stay.

        Raises:
            Busy: somebody else took it over, because we had not said anything for too long.
        """
        ...

    def finish(self, report: Report, at: datetime, problem: str | None) -> None:
        """End it: done, or failed for a reason. What was set aside for it is dropped."""
        ...

    def get(self, report: int) -> Report | None:
        """One."""
        ...

    def list(self, before: int | None, limit: int) -> Sequence[Report]:
        """The newest first."""
        ...

    def findings(self, report: int, after: int, limit: int) -> Sequence[tuple[int, Finding]]:
        """What one found, in the order it was found, each with its number."""
        ...
