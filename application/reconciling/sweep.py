"""One sweep over many cycles: list Stripe, fold the books, compare, confirm, mend."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.gateway import InvoiceGateway
from application.reconciling.booked import BookedCycles
from application.reconciling.ports import Extent, Report, Reports, SweptCycles
from application.reconciling.repairs import NOT_MENDED, Repairs
from domain.errors import CyclebookError, RuleViolation, StoreUnavailable, Unavailable
from domain.stripe_invoice import StripeInvoice
from projections.reconciliation import (
    Booked,
    Finding,
    Kind,
    Severity,
    books_findings,
    projection_findings,
)
from projections.reconciliation_stripe import chosen, in_sight, stranger, stripe_findings
from projections.remote_invoice import RemoteInvoice, as_recorded

LEASE = timedelta(minutes=10)
"""How long a sweep that says nothing is taken to be alive."""

SAY_EVERY = timedelta(seconds=5)
PAGE = 200
LATER_MAX = 1_000
"""How many cycles that are busy just now are looked at again at the end."""

EARLY = timedelta(days=2)
"""How long before its cycle begins a draft is expected in Stripe's list."""

CLOCKS_DIFFER_MAX = timedelta(hours=1)

OUR_SIDE = frozenset({Kind.LAGGING, Kind.PROJECTION_DIFFERS, Kind.REPLAY_DIFFERS})
"""Discrepancies of our own making; the cycle's record at Stripe has nothing to say of them."""

Progress = Callable[[int, int], None]
"""Told (done, expected), in cycles."""


class EmptySweep(RuleViolation):
    """Stripe listed nothing where the books expect invoices."""

    code = "empty_sweep"


class EndedEarly(RuleViolation):
    """Stripe's list did not show what is there."""

    code = "list_ended_early"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """Compares all cycles of a window. What differs is read again before it is told.

    audit: the reconciler's, which keeps what differs with the cycle, for support.
    """

    booked: BookedCycles
    cycles: SweptCycles
    reports: Reports
    gateway: InvoiceGateway
    audit: Callable[[str, str], object]
    repairs: Repairs
    now: Callable[[], datetime]

    def run(self, report: Report, on_progress: Progress = lambda done, expected: None) -> None:
        """Carry out a claimed reconciliation and keep what it finds.

        Raises:
            EmptySweep, EndedEarly: Stripe's list cannot be believed.
            Unavailable: Stripe or the store is away, or somebody else took it over.
        """
        _Run(self, report, on_progress).carry_out()


class _Run:
    """One sweep under way. Holds a page of names and the findings not yet kept, no more."""

    def __init__(self, parts: Sweep, report: Report, on_progress: Progress) -> None:
        self._parts = parts
        self._report = report
        self._actor = f"reconciliation:{report.id}"
        self._on_progress = on_progress
        self._sightings = parts.reports.sightings(report)
        self._counts = {"expected": 0, "done": 0, "listed": 0}
        self._found: list[Finding] = []
        self._began = self._said_at = parts.now()
        self._from = self._until = self._began
        self._unlisted: list[str] = []

    def carry_out(self) -> None:
        extent = self._parts.cycles.extent(self._report.asked)
        self._counts["expected"] = extent.cycles
        if extent.earliest is not None:
            self._list(extent.earliest)
        later: list[str] = []
        for cycle in self._names(extent):
            if not self._look(cycle, last=len(later) >= LATER_MAX):
                later.append(cycle)
        for cycle in later:
            self._look(cycle, last=True)
        for seen in self._sightings.strangers():
            self._found += stranger(seen)
            self._say()
        self._say(at_once=True)
        if self._unlisted:
            raise EndedEarly(_ended_early(self._unlisted))
        if extent.cycles and not self._counts["done"]:
            raise EmptySweep(f"none of {extent.cycles} cycles could be compared")

    # Stripe's list

    def _list(self, earliest: datetime) -> None:
        self._from, self._until = earliest - EARLY, self._parts.now() + CLOCKS_DIFFER_MAX
        for page in self._parts.gateway.listed(self._from, self._until):
            self._counts["listed"] += len(page)
            self._sightings.keep([each for each in page if each.marks.cycle])
            self._say()

    def _names(self, extent: Extent) -> Iterator[str]:
        asked, after = self._report.asked, ""
        while page := self._parts.cycles.names(asked, extent, after, PAGE):
            yield from page
            after = page[-1]

    # One cycle

    def _look(self, cycle: str, *, last: bool) -> bool:
        """Compare one cycle; whether that is settled. Its trouble keeps no other from it."""
        try:
            found = self._compared(cycle)
            self._counts["done"] += 1
        except (StoreUnavailable, EmptySweep):
            raise
        except CyclebookError as error:
            if isinstance(error, Unavailable) and not last:
                return False
            found = [_unreadable(cycle, f"{error.code}: {error}")]
        except (LookupError, ValueError, TypeError, ArithmeticError) as error:
            # Events that cannot be folded: of this cycle alone.
            found = [_unreadable(cycle, f"{type(error).__name__}: {error}")]
        self._found += found
        self._say()
        return True

    def _compared(self, cycle: str) -> list[Finding]:
        booked = self._parts.booked.of(cycle)
        listed = self._listed(booked)
        found = self._judged(booked, listed)
        if not found:
            return found
        booked, found = self._again(cycle, listed)
        if any(each.kind not in OUR_SIDE for each in found):
            found += self._kept_with(cycle)
        return self._mended(booked, listed, found) if self._report.asked.repair else found

    def _kept_with(self, cycle: str) -> list[Finding]:
        """Keep with the cycle what differs, for support; a finding where that cannot be."""
        try:
            self._parts.audit(cycle, self._actor)
        except Unavailable:
            raise
        except CyclebookError as error:
            return [_unreadable(cycle, f"not kept with the cycle: {error.code}: {error}")]
        return []

    def _judged(self, booked: Booked, listed: Sequence[RemoteInvoice]) -> list[Finding]:
        projected = self._parts.cycles.projected(booked.cycle.id)
        return [
            *books_findings(booked),
            *projection_findings(booked, projected),
            *stripe_findings(booked, projected, listed, self._parts.now()),
        ]

    def _again(self, cycle: str, listed: Sequence[RemoteInvoice]) -> tuple[Booked, list[Finding]]:
        """The same, with both sides read afresh: what is gone by then was only in between."""
        booked = self._parts.booked.of(cycle)
        ids = {each.id for each in listed} | ({booked.live} if booked.live else set())
        fresh = [seen for each in sorted(ids) if (seen := self._parts.gateway.glance(each))]
        return booked, self._judged(booked, self._completed(booked, fresh))

    def _mended(
        self, booked: Booked, listed: Sequence[RemoteInvoice], found: Iterable[Finding]
    ) -> list[Finding]:
        tried = [self._parts.repairs.carry_out(each, booked, self._actor) for each in found]
        if all(each.repair is None for each in tried):
            return tried
        _, left = self._again(booked.cycle.id, listed)
        still = {(each.kind, each.invoice) for each in left}
        return [_outcome(each, still) for each in tried]

    def _listed(self, booked: Booked) -> list[RemoteInvoice]:
        """What Stripe lists for a cycle; what our record knows and the list lacks is asked for."""
        live = booked.live
        listed = list(self._sightings.of(booked.cycle.id, live))
        if self._read_since(booked.record):
            # Synced meanwhile: what we read then is newer than the list.
            recorded = as_recorded(booked.record, booked.invoice.revision)
            others = [each for each in listed if each.id != live]
            return [recorded, *others] if recorded else others
        if live is not None and all(each.id != live for each in listed):
            if not self._sightings.count():
                raise EmptySweep(
                    f"Stripe lists no invoice of ours, and {booked.cycle.id} should have {live}: "
                    "is the key another account's, or another mode's?"
                )
            if seen := self._parts.gateway.glance(live):
                self._note_unlisted(booked, seen)
                listed.append(seen)
        return self._completed(booked, listed)

    def _read_since(self, record: StripeInvoice) -> bool:
        """Whether the invoice was read completely, and proved, since we began to list."""
        return record.settled and record.proof is not None and record.proof.read_at > self._began

    def _note_unlisted(self, booked: Booked, seen: RemoteInvoice) -> None:
        """Stripe has it, and has had it while we listed: then the list was not the whole."""
        since, margin = booked.known_since, CLOCKS_DIFFER_MAX
        within = since is not None and self._from + margin < since < self._until - 2 * margin
        if seen.marks.cycle and within:
            self._unlisted.append(seen.id)

    def _completed(self, booked: Booked, listed: Sequence[RemoteInvoice]) -> list[RemoteInvoice]:
        """The same, with all lines of the cycle's own invoice where those in sight do not do."""
        main, others = chosen(booked, listed)
        if main is None:
            return list(others)
        hidden = self._report.asked.every_line and main.is_draft
        if hidden or not in_sight(booked, main):
            main = self._parts.gateway.complete(main)
        return [main, *others]

    def _say(self, *, at_once: bool = False) -> None:
        """Tell how far it is, and keep what was found, every few seconds."""
        now = self._parts.now()
        self._on_progress(self._counts["done"], self._counts["expected"])
        if at_once or len(self._found) >= PAGE or now - self._said_at >= SAY_EVERY:
            self._parts.reports.progress(self._report, self._counts, self._found, now + LEASE)
            self._found.clear()
            self._said_at = now


def _outcome(finding: Finding, still: set[tuple[Kind, str | None]]) -> Finding:
    if finding.repair is None or finding.repair.startswith(NOT_MENDED):
        return finding
    if (finding.kind, finding.invoice) in still:
        return replace(finding, repair=f"{NOT_MENDED}: {finding.repair}, and it still differs")
    return replace(finding, repaired=True)


def _unreadable(cycle: str, why: str) -> Finding:
    return Finding(
        kind=Kind.UNREADABLE,
        severity=Severity.ERROR,
        cycle=cycle,
        organization=cycle.rpartition(".")[0],
        currency="",
        detail=why,
    )


def _ended_early(unlisted: Sequence[str]) -> str:
    more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
    return f"Stripe's list ended early: it lacks {unlisted[0]}{more}, which Stripe has"
