"""Customers at Stripe that were changed or deleted there, and what that means to drafts."""

from collections.abc import Callable, Sequence

from application.gateway import InvoiceGateway, StripeStream
from application.inbox import Message
from application.ports import Books
from application.refusals import CUSTOMER_GONE
from application.stripe_calls import StripeLog
from domain.errors import NotFound

ACTOR = "stripe"


class FormerCustomers:
    """Looks at an organization's customer after Stripe said that something became of it.

    resync: raises a cycle's place in the queue of syncs.
    """

    def __init__(
        self,
        books: Books,
        gateway: InvoiceGateway,
        stripe: StripeStream,
        resync: Callable[[str], None],
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._stripe = stripe
        self._resync = resync

    def look(self, message: Message) -> None:
        """A deleted customer is a problem of every invoice that is not issued yet, until the
        organization is linked to another one. A change may end a problem, as an address does.

        Raises:
            Busy: a sync is at one of the invoices; the rest waits with it.
            GatewayError: Stripe could not be read.
        """
        if message.organization is None or message.type not in ("customer.updated", DELETED):
            return
        cycles = self._unissued(message.organization, message.object_id)
        if not cycles:
            return
        found = self._gateway.customer(message.object_id)
        gone = found is None or found.deleted
        for cycle in cycles:
            if gone:
                self._tell(cycle, message.object_id)
                self._resync(cycle)
            elif self._stripe.load(cycle)[0].problem is not None:
                self._resync(cycle)

    def _unissued(self, organization: str, customer: str) -> Sequence[str]:
        """The organization's cycles, if it still is this customer."""
        try:
            known = self._books.snapshot(organization)
        except NotFound:
            return ()
        mine = known.organization.stripe_customer == customer
        return [each.cycle.id for each in known.cycles] if mine else ()

    def _tell(self, cycle: str, customer: str) -> None:
        log = StripeLog(self._stripe, cycle, ACTOR)
        log.add(*log.state.failed(CUSTOMER_GONE, gone(customer)))
        log.save()


DELETED = "customer.deleted"


def gone(customer: str) -> str:
    """What to do about it, in words."""
    return f"the customer {customer} was deleted at Stripe: link the organization to another one"
