"""Holding: a person makes a cycle's invoice wait, and lets it go on."""

from collections.abc import Callable, Sequence
from datetime import datetime

from application.desired import organization_of
from application.ports import Books
from application.views import Receipt
from domain.billing_cycle import BillingCycle
from domain.errors import NotFound, RuleViolation
from domain.events.cycle import CycleEvent, CycleHeld
from domain.text import DESCRIPTION_MAX, written


class Holding:
    """Sets and ends holds by hand. The same twice does nothing."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def hold(self, cycle: str, reason: str, *, actor: str, at: datetime) -> Receipt:
        """Make finalization wait for a person.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: it is too late to hold, or it is held for another reason.
        """
        reason = written(reason, "reason", DESCRIPTION_MAX)
        held = CycleHeld(at=at, kind="person", reason=reason)
        return self._decide(cycle, lambda known: known.hold(held), actor)

    def release(self, cycle: str, reason: str, *, actor: str, at: datetime) -> Receipt:
        """End a hold.

        Raises:
            NotFound: there is no such cycle.
        """
        reason = written(reason, "reason", DESCRIPTION_MAX)
        return self._decide(cycle, lambda known: known.release(reason, at), actor)

    def _decide(
        self, cycle: str, decision: Callable[[BillingCycle], Sequence[CycleEvent]], actor: str
    ) -> Receipt:
        organization = organization_of(cycle)
        with self._books.change(organization, actor=actor) as books:
            known = next((each for each in books.cycles if each.id == cycle), None)
            if known is None:
                raise self._unknown(organization, cycle)
            events = decision(known)
            if events:
                books.append(known, events)
        return Receipt(
            cycle=cycle,
            position=books.position(),
            effect="recorded" if events else "nothing",
        )

    def _unknown(self, organization: str, cycle: str) -> NotFound | RuleViolation:
        if cycle in self._books.cycle_names(organization):
            return RuleViolation(f"{cycle} is issued already", code="too_late", cycle=cycle)
        return NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
