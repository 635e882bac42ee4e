"""Desired: what Stripe should hold for a cycle, by the books as they are now."""

from typing import cast

from application.driving import awaits_draft
from application.gateway import Desired, StripeCustomer
from application.live import InTurn, in_turn
from application.ports import Books, CatalogReader, Directory, Snapshot
from domain.billing_cycle import BillingCycle
from domain.errors import NotFound, RuleViolation
from domain.identity import parse_cycle_name
from domain.invoice import Invoice
from domain.organization import Organization
from projections.remote_invoice import Collection


class DesiredState:
    """Answers the reconciler's question, from one snapshot of the books."""

    def __init__(self, books: Books, catalog: CatalogReader, directory: Directory) -> None:
        self._books = books
        self._catalog = catalog
        self._directory = directory

    def __call__(self, cycle: str) -> Desired:
        """The cycle's invoice, and whom and how to bill.

        Raises:
            NotFound: there is no such cycle.
        """
        snapshot = self._books.snapshot(organization_of(cycle), cycle)
        organization = snapshot.organization
        turn = self._turn(snapshot, cycle)
        _require_settled(turn.state.cycle, turn.rated.invoice)
        return Desired(
            invoice=turn.rated.invoice,
            customer=self._customer(organization),
            collection=collection_of(organization, turn.state.cycle),
            awaits=awaits_draft(organization, turn.state.cycle, snapshot.now),
            adopted=turn.state.cycle.draft.invoice if turn.state.cycle.draft else None,
            held=turn.state.cycle.held is not None,
            others=tuple(each.cycle.id for each in snapshot.cycles if each.cycle.id != cycle),
        )

    def _turn(self, snapshot: Snapshot, cycle: str) -> InTurn:
        for turn in in_turn(snapshot, self._catalog.current(), cycle):
            if turn.state.cycle.id == cycle:
                return turn
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)

    def _customer(self, organization: Organization) -> StripeCustomer:
        profile = self._directory.get(organization.id)
        owners = (user for user, role in organization.members.items() if role == "owner")
        emails = (profile.emails.get(user) for user in sorted(owners))
        return StripeCustomer(
            organization=organization.id,
            stripe_id=organization.stripe_customer,
            name=profile.name,
            email=next((email for email in emails if email), None),
        )


def organization_of(cycle: str) -> str:
    """The organization a cycle's id names.

    Raises:
        NotFound: it is not the id of a cycle.
    """
    parsed = parse_cycle_name(cycle)
    if parsed is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return parsed[0]


def _require_settled(cycle: BillingCycle, invoice: Invoice) -> None:
    """A settled invoice never changes; one that would must not reach Stripe."""
    if cycle.settled is not None and cycle.settled.digest != invoice.digest():
        raise RuleViolation(
            f"{cycle.id} was settled at {cycle.settled.subtotal} and now rates to "
            f"{invoice.subtotal}; the books need a look",
            code="settled_differs",
            cycle=cycle.id,
        )


def collection_of(organization: Organization, cycle: BillingCycle) -> Collection:
    """By policy. Whether tax is computed is settled with the lines, whose form depends on it."""
    method = str(organization.policy("collection"))
    days = cast(int, organization.policy("days_until_due"))
    asked = organization.policy("automatic_tax") is True
    return Collection(
        method=method,
        days_until_due=days if method == "send_invoice" else None,
        automatic_tax=cycle.settled.automatic_tax if cycle.settled else asked,
    )
