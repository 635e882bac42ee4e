"""Closing: drives each cycle through its life by our own clock, as far as it goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from application.crediting import Crediting
from application.cycles import open_next
from application.given_amounts import reason_if_any
from application.issuing import Issuing, note_past_due
from application.ports import Books, CatalogReader, OpenBooks
from application.settling import NO_REASONS, Waiting, settle
from application.unusual import Check, no_check
from domain.billing_cycle import BillingCycle, Status
from domain.errors import StoreUnavailable

DUE_AT_ONCE_MAX = 1_000
CYCLES_AT_ONCE_MAX = 240
"""How many cycles one run may open for an organization that was left alone for long."""


@dataclass(kw_only=True, slots=True)
class Advance:
    """What a run did, cycle by cycle, and what waits."""

    closing: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    past_due: list[str] = field(default_factory=list)
    credited: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def did_something(self) -> bool:
        """Whether any cycle went on."""
        steps = (self.closing, self.closed, self.settled, self.issued, self.past_due, self.credited)
        return any(steps)


class Closing:
    """Closes periods, cuts usage off, has invoices settled and issued.

    Every step looks afresh under the lock and does nothing twice, so runs may overlap, die in
    between and be repeated.
    """

    def __init__(
        self,
        books: Books,
        catalog: CatalogReader,
        issuing: Issuing,
        crediting: Crediting,
        check: Check = no_check,
    ) -> None:
        self._books = books
        self._catalog = catalog
        self._issuing = issuing
        self._crediting = crediting
        self._check = check

    def advance(
        self,
        organization: str,
        now: datetime,
        actor: str,
        reasons: Mapping[str, str] = NO_REASONS,
    ) -> Advance:
        """Take every cycle of an organization as far as it goes by ``now``.

        A cycle that cannot be issued now does not keep the others from it: it is ``waiting``.
        reasons: why a person has a cycle issued, by its name.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: a reason is too long.
            StoreUnavailable: what is not done yet is still due.
        """
        done = Advance()
        reasons = {cycle: reason_if_any(reason) for cycle, reason in reasons.items()}
        with self._books.change(organization, actor=actor) as books:
            _close_periods(books, now, done)
            edited = _perhaps_edited(books)
            to_issue, to_credit = ([], False) if edited else self._settle(books, now, done, reasons)
        if edited and self._take_edits(edited, actor, done):
            with self._books.change(organization, actor=actor) as books:
                to_issue, to_credit = self._settle(books, now, done, reasons)
        for cycle in to_issue:
            waiting = self._issuing.issue(cycle, now, actor, reasons.get(cycle, ""))
            done.issued += [] if waiting else [cycle]
            done.waiting += [waiting] if waiting else []
        self._issuing.note_elsewhere(organization, now, actor)
        if to_credit:
            credited = self._crediting.credit_late(organization, now, actor)
            done.credited, done.waiting = credited.done, done.waiting + credited.waiting
        return done

    def _settle(
        self, books: OpenBooks, now: datetime, done: Advance, reasons: Mapping[str, str]
    ) -> tuple[list[str], bool]:
        """Settle what may be; the cycles to issue, and whether there are credit notes to send."""
        settled = settle(books, self._catalog.current(), now, self._check, reasons)
        done.settled, done.waiting = settled.settled, settled.waiting
        done.past_due = note_past_due(books, now)
        to_issue = [each.id for each in books.cycles if each.status is Status.FINALIZING]
        notes = books.organization.policy("late_facts") == "credit_note_or_charge"
        pending = any(each.pending_notes() for each in books.issued)
        return to_issue, bool(books.issued) and (notes or pending)

    def _take_edits(self, cycles: Sequence[str], actor: str, done: Advance) -> bool:
        """Take over what others did to drafts, while the books are open; whether all could be."""
        tried = [self._issuing.take_edits(cycle, actor) for cycle in cycles]
        done.waiting = [each for each in tried if each]
        return not done.waiting

    def advance_due(
        self,
        now: datetime,
        actor: str,
        on_failure: Callable[[str, Exception], None],
        limit: int = DUE_AT_ONCE_MAX,
    ) -> dict[str, Advance]:
        """The same for organizations with something to do, those waiting longest first.

        on_failure: told of an organization whose run broke off; the others go on.
        """
        done: dict[str, Advance] = {}
        for organization in self._books.due(now, limit):
            try:
                done[organization] = self.advance(organization, now, actor)
            except StoreUnavailable:
                raise
            except Exception as error:  # one organization's trouble is not the others'
                on_failure(organization, error)
        return done


def _close_periods(books: OpenBooks, now: datetime, done: Advance) -> None:
    """End periods that are over, open what follows, and cut usage off after grace."""
    for _ in range(CYCLES_AT_ONCE_MAX):
        newest = books.cycles[-1] if books.cycles else None
        if newest is None or newest.period.end > now or newest.status is not Status.ACCRUING:
            break
        open_next(books)
        done.closing.append(newest.id)
    grace = timedelta(seconds=int(str(books.organization.policy("grace_s"))))
    for cycle in books.cycles:
        if cycle.status is Status.CLOSING and cycle.period.end + grace <= now:
            _append(books, cycle, cycle.close(books.version(cycle), now), done.closed)


def _perhaps_edited(books: OpenBooks) -> list[str]:
    """Closed cycles whose drafts may hold what the books are still to take over."""
    closed = [each for each in books.cycles if each.status is Status.CLOSED and not each.held]
    adopts = books.organization.policy("stripe_edits") == "adopt"
    return [each.id for each in closed if adopts or each.draft]  # a subscription's lines may move


def _append(
    books: OpenBooks, cycle: BillingCycle, events: Sequence[object], noted: list[str]
) -> None:
    if events:
        books.append(cycle, events)
        noted.append(cycle.id)
