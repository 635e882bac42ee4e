"""Closing: drives each cycle through its life by our own clock, as far as it goes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from application.cycles import open_next
from application.desired import organization_of
from application.gateway import StripeStream
from application.live import credits_used, rate_in_turn
from application.ports import Books, CatalogReader, CycleState, OpenBooks
from domain.billing_cycle import BillingCycle, Status
from domain.errors import Busy, CyclebookError, StoreUnavailable
from domain.events.cycle import (
    CreditApplied,
    FinalizationStarted,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
)
from domain.invoice import Invoice
from domain.organization import Organization
from domain.stripe_invoice import StripeInvoice

ATTEMPTS_MAX = 5
DUE_AT_ONCE_MAX = 1_000
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
        self, books: Books, catalog: CatalogReader, finalizer: Finalizer, stripe: StripeStream
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
            StoreUnavailable: what is not done yet is still due.
        """
        done = Advance()
        with self._books.change(organization, actor=actor) as books:
            _close_periods(books, now, done)
        self._settle(organization, now, actor, done)
        for state in self._books.snapshot(organization).cycles:
            if state.cycle.status is Status.FINALIZING:
                self._issue(state.cycle.id, now, actor, done)
        return done

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

    def _settle(self, organization: str, now: datetime, actor: str, done: Advance) -> None:
        """Fix the books of closed cycles, oldest first: that decides who used which credit.

        Raises:
            Busy: somebody else kept changing these cycles.
        """
        for _ in range(ATTEMPTS_MAX):
            snapshot = self._books.snapshot(organization)
            if not any(_to_settle(state.cycle) for state in snapshot.cycles):
                done.waiting += [_held(each.cycle) for each in snapshot.cycles if _is_held(each)]
                return
            with self._books.change(organization, actor=actor) as books:
                # What credits were used is known only with what was settled when it was read.
                if _places(books.cycles) == _places(each.cycle for each in snapshot.cycles):
                    self._settle_all(books, snapshot.applied, now, done)
        raise Busy(f"somebody else is closing {organization}")

    def _settle_all(
        self, books: OpenBooks, applied: Mapping[str, int], now: datetime, done: Advance
    ) -> None:
        last = max(number for number, each in enumerate(books.cycles) if _to_settle(each))
        states = [_state(books, cycle) for cycle in books.cycles[: last + 1]]
        catalog = self._catalog.current()
        for state, _, rated in list(rate_in_turn(books.organization, states, applied, catalog)):
            if _to_settle(state.cycle):
                used = _credits_applied(books.organization, rated.invoice, now)
                events = state.cycle.start_finalization(rated.invoice, used, state.version, now)
                _append(books, state.cycle, events, done.settled)

    def _issue(self, cycle: str, now: datetime, actor: str, done: Advance) -> None:
        """Issue a settled cycle at Stripe; record the answer, and what became of it already."""
        try:
            self._finalizer.finalize(cycle, actor)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            done.waiting.append(Waiting(cycle=cycle, code=refusal.code, reason=str(refusal)))
            return
        answer, _ = self._stripe.load(cycle)
        with self._books.change(organization_of(cycle), actor=actor) as books:
            found = next((each for each in books.cycles if each.id == cycle), None)
            if found is not None and found.settled is not None:
                issued = _issued(found.settled, answer, now)
                _append(books, found, found.finalize(issued), done.issued)
                # Paid while it was issued: the webhook that said so may have come too early.
                if outcome := _outcome(answer, now):
                    books.append(found, found.record_outcome(outcome))


def _close_periods(books: OpenBooks, now: datetime, done: Advance) -> None:
    """End periods that are over, open what follows, and cut usage off after grace."""
    for _ in range(CYCLES_AT_ONCE_MAX):
        newest = books.cycles[-1]
        if newest.period.end > now:
            break
        open_next(books)
        done.closing.append(newest.id)
    grace = timedelta(seconds=int(str(books.organization.policy("grace_s"))))
    for cycle in books.cycles:
        if cycle.status is Status.CLOSING and cycle.period.end + grace <= now:
            _append(books, cycle, cycle.close(now), done.closed)


def _append(
    books: OpenBooks, cycle: BillingCycle, events: Sequence[object], noted: list[str]
) -> None:
    if events:
        books.append(cycle, events)
        noted.append(cycle.id)


def _to_settle(cycle: BillingCycle) -> bool:
    return cycle.status is Status.CLOSED and cycle.held is None


def _is_held(state: CycleState) -> bool:
    return state.cycle.status is Status.CLOSED and state.cycle.held is not None


def _held(cycle: BillingCycle) -> Waiting:
    reason = cycle.held.reason if cycle.held else ""
    return Waiting(cycle=cycle.id, code="cycle_held", reason=reason)


def _places(cycles: Iterable[BillingCycle]) -> list[tuple[str, Status]]:
    return [(cycle.id, cycle.status) for cycle in cycles]


def _state(books: OpenBooks, cycle: BillingCycle) -> CycleState:
    return CycleState(cycle=cycle, tallies=books.tallies(cycle), version=books.version(cycle))


def _credits_applied(
    organization: Organization, invoice: Invoice, at: datetime
) -> list[CreditApplied]:
    return [
        CreditApplied(
            at=at, credit=credit, amount=amount, reason=organization.credits[credit].reason
        )
        for credit, amount in credits_used(invoice).items()
    ]


def _issued(settled: FinalizationStarted, stripe: StripeInvoice, at: datetime) -> InvoiceFinalized:
    """What was issued: Stripe's facts, or our own total where nothing is at Stripe."""
    facts = stripe.finalized
    if facts is None or facts.invoice != stripe.invoice:
        return InvoiceFinalized(at=at, total=settled.subtotal)
    return InvoiceFinalized(
        at=facts.finalized_at or at,
        total=facts.total,
        number=facts.number,
        stripe_invoice=facts.invoice,
        tax=facts.tax,
        due_at=facts.due_at,
        hosted_url=facts.hosted_url,
        pdf_url=facts.pdf_url,
    )


def _outcome(
    stripe: StripeInvoice, at: datetime
) -> InvoicePaid | InvoiceVoided | InvoiceMarkedUncollectible | None:
    """What became of the issued invoice, as our record of Stripe has it."""
    if stripe.finalized is None or stripe.finalized.invoice != stripe.invoice:
        return None
    match stripe.status:
        case "paid":
            return InvoicePaid(at=at, amount=stripe.finalized.amount_due)
        case "void":
            return InvoiceVoided(at=at, reason="voided at Stripe")
        case "uncollectible":
            return InvoiceMarkedUncollectible(at=at)
        case _:
            return None
