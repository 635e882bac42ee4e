"""What happened at Stripe, kept in the log; and the customer link, kept with the organization."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeGuard

from application.desired import organization_of
from application.ports import Books, EventLog
from domain.events.base import Recorded
from domain.events.stripe_invoice import CallAnswered, CallAttempted
from domain.identity import stripe_stream
from domain.stripe_invoice import StripeInvoice, replay

PRIVATE = ("name", "email")
"""Parameters of a call about a customer that the log must not hold."""


class PrivateParameters(Protocol):
    """Keeps parameters of calls outside the log, where they can be erased."""

    def put(self, key: str, organization: str, parameters: Mapping[str, str]) -> None:
        """Keep those of a call that is about to go out."""
        ...

    def of(self, key: str) -> Mapping[str, str]:
        """Those of a call; nothing once they are gone."""
        ...

    def drop(self, key: str) -> None:
        """Forget them: the call is answered."""
        ...


class LoggedStripeStream:
    """The ``StripeStream`` port over the log: one stream for each cycle.

    now: the clock, aware UTC. private: keeps what the log must not hold; without it everything
    is in the log.
    """

    def __init__(
        self,
        log: EventLog,
        now: Callable[[], datetime],
        private: PrivateParameters | None = None,
    ) -> None:
        self._log = log
        self._now = now
        self._private = private

    def load(self, cycle: str) -> tuple[StripeInvoice, int]:
        """The state of a cycle's stream and its version, 0 for none."""
        history = self._log.read(stripe_stream(cycle))
        version = history[-1].version if history else 0
        return replay(self._whole(history)), version

    def append(
        self, cycle: str, expected_version: int, events: Sequence[object], actor: str
    ) -> int:
        """Append and answer the new version.

        Raises:
            ConcurrentChange: the stream is no longer at ``expected_version``.
        """
        kept = [self._without_private(cycle, each) for each in events]
        self._log.append(stripe_stream(cycle), expected_version, kept, actor=actor, at=self._now())
        if self._private is not None:
            for each in events:
                if isinstance(each, CallAnswered):
                    self._private.drop(each.key)
        return expected_version + len(events)

    def _without_private(self, cycle: str, event: object) -> object:
        """A call as the log may hold it. What it may not is kept first, for a repeat."""
        if self._private is None or not _about_a_customer(event):
            return event
        private = {name: event.parameters[name] for name in PRIVATE if name in event.parameters}
        if private:
            self._private.put(event.key, organization_of(cycle), private)
        rest = {name: text for name, text in event.parameters.items() if name not in private}
        return replace(event, parameters=rest)

    def _whole(self, history: Sequence[Recorded]) -> Iterator[object]:
        """The events, calls without an answer as they were attempted."""
        answered = {each.event.key for each in history if isinstance(each.event, CallAnswered)}
        for recorded in history:
            event = recorded.event
            if self._private and _about_a_customer(event) and event.key not in answered:
                whole = {**event.parameters, **self._private.of(event.key)}
                event = replace(event, parameters=whole)
            yield event


def _about_a_customer(event: object) -> TypeGuard[CallAttempted]:
    return isinstance(event, CallAttempted) and event.purpose == "customer"


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
