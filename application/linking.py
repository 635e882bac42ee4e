"""Linking: which customer at Stripe an organization is, where a person says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from application.gateway import InvoiceGateway, StripeCall, StripeRequest
from application.ports import Books
from application.projector import SyncQueue
from application.reconciler import random_token
from application.refusals import refusal
from domain.errors import NotFound, RuleViolation
from domain.organization import Organization
from projections.remote_customer import RemoteCustomer


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """An organization's customer. former: the one it was before, if another."""

    organization: str
    customer: str
    former: str | None = None


class Linking:
    """Links organizations to customers that exist at Stripe.

    queue: is asked for a sync of a cycle at once, whose draft may have to move. writes: whether
    the customer's metadata may be changed; without, the link stands in our books alone.
    """

    def __init__(
        self,
        books: Books,
        gateway: InvoiceGateway,
        queue: SyncQueue,
        new_token: Callable[[], str] = random_token,
        *,
        writes: bool = True,
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._queue = queue
        self._new_token = new_token
        self.writes = writes

    def link(self, organization: str, customer: str, *, actor: str, at: datetime) -> Linked:
        """Bill an organization as a customer from now on. The same again does nothing.

        The customer gets our id of the organization into its metadata. Drafts for the one it
        was before are made anew for this one by the next sync; what was issued stays as it is.

        Raises:
            NotFound: there is no such organization, or no such customer.
            RuleViolation: the customer was deleted, is another organization's, or is billed in
                another currency.
            GatewayError, GatewayRejected: Stripe did not do its part; safe to repeat.
        """
        known = self._books.snapshot(organization).organization
        found = self._fitting(known, customer)
        former = known.stripe_customer if known.stripe_customer != customer else None
        if self.writes and found.organization != organization:
            self._send(self._gateway.own_customer(customer, organization))
        with self._books.change(organization, actor=actor) as books:
            if events := books.organization.link_customer(customer, at):
                books.append_organization(events)
            cycles = [cycle.id for cycle in books.cycles]
        if self.writes and former is not None:
            self._let_go(organization, former)
        for cycle in cycles:
            self._queue.mark(cycle, 0, at)
        return Linked(organization=organization, customer=customer, former=former)

    def _fitting(self, organization: Organization, customer: str) -> RemoteCustomer:
        found = self._gateway.customer(customer)
        if found is None:
            raise NotFound(
                f"Stripe has no customer {customer}: check the id, and that it was made in the "
                "same account and mode (test or live) as the key we use",
                field="customer",
            )
        if found.deleted:
            raise RuleViolation(
                f"customer {customer} was deleted at Stripe; link another one",
                code="customer_deleted",
                field="customer",
            )
        if found.organization not in (None, organization.id):
            raise RuleViolation(
                f"customer {customer} is organization {found.organization} already; one customer "
                "is billed for one organization",
                code="customer_taken",
                field="customer",
            )
        if found.currency not in (None, organization.currency):
            raise RuleViolation(
                f"customer {customer} is billed in {found.currency} at Stripe, and "
                f"{organization.id} in {organization.currency}; link another customer, or change "
                "the organization's currency first",
                code="currency_mismatch",
                field="customer",
            )
        return found

    def _let_go(self, organization: str, customer: str) -> None:
        """Take our id off the former customer, unless it is gone or somebody else's by now."""
        former = self._gateway.customer(customer)
        if former and not former.deleted and former.organization == organization:
            self._send(self._gateway.own_customer(customer, None))

    def _send(self, request: StripeRequest) -> None:
        """Once more is no harm: it says what the metadata should be."""
        answer = self._gateway.send(
            StripeCall(
                key=f"link/{self._new_token()}",
                method=request.method,
                endpoint=request.endpoint,
                parameters=request.parameters,
            )
        )
        if not 200 <= answer.status < 300:
            message = answer.message or "Stripe refused to change the customer"
            raise refusal(answer.status, answer.code, message, request=answer.request)
