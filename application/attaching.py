"""Attaching: services come, go, and change; each change at its own instant, past ones too."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from application.changing import Effect, Runner
from application.cycles import carry, cycle_at, every_cycle
from application.given_amounts import reason_if_any
from application.ports import CatalogReader, OpenBooks
from domain.attribution import check_scopes
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog, Service
from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import AttachmentEvent
from domain.price import Price
from domain.pricing.fields import identifier
from domain.quantity import fits

Answer = TypeVar("Answer")
Decision = Callable[[BillingCycle], Sequence[AttachmentEvent]]


class Attaching(Generic[Answer]):
    """Changes what an organization has. Every command may be repeated: it counts once.

    A change is dated by ``at`` and goes into the cycle that holds it, also where that cycle's
    usage is cut off; what it means for the cycles after that one is recorded in the same
    transaction. Why it is done may be said; it stands in the change's events.

    run: carries it out, or shows what it would do. now: the clock, aware UTC.
    """

    def __init__(
        self, run: Runner[Answer], catalog: CatalogReader, now: Callable[[], datetime]
    ) -> None:
        self._run = run
        self._catalog = catalog
        self._now = now

    def attach(  # noqa: PLR0913
        self,
        organization: str,
        attachment: str,
        service: str,
        quantity: Decimal,
        *,
        at: datetime,
        actor: str,
        trial_until: datetime | None = None,
        reason: str = "",
    ) -> Answer:
        """Attach a service at the price versions in force at ``at``.

        trial_until: no recurring fee is owed before then.

        Raises:
            NotFound: no such organization, or a price not in force then.
            InvalidInput: there is no such service, or a field cannot be used.
            RuleViolation: it is attached already, no price is in the organization's currency, a
                meter would be rated twice, or the cycle of ``at`` takes no changes any more.
        """
        identifier(attachment, "attachment")
        _check_quantity(quantity)
        why = reason_if_any(reason)
        catalog = self._catalog.current()
        known, prices = _offered(catalog, service, organization, at)
        named = (known.id, known.name)

        def change(books: OpenBooks) -> Effect:
            def decide(cycle: BillingCycle) -> Sequence[AttachmentEvent]:
                return cycle.attach(attachment, named, quantity, prices, catalog.book, at)

            effect = self._decide(books, at, decide, why)
            if effect.recorded:
                _check_carried(books, effect, attachment, prices, catalog)
            if trial_until is None:
                return effect
            trial = self._decide(
                books, at, lambda cycle: cycle.start_trial(attachment, trial_until, at), why
            )
            return Effect(cycle=effect.cycle, recorded=effect.recorded or trial.recorded)

        return self._run(organization, change, actor=actor, since=at)

    def detach(
        self, organization: str, attachment: str, *, at: datetime, actor: str, reason: str = ""
    ) -> Answer:
        """Stop an attachment at an instant.

        Raises:
            NotFound: no such organization or attachment.
            RuleViolation: it was not attached then, or the cycle takes no changes any more.
        """
        return self._change(
            organization, at, actor, lambda cycle: cycle.detach(attachment, at), reason
        )

    def change_quantity(
        self,
        organization: str,
        attachment: str,
        quantity: Decimal,
        *,
        at: datetime,
        actor: str,
        reason: str = "",
    ) -> Answer:
        """Count an attachment for another quantity from an instant on.

        Raises:
            NotFound: no such organization or attachment.
            InvalidInput: the quantity cannot be used.
            RuleViolation: it is not attached then, or the cycle takes no changes any more.
        """
        _check_quantity(quantity)
        return self._change(
            organization,
            at,
            actor,
            lambda cycle: cycle.change_quantity(attachment, quantity, at),
            reason,
        )

    def swap(  # noqa: PLR0913
        self,
        organization: str,
        attachment: str,
        service: str,
        quantity: Decimal | None = None,
        *,
        at: datetime,
        actor: str,
        reason: str = "",
    ) -> Answer:
        """Make an attachment another service at once, or the same at the newest prices.

        quantity: ``None`` keeps the one it has.

        Raises:
            NotFound: no such organization or attachment, or a price not in force then.
            InvalidInput: there is no such service, or the quantity cannot be used.
            RuleViolation: it is not attached then, no price is in the organization's currency, a
                meter would be rated twice, or the cycle of ``at`` takes no changes any more.
        """
        if quantity is not None:
            _check_quantity(quantity)
        catalog = self._catalog.current()
        known, prices = _offered(catalog, service, organization, at)
        named = (known.id, known.name)
        return self._change(
            organization,
            at,
            actor,
            lambda cycle: cycle.swap(attachment, named, quantity, prices, catalog.book, at),
            reason,
        )

    def end_trial(
        self, organization: str, attachment: str, *, at: datetime, actor: str, reason: str = ""
    ) -> Answer:
        """End a trial before its time; recurring fees are owed from then on.

        Raises:
            NotFound: no such organization or attachment.
            RuleViolation: it is not attached then, or the cycle takes no changes any more.
        """
        return self._change(
            organization, at, actor, lambda cycle: cycle.end_trial(attachment, at), reason
        )

    def _change(
        self, organization: str, at: datetime, actor: str, decision: Decision, reason: str
    ) -> Answer:
        why = reason_if_any(reason)
        return self._run(
            organization,
            lambda books: self._decide(books, at, decision, why),
            actor=actor,
            since=at,
        )

    def _decide(self, books: OpenBooks, at: datetime, decision: Decision, why: str) -> Effect:
        """Append what a decision on the cycle of an instant says, and what follows from it."""
        cycle = cycle_at(books, at, self._now())
        if events := decision(cycle.as_known()):
            books.append(cycle, [replace(event, reason=why) for event in events])
            carry(books, cycle)
        return Effect(cycle=cycle.id, recorded=bool(events))


def _offered(
    catalog: Catalog, service: str, organization: str, at: datetime
) -> tuple[Service, list[Price]]:
    """A service, and its price versions in force for an organization."""
    known = catalog.services.get(service)
    if known is None:
        raise InvalidInput(f"there is no service {service}", field="service")
    return known, catalog.versions_at(known.prices, at, organization)


def _check_carried(
    books: OpenBooks,
    effect: Effect,
    attachment: str,
    prices: Sequence[Price],
    catalog: Catalog,
) -> None:
    """Refuse what the cycles after this one, open already, contradict."""
    cycles = every_cycle(books)
    place = next(n for n, each in enumerate(cycles) if each.id == effect.cycle)
    for cycle in cycles[place + 1 :]:
        runs = cycle.as_known().attachments
        mine = runs[attachment].runs if attachment in runs else []
        if any(run.until != cycle.period.start and not run.carried for run in mine):
            raise RuleViolation(
                f"{attachment} is already attached in {cycle.id}",
                code="already_attached",
                attachment=attachment,
            )
        others = [each for each in runs.values() if each.id != attachment]
        check_scopes(others, prices, cycle.period.start, catalog.book)


def _check_quantity(quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity < 0 or not fits(quantity):
        raise InvalidInput(
            "quantity must be zero or more, with at most 18 digits before the point and 12 after",
            field="quantity",
        )
