"""Attaching: services, one-off items and credits enter an organization's books here."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.attachment_view import attachment_views, credit_view
from application.cycles import carry, cycle_at
from application.ports import Books, CatalogReader, OpenBooks
from application.views import AttachmentView, CreditView, Receipt
from domain.attribution import check_scopes
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import CycleEvent, OneOffItemAdded
from domain.events.organization import CreditGranted
from domain.money import step
from domain.price import Price
from domain.pricing.fields import identifier
from domain.quantity import fits
from domain.text import DESCRIPTION_MAX, written

REASON_MAX = 400
AMOUNT_MAX = 99_999_999
"""Stripe's own limit of an amount, in minor units."""

Decision = Callable[[BillingCycle], Sequence[CycleEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """A one-off amount to be added, in minor units, above zero."""

    item: str
    description: str
    amount: int
    currency: str
    reason: str
    tax_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCredit:
    """An amount to be taken off coming invoices, in minor units, above zero."""

    credit: str
    amount: int
    currency: str
    reason: str
    expires_at: datetime | None = None


class Attaching:
    """Changes what an organization has. Every command may be repeated: it counts once.

    A change is dated by ``at`` and goes into the cycle that holds it; what it means for the
    cycles after that one is recorded in the same transaction. now: the clock, aware UTC.
    """

    def __init__(self, books: Books, catalog: CatalogReader, now: Callable[[], datetime]) -> None:
        self._books = books
        self._catalog = catalog
        self._now = now

    def attach(
        self,
        organization: str,
        attachment: str,
        service: str,
        quantity: Decimal,
        *,
        at: datetime,
        actor: str,
    ) -> Receipt:
        """Attach a service at the price versions in force at ``at``.

        Raises:
            NotFound: no such organization, or a price not in force then.
            InvalidInput: there is no such service, or the id or the quantity cannot be used.
            RuleViolation: it is attached already, a price has another currency, a meter
                would be rated twice, or the cycle of ``at`` takes no changes any more.
        """
        identifier(attachment, "attachment")
        _check_quantity(quantity)
        catalog = self._catalog.current()
        known = catalog.services.get(service)
        if known is None:
            raise InvalidInput(f"there is no service {service}", field="service")
        prices = catalog.versions_at(known.prices, at)
        named = (known.id, known.name)
        with self._changing(organization, at, actor) as change:
            change.decide(
                lambda cycle: cycle.attach(attachment, named, quantity, prices, catalog.book, at)
            )
            change.check_carried(attachment, prices, catalog)
        return change.receipt()

    def detach(self, organization: str, attachment: str, *, at: datetime, actor: str) -> Receipt:
        """Stop an attachment at an instant.

        Raises:
            NotFound: no such organization or attachment.
            RuleViolation: it was not attached then, or the cycle takes no changes any more.
        """
        with self._changing(organization, at, actor) as change:
            change.decide(lambda cycle: cycle.detach(attachment, at))
        return change.receipt()

    def change_quantity(
        self, organization: str, attachment: str, quantity: Decimal, *, at: datetime, actor: str
    ) -> Receipt:
        """Count an attachment for another quantity from an instant on.

        Raises:
            NotFound: no such organization or attachment.
            InvalidInput: the quantity cannot be used.
            RuleViolation: it is not attached then, or the cycle takes no changes any more.
        """
        _check_quantity(quantity)
        with self._changing(organization, at, actor) as change:
            change.decide(lambda cycle: cycle.change_quantity(attachment, quantity, at))
        return change.receipt()

    def add_item(self, organization: str, item: NewItem, *, at: datetime, actor: str) -> Receipt:
        """Add a one-off amount to the invoice of the cycle that holds ``at``.

        The same item again does nothing, wherever it stands, on an issued invoice, too.

        Raises:
            NotFound: no such organization.
            InvalidInput: a field cannot be used.
            RuleViolation: another item has this id, or the cycle takes no changes any more.
        """
        identifier(item.item, "item")
        _check_amount(item.amount, item.currency)
        added = OneOffItemAdded(
            at=at,
            item=item.item,
            description=written(item.description, "description", DESCRIPTION_MAX),
            amount=item.amount,
            reason=written(item.reason, "reason", REASON_MAX),
            tax_code=item.tax_code,
        )
        with self._changing(organization, at, actor, holding=item.item) as change:
            _require_currency(change.cycle.currency, item.currency, organization)
            change.decide(lambda cycle: cycle.add_item(added))
        return change.receipt()

    def grant_credit(
        self, organization: str, credit: NewCredit, *, at: datetime, actor: str
    ) -> Receipt:
        """Grant an amount that coming invoices use up, oldest expiry first.

        Raises:
            NotFound: no such organization.
            InvalidInput: a field cannot be used.
            RuleViolation: another credit has this id, or the currency differs.
        """
        identifier(credit.credit, "credit")
        _check_amount(credit.amount, credit.currency)
        if credit.expires_at is not None and credit.expires_at <= at:
            raise InvalidInput("the credit would have expired already", field="expires_at")
        granted = CreditGranted(
            at=at,
            credit=credit.credit,
            amount=credit.amount,
            currency=credit.currency,
            reason=written(credit.reason, "reason", REASON_MAX),
            expires_at=credit.expires_at,
        )
        with self._books.change(organization, actor=actor) as books:
            if events := books.organization.grant_credit(granted):
                books.append_organization(events)
        return _receipt(None, books, recorded=bool(events))

    def attachments(self, organization: str) -> list[AttachmentView]:
        """What was attached in the cycles not issued yet, each stretch once, by beginning.

        Raises:
            NotFound: no such organization.
        """
        return attachment_views(self._books.snapshot(organization).cycles)

    def credits(self, organization: str) -> list[CreditView]:
        """Every credit granted and what issued invoices have used of it, oldest first.

        Raises:
            NotFound: no such organization.
        """
        snapshot = self._books.snapshot(organization)
        grants = sorted(snapshot.organization.credits.values(), key=lambda g: (g.at, g.credit))
        return [credit_view(grant, snapshot.applied.get(grant.credit, 0)) for grant in grants]

    @contextmanager
    def _changing(
        self, organization: str, at: datetime, actor: str, holding: str | None = None
    ) -> Iterator["_Change"]:
        """Lock the books around a change to the cycle of ``at``, or to the one that has an item."""
        with self._books.change(organization, actor=actor) as books:
            holder = books.holder_of(holding) if holding else None
            change = _Change(books, holder or cycle_at(books, at, self._now()))
            yield change
            if change.cycle in books.cycles:
                carry(books, change.cycle)


class _Change:
    """A change to one cycle while its organization's books are locked."""

    def __init__(self, books: OpenBooks, cycle: BillingCycle) -> None:
        self._books = books
        self.cycle = cycle
        self._recorded = False

    def decide(self, decision: Decision) -> None:
        """Append what a decision says."""
        if events := decision(self.cycle):
            self._books.append(self.cycle, events)
            self._recorded = True

    def check_carried(self, attachment: str, prices: Sequence[Price], catalog: Catalog) -> None:
        """Refuse what the cycles after this one, open already, contradict."""
        later = self._books.cycles[self._books.cycles.index(self.cycle) + 1 :]
        for cycle in later if self._recorded else ():
            known = cycle.attachments.get(attachment)
            if known and any(run.until != cycle.period.start for run in known.runs):
                raise RuleViolation(
                    f"{attachment} is already attached in {cycle.id}",
                    code="already_attached",
                    attachment=attachment,
                )
            check_scopes(cycle.attachments.values(), prices, cycle.period.start, catalog.book)

    def receipt(self) -> Receipt:
        """What became of it, once the books are closed."""
        return _receipt(self.cycle.id, self._books, recorded=self._recorded)


def _receipt(cycle: str | None, books: OpenBooks, *, recorded: bool) -> Receipt:
    effect = "recorded" if recorded else "nothing"
    return Receipt(cycle=cycle, position=books.position(), effect=effect)


def _check_quantity(quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity < 0 or not fits(quantity):
        raise InvalidInput(
            "quantity must be zero or more, with at most 18 digits before the point and 12 after",
            field="quantity",
        )


def _check_amount(amount: int, currency: str) -> None:
    unit = step(currency)
    if not 0 < amount <= AMOUNT_MAX or amount % unit:
        multiple = f", a multiple of {unit}" if unit > 1 else ""
        raise InvalidInput(
            f"amount must be whole minor units from 1 to {AMOUNT_MAX}{multiple}", field="amount"
        )


def _require_currency(ours: str, theirs: str, organization: str) -> None:
    if ours != theirs:
        raise RuleViolation(f"{organization} is billed in {ours}", code="currency_mismatch")
