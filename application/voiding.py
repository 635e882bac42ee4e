"""Voiding: an issued invoice is taken back, to be issued anew or to be forgiven."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from application.changing import Effect, Runner, append
from application.cycles import every_cycle
from application.desired import organization_of
from application.handed_over import pass_on, take_off_ahead
from application.live import locked_in_turn
from application.ports import Books, CatalogReader, OpenBooks
from application.views import Receipt
from domain.billing_cycle import BillingCycle, Status
from domain.errors import NotFound
from domain.events.outcome import InvoiceMarkedUncollectible
from domain.events.usage import EPOCH
from domain.text import written

REASON_MAX = 400


class TakesBack(Protocol):
    """Stripe's part; the reconciler does it. Every call is safe to repeat."""

    def void(self, cycle: str, actor: str) -> object:
        """Void the cycle's finalized invoice."""
        ...

    def mark_uncollectible(self, cycle: str, actor: str) -> object:
        """Give up on the cycle's open invoice."""
        ...


class Voiding:
    """Takes issued invoices back. The same twice does nothing.

    Stripe is asked first: what it refuses is not recorded, and a crash in between is mended by
    saying the same again, or by the webhook.
    """

    def __init__(
        self,
        books: Books,
        run: Runner[Receipt],
        catalog: CatalogReader,
        stripe: TakesBack,
        now: Callable[[], datetime],
    ) -> None:
        self._books = books
        self._run = run
        self._catalog = catalog
        self._stripe = stripe
        self._now = now

    def void(self, cycle: str, mode: str, reason: str, *, actor: str) -> Receipt:
        """Take an issued invoice back.

        mode: ``reissue`` rates it anew, as the next revision, from everything known, and gives
        back what it consumed; ``forgive`` writes its usage off.

        Raises:
            NotFound: there is no such cycle.
            InvalidInput: there is no such mode.
            RuleViolation: it was not issued, or is paid, or is to be forgiven although all of it
                was carried to the next invoice.
            GatewayError, GatewayRejected: Stripe did not void it; nothing is recorded.
        """
        why = written(reason, "reason", REASON_MAX)
        known = self._voidable(cycle)
        if known.void(why, mode, 0, self._now()) and _at_stripe(known):
            self._stripe.void(cycle, actor)

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            events = asked.void(why, mode, books.version(asked), self._now())
            if events and mode == "forgive":
                pass_on(books, locked_in_turn(books, self._catalog.current()))
            if events:
                _give_back(books, asked, self._now())
            effect = append(books, asked, events)
            if mode == "reissue":
                append(books, asked, asked.measure_late_anew(self._now()) if events else ())
            if events and mode == "forgive" and asked.settled:
                # Nothing comes back of fees billed ahead on an invoice nobody has to pay.
                take_off_ahead(books, asked, asked.settled.lines)
            return effect

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle, since=EPOCH)

    def require_voidable(self, cycle: str, mode: str, reason: str) -> None:
        """Refuse what ``void`` would refuse by the books alone; changes nothing.

        Raises:
            NotFound, InvalidInput, RuleViolation: as ``void``.
        """
        self._voidable(cycle).void(written(reason, "reason", REASON_MAX), mode, 0, self._now())

    def mark_uncollectible(self, cycle: str, reason: str, *, actor: str) -> Receipt:
        """Give up on an issued invoice; it can still be paid.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: it was not issued.
            GatewayError, GatewayRejected: Stripe did not do it; nothing is recorded.
        """
        why = written(reason, "reason", REASON_MAX)
        given_up = InvoiceMarkedUncollectible(at=self._now(), reason=why)
        known = self._cycle(cycle)
        if known.record_outcome(given_up) and _at_stripe(known):
            self._stripe.mark_uncollectible(cycle, actor)

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            return append(books, asked, asked.record_outcome(given_up))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def _voidable(self, cycle: str) -> BillingCycle:
        """The cycle, where all is here that its invoice billed late: that would be open again."""
        known = self._cycle(cycle)
        gone = self._books.detached(known.organization)
        for each in known.late_amounts:
            gone.require_here(each)
        return known

    def _cycle(self, cycle: str) -> BillingCycle:
        asked = self._books.snapshot(organization_of(cycle), cycle).asked
        if asked is None:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        return asked.cycle


def _at_stripe(cycle: BillingCycle) -> bool:
    issued = cycle.issued is not None and cycle.issued.stripe_invoice is not None
    return issued and cycle.status is not Status.VOID


def _asked(books: OpenBooks, cycle: str) -> BillingCycle:
    if books.asked is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return books.asked


def _give_back(books: OpenBooks, voided: BillingCycle, now: datetime) -> None:
    """What this invoice billed late of other cycles is open again."""
    for other in every_cycle(books):
        if events := other.reopen_late(voided.id, now):
            books.append(other, events)
