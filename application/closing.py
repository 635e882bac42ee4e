"""Closing: drives each cycle through its life by our own clock, as far as it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, cast

from application.cycles import open_next
from application.gateway import StripeStream
from application.live import credits_used, rate_in_turn
from application.ports import Books, CatalogReader, CycleState, OpenBooks
from domain.billing_cycle import BillingCycle, Status
from domain.errors import CyclebookError
from domain.events.cycle import CreditApplied, InvoiceFinalized
from domain.organization import Organization
from domain.stripe_invoice import StripeInvoice

CYCLES_AT_ONCE_MAX = 240
"""How many cycles one run may open for an organization that was left alone for long."""


class Finalizer(Protocol):
    """Issues a settled invoice at Stripe; the reconciler does."""

    def finalize(self, cycle: str, actor: str) -> object:
        """Sync, prove and finalize. Safe to repeat; raises where it cannot be done."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A cycle that goes no further by itself for now, and why."""

    cycle: str
    code: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Advance:
    """What a run did, cycle by cycle, and what waits."""

    closing: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


class Closing:
    """Closes periods, cuts usage off, settles invoices and has them issued.

    Every step looks afresh under the lock and does nothing twice, so runs may overlap, die in
    between and be repeated.
    """

    def __init__(
        self,
        books: Books,
        catalog: CatalogReader,
        finalizer: Finalizer,
        stripe: StripeStream,
    ) -> None:
        self._books = books
        self._catalog = catalog
        self._finalizer = finalizer
        self._stripe = stripe

    def advance(self, organization: str, now: datetime, actor: str) -> Advance:
        """Take every cycle of an organization as far as it goes by ``now``.

        A cycle that cannot be issued now does not keep the others from it: it is ``waiting``.

        Raises:
            NotFound: there is no such organization.
        """
        done = Advance()
        self._close_periods(organization, now, actor, done)
        self._settle(organization, now, actor, done)
        for cycle in self._books.cycle_names(organization, unissued=True):
            self._issue(organization, cycle, now, actor, done)
        return done

    def advance_due(self, now: datetime, actor: str, limit: int = 100) -> dict[str, Advance]:
        """The same for organizations with something to do, those waiting longest first."""
        due = self._books.due(now, limit)
        return {organization: self.advance(organization, now, actor) for organization in due}

    def issue(self, cycle: str, organization: str, now: datetime, actor: str) -> Advance:
        """Have one settled cycle issued; what keeps it from that is ``waiting``."""
        done = Advance()
        self._issue(organization, cycle, now, actor, done)
        return done

    def _close_periods(
        self, organization: str, now: datetime, actor: str, done: Advance
    ) -> None:
        """End periods that are over, open what follows, and cut usage off after grace."""
        with self._books.change(organization, actor=actor) as books:
            for _ in range(CYCLES_AT_ONCE_MAX):
                if books.cycles[-1].period.end > now:
                    break
                open_next(books)
            grace = _grace(books.organization)
            # The newest one goes on accruing: what follows it is not open yet.
            for cycle in books.cycles[:-1]:
                _append(books, cycle, _due_closing(cycle, now), done.closing)
                _append(books, cycle, _due_close(cycle, grace, now), done.closed)

    def _settle(self, organization: str, now: datetime, actor: str, done: Advance) -> None:
        """Fix the books of closed cycles, oldest first: that decides who used which credit."""
        with self._books.change(organization, actor=actor) as books:
            if not any(_to_settle(cycle) for cycle in books.cycles):
                return
            applied = self._books.snapshot(organization).applied
            states = (_state(books, cycle) for cycle in books.cycles)
            for state, _, rated in rate_in_turn(
                books.organization, states, applied, self._catalog.current()
            ):
                cycle = state.cycle
                if not _to_settle(cycle):
                    continue
                used = [
                    CreditApplied(
                        at=now,
                        credit=credit,
                        amount=amount,
                        reason=books.organization.credits[credit].reason,
                    )
                    for credit, amount in credits_used(rated.invoice).items()
                ]
                events = cycle.start_finalization(rated.invoice, used, state.version, now)
                _append(books, cycle, lambda events=events: events, done.settled)
            done.waiting += [_held(cycle) for cycle in books.cycles if _is_held(cycle)]

    def _issue(
        self, organization: str, cycle: str, now: datetime, actor: str, done: Advance
    ) -> None:
        """Issue a settled cycle at Stripe and record the answer."""
        if not self._finalizing(organization, cycle):
            return
        try:
            self._finalizer.finalize(cycle, actor)
        except CyclebookError as refusal:
            done.waiting.append(Waiting(cycle=cycle, code=refusal.code, reason=str(refusal)))
            return
        with self._books.change(organization, actor=actor) as books:
            found = next((each for each in books.cycles if each.id == cycle), None)
            if found is None or found.settled is None:
                return
            issued = _issued(found.settled.subtotal, self._stripe.load(cycle)[0], now)
            _append(books, found, lambda: found.finalize(issued), done.issued)

    def _finalizing(self, organization: str, cycle: str) -> bool:
        states = self._books.snapshot(organization).cycles
        return any(
            each.cycle.id == cycle and each.cycle.status is Status.FINALIZING for each in states
        )
