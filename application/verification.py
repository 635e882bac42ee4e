"""Verification: everything that must hold in a store, counted a second time and compared."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from application.invoices import Invoices
from application.usage_count import UsageCount
from application.verified_store import StoredCycle, StoredOrganization, VerifiedStore
from application.views import InvoiceView
from domain.errors import CyclebookError, InvalidInput
from domain.events.organization import StripeCustomerLinked
from domain.events.usage import micros
from projections.checks.broken import INVARIANTS, Broken
from projections.checks.judging import (
    invoices_at_stripe,
    issued_differs,
    late_amounts_part,
    lines_differ,
    periods_part,
    proof_differs,
    replay_differs,
    settlement_differs,
)
from projections.checks.payer import payer_of
from projections.checks.reading import Reading, read_cycle
from projections.checks.terms import price_list
from projections.checks.turns import Turns
from projections.remote_invoice import RemoteInvoice, RemoteStatus

TELL_EVERY = 1_000
"""How much is read before progress is told again."""
EVER = datetime(9000, 1, 1, tzinfo=UTC)
"""Replayed as of then, everything in the log counts, facts dated ahead as well."""
REBUILD = 11
"""Heavy: only where it is asked for."""
UNREADABLE = 10
"""Told whatever was asked for: without its events, nothing of an organization can be checked."""
UNREADABLE_ERRORS = (LookupError, ValueError, TypeError)
"""What an event that was tampered with can lead to."""
WHOLE_STORE = frozenset({10, REBUILD, 12})
IN_PART = frozenset({1, 5})
"""Looked at organization by organization, and by single rows of the whole store as well."""

Progress = Callable[[int, int], None]
"""Told (done, expected), in usage records and billing cycles."""
Seen = Callable[[int], None]
"""Told how many more were read."""

FindAtStripe = Callable[[str, str], Sequence[RemoteInvoice]]
"""Asks Stripe for a customer's invoices of a cycle."""


@dataclass(kw_only=True, slots=True)
class Report:
    """What was looked at, and what does not hold.

    accounts: organization -> how many of its records are priced, unpriced, filtered, retracted
    or written off.
    """

    checked: tuple[int, ...]
    organizations: int = 0
    cycles: int = 0
    records: int = 0
    accounts: dict[str, dict[str, int]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)


class Verification:
    """Checks a live store. What changes meanwhile is looked at again before it is told."""

    def __init__(
        self,
        store: VerifiedStore,
        invoices: Invoices,
        at_stripe: FindAtStripe,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._invoices = invoices
        self._at_stripe = at_stripe
        self._now = now

    def run(
        self,
        organization: str | None = None,
        *,
        only: Collection[int] = (),
        ask_stripe: bool = False,
        on_progress: Progress = lambda done, expected: None,
    ) -> Report:
        """Check all organizations, or one.

        only: numbers of invariants; by default all that need no rebuild.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: there is no such invariant.
        """
        checked = tuple(sorted(only or INVARIANTS.keys() - {REBUILD}))
        if unknown := [each for each in checked if each not in INVARIANTS]:
            raise InvalidInput(
                f"there is no invariant {unknown[0]}; there are 1 to 12", field="only"
            )
        report = Report(checked=checked)
        progress = _Progress(on_progress, self._store.size(organization))
        names = self._store.organizations() if organization is None else [organization]
        for name in [] if WHOLE_STORE.issuperset(checked) else names:
            self._look(name, report, progress.add, ask_stripe=ask_stripe)
            progress.tell()
        for invariant in sorted((IN_PART | WHOLE_STORE).intersection(checked)):
            report.broken += self._whole(invariant, organization)
        report.broken.sort(key=lambda each: each.place)
        return report

    def _whole(self, invariant: int, organization: str | None) -> list[Broken]:
        try:
            return list(self._store.whole(invariant, organization, self._now()))
        except UNREADABLE_ERRORS as error:
            return [_unreadable(invariant, organization or "log", error)]

    def _look(self, organization: str, report: Report, seen: Seen, *, ask_stripe: bool) -> None:
        """Look at one organization, and again where something is found."""
        look = _Look(self, organization, report.checked, ask_stripe, seen)
        if found := look.broken():
            places = {each.place for each in found}
            look = _Look(self, organization, report.checked, ask_stripe)
            found = [each for each in look.broken() if each.place in places]
        report.broken += found
        look.tell(report)


class _Progress:
    """Adds up what was looked at, and tells it."""

    def __init__(self, tell: Progress, expected: int) -> None:
        self._tell = tell
        self._expected = expected
        self._done = self._told = 0

    def add(self, more: int) -> None:
        self._done += more
        if self._done - self._told >= TELL_EVERY:
            self.tell()

    def tell(self) -> None:
        self._told = self._done
        self._tell(self._done, self._expected)


def _unseen(more: int) -> None:
    """A second look at the same is no progress."""


class _Look:
    """One look at one organization. seen: told as usage and cycles are read."""

    def __init__(
        self,
        run: Verification,
        organization: str,
        checked: Collection[int],
        ask_stripe: bool,
        seen: Seen = _unseen,
    ) -> None:
        self._store, self._invoices = run._store, run._invoices
        self._at_stripe = run._at_stripe if ask_stripe else None
        self._organization = organization
        self._checked = checked
        self._seen = seen
        self._cycles = 0
        self._records = 0
        self._accounts: dict[str, int] = {}
        self._at = organization

    def tell(self, report: Report) -> None:
        """Add what was looked at."""
        report.organizations += 1
        report.cycles += self._cycles
        report.records += self._records
        report.accounts[self._organization] = self._accounts

    def broken(self) -> list[Broken]:
        """What does not hold."""
        found: list[Broken] = []
        try:
            with self._store.opened(self._organization) as stored:
                found.extend(self._found(stored))
        except UNREADABLE_ERRORS as error:
            found.append(_unreadable(UNREADABLE, self._at, error))
        asked = {*self._checked, UNREADABLE}
        return [each for each in found if each.invariant in asked]

    def _found(self, stored: StoredOrganization) -> Iterator[Broken]:
        book = price_list(stored.catalog)
        cycles = sorted(stored.cycles, key=lambda each: each.starts)
        readings = [read_cycle(each.control) for each in cycles]
        yield from _heads_differ(cycles, readings)
        told = [each.event for each in stored.history]
        yield from periods_part(readings, told, stored.detached.cycles)
        yield from late_amounts_part(readings)
        payer = payer_of(stored.history, readings, stored.detached.applied)
        turns = Turns(payer, book)
        for place, (cycle, reading) in enumerate(zip(cycles, readings, strict=True)):
            self._at = cycle.cycle
            count = UsageCount(stored, cycle, reading, book, self._seen)
            yield from count.broken()
            self._account(count)
            self._seen(1)
            following = readings[place + 1] if place + 1 < len(readings) else None
            rated = turns.take(count.counted(), following)
            yield from settlement_differs(reading, rated)
            yield from self._views(cycle, reading, rated.lines)
            yield from self._stripe(cycle, stored)

    def _views(
        self, cycle: StoredCycle, reading: Reading, counted: Mapping[str, int]
    ) -> Iterator[Broken]:
        """The invoice as everybody sees it."""
        if not {3, 4, 8, 9}.intersection(self._checked):
            return
        try:
            live = self._invoices.get(cycle.cycle)
            again = self._invoices.get(cycle.cycle, as_of=EVER)
        except CyclebookError as error:
            detail = f"{error.code}: {error}"
            yield Broken(invariant=4, about=cycle.cycle, what="cannot be rated", detail=detail)
            return
        if reading.settled is None:
            yield from lines_differ(cycle.cycle, counted, _lines(live))
        yield from _twice(cycle.cycle, live)
        yield from replay_differs(
            cycle.cycle, (live.digest, _lines(live)), (again.digest, _lines(again))
        )
        yield from issued_differs(reading, live.digest)
        if not cycle.pending:
            stream = [each.event for each in cycle.stripe]
            yield from proof_differs(cycle.cycle, reading.revision, live.digest, stream)

    def _stripe(self, cycle: StoredCycle, stored: StoredOrganization) -> Iterator[Broken]:
        stream = [each.event for each in cycle.stripe]
        yield from invoices_at_stripe(cycle.cycle, stream)
        if self._at_stripe is None or 7 not in self._checked:
            return
        linked = {
            each.event.customer
            for each in stored.history
            if isinstance(each.event, StripeCustomerLinked)
        }
        live = [
            invoice.id
            for customer in sorted(linked)
            for invoice in self._at_stripe(customer, cycle.cycle)
            if invoice.status not in (RemoteStatus.VOID, RemoteStatus.DELETED)
        ]
        if len(live) > 1:
            what, detail = "live invoices, asked at Stripe", ", ".join(live)
            yield Broken(invariant=7, about=cycle.cycle, what=what, detail=detail)

    def _account(self, count: UsageCount) -> None:
        self._cycles += 1
        self._records += count.records
        for what, records in count.accounts().items():
            self._accounts[what] = self._accounts.get(what, 0) + records


def _unreadable(invariant: int, about: str, error: Exception) -> Broken:
    detail = f"{type(error).__name__}: {error}"
    return Broken(invariant=invariant, about=about, what="cannot be read", detail=detail)


def _lines(view: InvoiceView) -> dict[str, int]:
    return {line.key: line.amount for line in view.invoice.lines}


def _twice(cycle: str, view: InvoiceView) -> Iterator[Broken]:
    keys = [line.key for line in view.invoice.lines]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Broken(invariant=3, about=cycle, what=f"line {key} twice")


def _heads_differ(cycles: Sequence[StoredCycle], readings: Sequence[Reading]) -> Iterator[Broken]:
    """6: the rows that place cycles in time, against the events."""
    for cycle, reading in zip(cycles, readings, strict=True):
        if (cycle.starts, cycle.ends) != (micros(reading.span[0]), micros(reading.span[1])):
            detail = f"{reading.span[0]} to {reading.span[1]} by the log"
            yield Broken(invariant=6, about=cycle.cycle, what="its row", detail=detail)
