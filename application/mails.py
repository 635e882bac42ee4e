"""E-mails that are not sent: they wait or were given up, and what a person does about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import InvalidInput, NotFound

STATUSES = ("waiting", "sent", "given_up", "dropped")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSeen:
    """An e-mail as people see it, without its address. notice: the id of what it tells.

    due_at: when it is tried next, of one that waits; ``None`` where that is now. error: why it was
    not taken last. dropped_by, dropped_because: of one that will not be sent.
    """

    number: int
    notice: str
    kind: str
    organization: str
    cycle: str | None
    member: str
    status: str
    attempts: int
    made_at: datetime
    due_at: datetime | None
    error: str | None
    dropped_by: str | None
    dropped_because: str | None


class MailList(Protocol):
    """The e-mails of the last 30 days, and those that wait."""

    def list(self, status: str | None, after: int, limit: int) -> Sequence[MailSeen]:
        """Those of a status, or all neither sent nor dropped, after a number, by number."""
        ...

    def retry(self, numbers: Sequence[int] | None) -> int:
        """Have some that were given up sent at once, with all attempts anew, or all; how many."""
        ...

    def drop(self, numbers: Sequence[int], reason: str, actor: str) -> int:
        """Some that wait or were given up will not be sent; how many."""
        ...

    def links_waiting(self) -> int:
        """How many links to sign in are still to be sent."""
        ...


class Mails:
    """What operators do about e-mails."""

    def __init__(self, store: MailList) -> None:
        self._store = store

    def list(
        self, status: str | None = None, after: int = 0, limit: int = 50
    ) -> Sequence[MailSeen]:
        """Those of a status, or all that wait or were given up, after a number, by number."""
        return self._store.list(status, after, limit)

    def links_waiting(self) -> int:
        """How many people wait for a link to sign in by e-mail; nobody sees whose address."""
        return self._store.links_waiting()

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Send some that were given up once more, or all; how many.

        Raises:
            NotFound: none of those that are named was given up.
        """
        retried = self._store.retry(numbers)
        if numbers is not None and not retried:
            raise NotFound("none of these e-mails was given up")
        return retried

    def drop(self, numbers: Sequence[int], reason: str, *, actor: str) -> int:
        """Leave some unsent, for a reason; how many.

        Raises:
            InvalidInput: no reason is given.
            NotFound: none of them waits or was given up.
        """
        if not reason.strip():
            raise InvalidInput("say why", field="reason")
        dropped = self._store.drop(numbers, reason, actor)
        if not dropped:
            raise NotFound("none of these e-mails waits or was given up")
        return dropped
