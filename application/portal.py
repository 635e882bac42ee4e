"""What customers see at Stripe: their own pages, and an issued invoice's. Fetched when shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from application.gateway import InvoiceGateway, StripeStream
from application.ports import Books
from application.projector import SyncQueue
from application.views import InvoiceLinks
from domain.errors import InvalidInput, NotFound, RuleViolation

URL_MAX = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalSession:
    """A link to the customer's own pages. It works for minutes, once, and is never stored."""

    organization: str
    url: str


class Portal:
    """Opens Stripe's customer portal, and finds an invoice's pages.

    now: the clock, aware UTC.
    """

    def __init__(
        self,
        books: Books,
        gateway: InvoiceGateway,
        stream: StripeStream,
        queue: SyncQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._stream = stream
        self._queue = queue
        self._now = now

    def open(self, organization: str, return_url: str) -> PortalSession:
        """A session in the portal, which leads back to ``return_url``.

        The drafts are synced before all others from now on, without waiting for them: the
        portal shows what is issued, and the customer may look at our own pages next.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: the URL cannot be used.
            RuleViolation: it has no customer at Stripe yet.
            GatewayError, GatewayRejected: Stripe did not do its part.
        """
        _check_url(return_url)
        snapshot = self._books.snapshot(organization)
        customer = snapshot.organization.stripe_customer
        if customer is None:
            raise RuleViolation(
                f"{organization} has no customer at Stripe yet: one is made with the first "
                "amount that is owed, or link one that exists",
                code="no_stripe_customer",
            )
        for state in snapshot.cycles:
            self._queue.mark(state.cycle.id, 0, self._now())
        return PortalSession(
            organization=organization, url=self._gateway.portal_url(customer, return_url)
        )

    def links(self, cycle: str) -> InvoiceLinks:
        """Where an issued invoice can be seen, paid and downloaded now: Stripe's links expire.

        Raises:
            NotFound: nothing of this cycle was issued at Stripe, or it is gone there.
            GatewayError, GatewayRejected: Stripe did not do its part.
        """
        state, _ = self._stream.load(cycle)
        issued = state.finalized
        seen = self._gateway.glance(issued.invoice) if issued else None
        if seen is None:
            raise NotFound(f"{cycle} has no issued invoice at Stripe", cycle=cycle)
        return InvoiceLinks(hosted=seen.issue.hosted_url, pdf=seen.issue.pdf_url)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or len(url) > URL_MAX or not url.isprintable() or " " in url:
        raise InvalidInput("return_url must be a whole http or https address", field="return_url")
