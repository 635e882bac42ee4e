"""The mail server: left alone while it takes nothing, asked again every minute, told of once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.errors import CyclebookError, Unavailable

log = logging.getLogger(__name__)

PROBE_EVERY = timedelta(minutes=1)


class MailRefused(CyclebookError):
    """The mail server will never take this e-mail, or it cannot be written."""

    code = "mail_refused"


class MailUnavailable(Unavailable):
    """The mail server does not take this e-mail now."""

    code = "mail_unavailable"


class MailServerAway(MailUnavailable):
    """The mail server takes nothing at all: it is away, or refuses us."""

    code = "mail_server_away"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailOutage:
    """That nothing is taken. reason: without any address."""

    since: datetime
    reason: str


class OutageStore(Protocol):
    """Keeps whether there is an outage, one for all workers."""

    def outage(self) -> MailOutage | None:
        """The one that lasts."""
        ...

    def begin(self, outage: MailOutage, probe_at: datetime) -> bool:
        """Note that one begins; whether nobody had noted it."""
        ...

    def renew(self, reason: str) -> bool:
        """Note why the one that lasts does by now; whether that is another reason than before."""
        ...

    def may_probe(self, now: datetime, probe_at: datetime) -> bool:
        """Whether it is for us to ask the server now; nobody else does until then."""
        ...

    def end(self, now: datetime) -> MailOutage | None:
        """Note that it is over, and have all that waits sent; ``None`` where nobody knew of it."""
        ...


class MailServer:
    """What workers know of the mail server. reach: sees whether it takes e-mails from us.

    An outage is no attempt at any e-mail: it is begun by the first that could not go out, and
    what waits goes out when it is over, however long it lasted.
    """

    def __init__(self, store: OutageStore, reach: Callable[[], None]) -> None:
        self._store = store
        self._reach = reach

    def away(self, now: datetime) -> bool:
        """Whether to leave it alone."""
        outage = self._store.outage()
        if outage is None:
            return False
        if not self._store.may_probe(now, now + PROBE_EVERY):
            return True
        try:
            self._reach()
        except MailServerAway as error:
            self._still_away(error)
            return True
        self._answers(now)
        return False

    def failed(self, error: MailServerAway, now: datetime) -> None:
        """An e-mail could not go out, because nothing can."""
        outage = MailOutage(since=now, reason=str(error))
        if self._store.begin(outage, now + PROBE_EVERY):
            log.error("no e-mail goes out: %s; they wait, and it is tried every minute", error)

    def _still_away(self, error: MailServerAway) -> None:
        if self._store.renew(str(error)):
            log.error("still no e-mail goes out, for another reason: %s", error)

    def _answers(self, now: datetime) -> None:
        over = self._store.end(now)
        if over is not None:
            seconds = (now - over.since).total_seconds()
            log.warning("e-mails go out again, after %d s", seconds)
