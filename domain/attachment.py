"""An attachment: a service on an organization, in one or more runs within a cycle."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from domain.period import Period


@dataclass(kw_only=True)
class Run:
    """One stretch in which an attachment was on, from ``since`` until ``until`` (or on).

    prices: the versions in force, as refs. quantities: (from, quantity), ascending.
    carried: it came over from the cycle before, at this cycle's start. cancelled: it turned
    out later that it had ended before. restated: its first quantity was then said anew, from
    that very instant on, and whatever came before does not matter to it any more.
    trial_until: no recurring fee is owed before this instant. trial_own: it began with a trial
    of its own, whatever it came over with. trial_ended: when the trial was said to be over,
    however long it came over for.
    """

    service: str
    name: str
    prices: tuple[str, ...]
    since: datetime
    until: datetime | None = None
    quantities: list[tuple[datetime, Decimal]] = field(default_factory=list)
    carried: bool = False
    cancelled: bool = False
    restated: bool = False
    trial_until: datetime | None = None
    trial_own: bool = False
    trial_ended: datetime | None = None

    def running_at(self, at: datetime) -> bool:
        """Whether it was on at an instant."""
        return self.since <= at and (self.until is None or at < self.until)

    def quantity_at(self, at: datetime) -> Decimal:
        """How many it counted for at an instant of the run."""
        return [quantity for since, quantity in self.quantities if since <= at][-1]

    def parts(self, within: Period) -> Iterator[tuple[Period, Decimal]]:
        """The stretches of constant quantity that lie within a period."""
        ends = [since for since, _ in self.quantities[1:]]
        for (since, quantity), end in zip(self.quantities, [*ends, self.until], strict=True):
            if part := within.overlap(since, end):
                yield part, quantity

    def charged(self, within: Period) -> Iterator[tuple[Period, Decimal]]:
        """The same without the time of a trial."""
        for part, quantity in self.parts(within):
            since = max(part.start, self.trial_until or part.start)
            if since < part.end:
                yield Period(since, part.end), quantity

    def set_quantity(self, at: datetime, quantity: Decimal) -> None:
        """Count for ``quantity`` from ``at`` until the next change."""
        others = [entry for entry in self.quantities if entry[0] != at]
        self.quantities = sorted([*others, (at, quantity)])

    def end(self, at: datetime) -> None:
        """Stop at an instant; quantity changes after it are gone with it."""
        self.until = at
        self.quantities = [entry for entry in self.quantities if entry[0] < at] or [
            (self.since, self.quantities[0][1])
        ]


@dataclass(kw_only=True)
class Attachment:
    """All runs of one attachment in a cycle, in order of time."""

    id: str
    runs: list[Run] = field(default_factory=list)

    def copy(self) -> "Attachment":
        """The same runs, to be changed apart from these."""
        runs = [replace(run, quantities=list(run.quantities)) for run in self.runs]
        return Attachment(id=self.id, runs=runs)

    def run_at(self, at: datetime) -> Run | None:
        """The run that was on at an instant."""
        return next((run for run in self.runs if run.running_at(at)), None)

    def running_on(self) -> Run | None:
        """The run that goes on beyond the end of the cycle."""
        return next((run for run in self.runs if run.until is None), None)

    def add(self, run: Run) -> None:
        """Take another run into account."""
        self.runs.append(run)
        self.runs.sort(key=lambda each: each.since)
