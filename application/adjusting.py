"""Adjusting: items, credits and discounts, and what people decide about an invoice's lines."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from application.changing import Effect, Runner, append
from application.cycles import carry, every_cycle, open_until
from application.desired import organization_of
from application.given_amounts import (
    AMOUNT_MAX,
    NewCredit,
    NewDiscount,
    NewItem,
    bad_amount,
    check_amount,
    discount_from,
    reason_of,
)
from application.live import InTurn, rate_in_turn
from application.ports import CatalogReader, OpenBooks
from application.so_far import adjustable, so_far
from domain.billing_cycle import BillingCycle
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.amounts import OneOffItemAdded
from domain.events.cycle import CycleEvent
from domain.events.organization import CreditGranted
from domain.invoice import LineItem
from domain.money import step
from domain.pricing.fields import identifier
from domain.text import DESCRIPTION_MAX, written

__all__ = ["Adjusting", "NewCredit", "NewDiscount", "NewItem"]

Answer = TypeVar("Answer")


class Adjusting(Generic[Answer]):
    """What people add to invoices, take off and set. Every command may be repeated.

    run: carries it out, or shows what it would do. now: the clock, aware UTC.
    """

    def __init__(
        self, run: Runner[Answer], catalog: CatalogReader, now: Callable[[], datetime]
    ) -> None:
        self._run = run
        self._catalog = catalog
        self._now = now

    def add_item(self, organization: str, item: NewItem, *, at: datetime, actor: str) -> Answer:
        """Add a one-off amount to the invoice of the cycle that holds ``at``.

        The same item again does nothing, wherever it stands, on an issued invoice, too.

        Raises:
            NotFound: no such organization.
            InvalidInput: a field cannot be used.
            RuleViolation: another item has this id, or that invoice is settled.
        """
        identifier(item.item, "item")
        check_amount(item.amount, item.currency)
        added = OneOffItemAdded(
            at=at,
            item=item.item,
            description=written(item.description, "description", DESCRIPTION_MAX),
            amount=item.amount,
            reason=reason_of(item.reason),
            tax_code=item.tax_code,
        )

        def change(books: OpenBooks) -> Effect:
            cycle = books.holder_of(item.item) or self._unsettled_at(books, at)
            if cycle.currency != item.currency:
                raise RuleViolation(
                    f"{organization} is billed in {cycle.currency}", code="currency_mismatch"
                )
            return append(books, cycle, cycle.add_item(added))

        return self._run(organization, change, actor=actor)

    def grant_credit(
        self, organization: str, credit: NewCredit, *, at: datetime, actor: str
    ) -> Answer:
        """Grant an amount that coming invoices in its currency use up, oldest expiry first.

        Raises:
            NotFound: no such organization.
            InvalidInput: a field cannot be used.
            RuleViolation: another credit has this id, or it is in a currency that the
                organization is not billed in.
        """
        identifier(credit.credit, "credit")
        check_amount(credit.amount, credit.currency)
        if credit.expires_at is not None and credit.expires_at <= at:
            raise InvalidInput("the credit would have expired already", field="expires_at")
        granted = CreditGranted(
            at=at,
            credit=credit.credit,
            amount=credit.amount,
            currency=credit.currency,
            reason=reason_of(credit.reason),
            expires_at=credit.expires_at,
        )

        def change(books: OpenBooks) -> Effect:
            currencies = {cycle.currency for cycle in books.cycles} | {books.organization.currency}
            if credit.currency not in currencies:
                raise RuleViolation(
                    f"{organization} is billed in {books.organization.currency}",
                    code="currency_mismatch",
                )
            if events := books.organization.grant_credit(granted):
                books.append_organization(events)
            return Effect(cycle=None, recorded=bool(events))

        return self._run(organization, change, actor=actor)

    def grant_discount(
        self, organization: str, discount: NewDiscount, *, at: datetime, actor: str
    ) -> Answer:
        """Take something off the invoice of the cycle that holds ``at``, and coming ones.

        The same discount again does nothing, once that invoice is settled, too, while coming
        ones have it.

        Raises:
            NotFound: no such organization.
            InvalidInput: a field cannot be used.
            RuleViolation: another discount has this id, or that invoice is settled.
        """
        granted = discount_from(discount, at)
        known = self._catalog.current().prices
        if unknown := [price for price in granted.prices if price not in known]:
            raise InvalidInput(f"there is no price {unknown[0]}", field="prices")

        def change(books: OpenBooks) -> Effect:
            if not any(at in cycle.period for cycle in books.cycles):
                for cycle in books.cycles:
                    if granted.discount in cycle.discounts:
                        return append(books, cycle, cycle.grant_discount(granted))
            return self._changed_at(books, at, lambda cycle: cycle.grant_discount(granted))

        return self._run(organization, change, actor=actor)

    def end_discount(
        self, organization: str, discount: str, reason: str, *, at: datetime, actor: str
    ) -> Answer:
        """Take a discount off the invoice of the cycle that holds ``at``, and coming ones.

        Raises:
            NotFound: no such organization.
            RuleViolation: that invoice is settled.
        """
        why = reason_of(reason)
        return self._on_cycle_at(
            organization, at, actor, lambda cycle: cycle.end_discount(discount, why, at)
        )

    def waive(self, cycle: str, line: str, reason: str, *, at: datetime, actor: str) -> Answer:
        """Do not ask for what a line has come to so far; later usage adds on.

        Raises:
            NotFound: no such cycle, or no such line on its invoice.
            RuleViolation: there is nothing to waive, or the invoice is settled.
        """
        why = reason_of(reason)

        def change(books: OpenBooks) -> Effect:
            known, accrued = self._accrued(books, cycle, line, at)
            return append(books, known, known.waive(line, accrued, why, at))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def override(  # noqa: PLR0913
        self,
        cycle: str,
        line: str,
        amount: int,
        reason: str,
        *,
        final: bool,
        at: datetime,
        actor: str,
    ) -> Answer:
        """Set what a line has come to so far, or, ``final``, whatever else becomes known.

        Raises:
            NotFound: no such cycle, or no such line on its invoice.
            InvalidInput: the amount cannot be used.
            RuleViolation: it is final while the cycle accrues, or the invoice is settled.
        """
        why = reason_of(reason)

        def change(books: OpenBooks) -> Effect:
            known, accrued = self._accrued(books, cycle, line, at)
            if not 0 <= amount <= AMOUNT_MAX or amount % step(known.currency):
                raise bad_amount(known.currency, 0)
            return append(books, known, known.override(line, amount, accrued, why, at, final=final))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def _on_cycle_at(
        self,
        organization: str,
        at: datetime,
        actor: str,
        decision: Callable[[BillingCycle], Sequence[CycleEvent]],
    ) -> Answer:
        return self._run(
            organization, lambda books: self._changed_at(books, at, decision), actor=actor
        )

    def _changed_at(
        self,
        books: OpenBooks,
        at: datetime,
        decision: Callable[[BillingCycle], Sequence[CycleEvent]],
    ) -> Effect:
        cycle = self._unsettled_at(books, at)
        effect = append(books, cycle, decision(cycle))
        carry(books, cycle)
        return effect

    def _unsettled_at(self, books: OpenBooks, at: datetime) -> BillingCycle:
        open_until(books, at, self._now())
        for cycle in books.cycles:
            if at in cycle.period:
                return cycle
        raise RuleViolation(
            f"the invoice of that time is issued, or there was none in {books.organization.id}; "
            "date it into the accruing cycle",
            code="cycle_settled",
            field="at",
        )

    def _accrued(
        self, books: OpenBooks, cycle: str, line: str, at: datetime
    ) -> tuple[BillingCycle, int]:
        """A cycle, and what a line of it has come to by ``at``: after discounts, and with what
        was decided on it.

        Raises:
            NotFound: no such cycle, or no such line on its invoice.
            RuleViolation: the line only follows from others.
        """
        turn = self._turn(books, cycle)
        shown = next((each for each in turn.rated.lines if each.key == line), None)
        if shown is None:
            raise NotFound(f"there is no line {line} on {cycle}", line=line)
        _require_adjustable(shown)
        found = so_far(turn, self._catalog.current(), at)
        return turn.state.cycle, next(each.amount for each in found if each.line.key == line)

    def _turn(self, books: OpenBooks, cycle: str) -> InTurn:
        states = [books.state(each) for each in every_cycle(books)]
        catalog = self._catalog.current()
        for turn in rate_in_turn(books.organization, states, books.used_credits(), catalog):
            if turn.state.cycle.id == cycle:
                return turn
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)


def _require_adjustable(line: LineItem) -> None:
    """Refuse to decide about a line that only follows from others, or from other decisions."""
    if not adjustable(line):
        raise RuleViolation(
            f"{line.key} follows from other lines: change those, or what it comes from",
            code="not_adjustable",
            line=line.key,
        )
