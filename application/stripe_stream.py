"""What happened at Stripe, kept in the log; and the customer link, kept with the organization."""

from collections.abc import Callable, Sequence
from datetime import datetime

from application.ports import Books, EventLog
from domain.identity import stripe_stream
from domain.stripe_invoice import StripeInvoice, replay


class LoggedStripeStream:
    """The ``StripeStream`` port over the log: one stream for each cycle.

    now: the clock, aware UTC.
    """

    def __init__(self, log: EventLog, now: Callable[[], datetime]) -> None:
        self._log = log
        self._now = now

    def load(self, cycle: str) -> tuple[StripeInvoice, int]:
        """The state of a cycle's stream and its version, 0 for none."""
        history = self._log.read(stripe_stream(cycle))
        version = history[-1].version if history else 0
        return replay(each.event for each in history), version

    def append(
        self, cycle: str, expected_version: int, events: Sequence[object], actor: str
    ) -> int:
        """Append and answer the new version.

        Raises:
            ConcurrentChange: the stream is no longer at ``expected_version``.
        """
        self._log.append(
            stripe_stream(cycle), expected_version, events, actor=actor, at=self._now()
        )
        return expected_version + len(events)


class CustomerLinks:
    """Remembers which customer at Stripe an organization is. Twice does nothing."""

    def __init__(self, books: Books, now: Callable[[], datetime], actor: str = "sync") -> None:
        self._books = books
        self._now = now
        self._actor = actor

    def __call__(self, organization: str, customer: str) -> None:
        """Keep a link."""
        with self._books.change(organization, actor=self._actor) as books:
            if events := books.organization.link_customer(customer, self._now()):
                books.append_organization(events)
