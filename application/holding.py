"""Holding and approving: a person makes an invoice wait, lets it go on, consents to it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from application.changing import Effect, Runner, append
from application.cycles import every_cycle
from application.desired import organization_of
from application.live import rate_in_turn
from application.ports import CatalogReader, OpenBooks
from domain.billing_cycle import BillingCycle
from domain.errors import NotFound
from domain.events.cycle import CycleEvent, CycleHeld
from domain.invoice import Invoice
from domain.text import DESCRIPTION_MAX, written

Answer = TypeVar("Answer")


class Holding(Generic[Answer]):
    """Sets and ends holds by hand, and gives approvals. The same twice does nothing."""

    def __init__(self, run: Runner[Answer], catalog: CatalogReader) -> None:
        self._run = run
        self._catalog = catalog

    def hold(
        self,
        cycle: str,
        reason: str,
        *,
        actor: str,
        at: datetime,
        owner: str = "",
        review_at: datetime | None = None,
    ) -> Answer:
        """Make finalization wait for a person.

        owner: who looks into it. review_at: when somebody should have.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: it is too late to hold, or it is held for another reason.
        """
        held = CycleHeld(
            at=at, kind="person", reason=_reason(reason), owner=owner, review_at=review_at
        )
        return self._decide(cycle, actor, lambda known: known.hold(held))

    def release(self, cycle: str, reason: str, *, actor: str, at: datetime) -> Answer:
        """End a hold.

        Raises:
            NotFound: there is no such cycle.
        """
        why = _reason(reason)
        return self._decide(cycle, actor, lambda known: known.release(why, at))

    def approve(self, cycle: str, reason: str, *, actor: str, at: datetime) -> Answer:
        """Consent to the cycle's invoice as it is now; another one needs another consent.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: it still accrues, or is settled.
        """
        why = _reason(reason)

        def change(books: OpenBooks) -> Effect:
            known = _asked(books, cycle)
            return append(books, known, known.approve(self._invoice(books, cycle), why, at))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def _invoice(self, books: OpenBooks, cycle: str) -> Invoice:
        states = [books.state(each) for each in every_cycle(books)]
        catalog = self._catalog.current()
        turns = rate_in_turn(books.organization, states, books.used_credits(), catalog)
        return next(each.rated.invoice for each in turns if each.state.cycle.id == cycle)

    def _decide(
        self, cycle: str, actor: str, decision: Callable[[BillingCycle], Sequence[CycleEvent]]
    ) -> Answer:
        def change(books: OpenBooks) -> Effect:
            known = _asked(books, cycle)
            return append(books, known, decision(known))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)


def _asked(books: OpenBooks, cycle: str) -> BillingCycle:
    if books.asked is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return books.asked


def _reason(text: str) -> str:
    return written(text, "reason", DESCRIPTION_MAX)
