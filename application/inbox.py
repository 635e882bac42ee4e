"""The webhook inbox: each message from Stripe is stored once, answered, and handled afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.errors import CyclebookError, MonthArchived, NotFound, StoreUnavailable, Unavailable

ATTEMPTS_MAX = 20
FIRST_PAUSE = timedelta(seconds=2)
PAUSE_MAX = timedelta(hours=1)
TOO_EARLY = "not_issued"
"""News of an invoice that the books have not issued yet: as with an outage, it is waited for."""

LEASE = timedelta(minutes=5)
"""How long a claimed event is kept from other workers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A stored webhook event. It is a hint to look again, never a fact.

    object_id: what it is about, at Stripe. cycle, organization: ours, where it carries one.
    echo: it tells what a sync of ours wrote to a draft, which that sync reads back by itself.
    """

    id: str
    type: str
    object_id: str
    cycle: str | None
    organization: str | None = None
    attempts: int = 0
    echo: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unhandled:
    """A message that failed, for people. due_at: when it is tried again; none without them."""

    message: Message
    received_at: datetime
    due_at: datetime | None
    error: str


class InboxStore(Protocol):
    """Keeps webhook events until they are handled, and after that as a record."""

    def add(self, message: Message, payload: bytes) -> bool:
        """Store an event, durably; whether it is new."""
        ...

    def get(self, message: str) -> Message | None:
        """An event that is not handled yet, or ``None``."""
        ...

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Message]:
        """Events due by ``now``, oldest first, kept from other workers ``until`` an instant."""
        ...

    def handled(self, message: str) -> None:
        """Say that an event is done."""
        ...

    def failed(self, message: str, error: str, due_at: datetime | None) -> None:
        """Keep an event with its error: until ``due_at``, or for a person where ``None``."""
        ...

    def unhandled(self, after: str, limit: int) -> Sequence[Unhandled]:
        """Events that failed, by id, after an id."""
        ...

    def retry(self, message: str | None) -> int:
        """Make one event that failed, or all, due at once with all attempts anew; how many."""
        ...


class Inbox:
    """Takes webhooks. handle: does what a message leads to; safe to repeat."""

    def __init__(self, store: InboxStore, handle: Callable[[Message, datetime], None]) -> None:
        self._store = store
        self._handle = handle

    def accept(self, message: Message, payload: bytes) -> bool:
        """Store a verified webhook; whether it is new. Once this returns it is safe to say 200.

        An echo is nothing new, and not worth the reads.

        Raises:
            StoreUnavailable: it is not stored; Stripe will send it again.
        """
        return not message.echo and self._store.add(message, payload)

    def work(self, now: datetime, limit: int = 50) -> int:
        """Handle what is due; how many there were. What fails is kept with its error.

        Raises:
            StoreUnavailable: what is not handled comes up again.
        """
        claimed = self._store.claim(now, now + LEASE, limit)
        for message in claimed:
            try:
                self._handle(message, now)
            except StoreUnavailable:
                raise
            except Exception as error:  # kept with the event; the others go on
                self._store.failed(message.id, _words(error), _next_try(message, error, now))
            else:
                self._store.handled(message.id)
        return len(claimed)

    def handle(self, message: str, now: datetime) -> None:
        """Handle one event now. One that is handled already does nothing.

        Raises:
            GatewayError: Stripe could not be read; it stays in the inbox.
        """
        known = self._store.get(message)
        if known is not None:
            self._handle(known, now)
            self._store.handled(message)

    def unhandled(self, after: str, limit: int) -> Sequence[Unhandled]:
        """Messages that failed, each with the reason, by id."""
        return self._store.unhandled(after, limit)

    def retry(self, message: str | None = None) -> int:
        """Try one message that failed, or all, again at once; how many.

        Raises:
            NotFound: no such message failed.
        """
        count = self._store.retry(message)
        if message is not None and not count:
            raise NotFound(f"no message {message} failed")
        return count


def _words(error: Exception) -> str:
    code = error.code if isinstance(error, CyclebookError) else type(error).__name__
    return f"{code}: {error}"


def _next_try(message: Message, error: Exception, now: datetime) -> datetime | None:
    """Pauses double; after the last attempt a person has to look, unless waiting mends it.

    Where only a person can mend it, nothing is gained by trying on.
    """
    if isinstance(error, MonthArchived):
        return None
    mends = isinstance(error, Unavailable)
    mends = mends or (isinstance(error, CyclebookError) and error.code == TOO_EARLY)
    if not mends and message.attempts + 1 >= ATTEMPTS_MAX:
        return None
    return now + min(FIRST_PAUSE * (1 << min(message.attempts, ATTEMPTS_MAX)), PAUSE_MAX)
