"""What an organization has: attachments, credits, and what it owes."""

from collections.abc import Iterable

from application.attachment_view import attachment_views, credit_view
from application.ports import Books, Snapshot
from application.views import AttachmentView, BalanceView, CreditView, DiscountView
from domain.billing_cycle import BillingCycle, Status


class Holdings:
    """Answers about organizations; changes nothing."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def attachments(self, organization: str) -> list[AttachmentView]:
        """What was attached in the cycles not issued yet, each stretch once, by beginning.

        Raises:
            NotFound: no such organization.
        """
        return attachment_views(self._books.snapshot(organization).cycles)

    def credits(self, organization: str) -> list[CreditView]:
        """Every credit granted and what became of it, oldest first.

        Raises:
            NotFound: no such organization.
        """
        return _credits(self._books.snapshot(organization))

    def discounts(self, organization: str) -> list[DiscountView]:
        """The discounts of the cycles not issued yet, each once, by id.

        Raises:
            NotFound: no such organization.
        """
        found: dict[str, DiscountView] = {}
        for state in self._books.snapshot(organization).cycles:
            for each in state.cycle.discounts.values():
                known = found.get(each.discount)
                found[each.discount] = DiscountView(
                    discount=each.discount,
                    percent=each.percent,
                    amount=each.amount,
                    prices=each.prices,
                    cycle=state.cycle.id,
                    cycles=each.cycles,
                    reason=each.reason,
                    since=known.since if known and each.carried else each.at,
                )
        return [found[each] for each in sorted(found)]

    def balance(self, organization: str) -> list[BalanceView]:
        """The credit balance by currency, and what issued invoices still ask for.

        Raises:
            NotFound: no such organization.
        """
        snapshot = self._books.snapshot(organization)
        credits = _credits(snapshot)
        issued = self._books.outstanding(organization)
        currencies = {each.currency for each in credits} | {each.currency for each in issued}
        currencies.add(snapshot.organization.currency)
        return [_balance(currency, credits, issued) for currency in sorted(currencies)]


def _credits(snapshot: Snapshot) -> list[CreditView]:
    who = snapshot.organization
    return [
        credit_view(grant, snapshot.applied.get(grant.credit, 0), who.expired.get(grant.credit, 0))
        for grant in sorted(who.credits.values(), key=lambda g: (g.at, g.credit))
    ]


def _balance(
    currency: str, credits: Iterable[CreditView], issued: Iterable[BillingCycle]
) -> BalanceView:
    mine = [each for each in credits if each.currency == currency]
    open_invoices = [each for each in issued if each.currency == currency]
    overdue = [each for each in open_invoices if each.status is Status.PAST_DUE]
    return BalanceView(
        currency=currency,
        granted=sum(each.amount for each in mine),
        applied=sum(each.applied for each in mine),
        expired=sum(each.expired for each in mine),
        remaining=sum(each.remaining for each in mine),
        due=sum(each.owed for each in open_invoices),
        overdue=sum(each.owed for each in overdue),
    )
