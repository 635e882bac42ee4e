"""Signing in by e-mail: whoever reads a member's e-mails gets links to that member's pages.

Asking takes the same steps whether anybody has the address, so that nobody learns who is a
customer; a worker looks for members later.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.mail_server import MailRefused, MailServer, MailServerAway, MailUnavailable
from application.ports import Directory
from application.registration import EMAIL
from application.signing_in import Visitor
from domain.errors import InvalidInput, NotFound
from domain.organization import Organization

log = logging.getLogger(__name__)

ADDRESS_MAX = 254
LINK_LASTS = timedelta(hours=1)
LINKS_MAX = 50
"""Organizations that one e-mail leads to."""

WITHIN = timedelta(hours=1)
OF_AN_ADDRESS_MAX = 3
OF_A_CLIENT_MAX = 20
"""E-mails to one address, and requests from one client's address, within that time."""

SCHEDULE = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20))
"""How long after each failed attempt the next one is; nobody waits longer."""

LEASE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An address that is to be written to. at: when it was asked for. attempts: so far."""

    number: int
    address: str
    at: datetime
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WayIn:
    """A link that signs a member in. name: of the organization, for people."""

    name: str
    url: str


class RequestStore(Protocol):
    """Who asked, and who is to be written to."""

    def add(self, address: str, client: str, at: datetime) -> bool:
        """Note that a client asks; false, and nothing is noted, where it asked too often.

        An address that was written to often enough is noted as not to be written to.
        """
        ...

    def claim(self, now: datetime, until: datetime) -> Asked | None:
        """One that is due, kept from others ``until`` an instant."""
        ...

    def ended(self, asked: Asked, error: str | None = None) -> None:
        """Its e-mail was sent, or is given up: forget the address."""
        ...

    def postponed(self, asked: Asked, error: str, next_at: datetime) -> None:
        """It is tried again then."""
        ...

    def give_back(self, asked: Asked, error: str) -> None:
        """It was not tried: nothing can be sent now."""
        ...

    def members(self, address: str, limit: int) -> Sequence[tuple[str, str]]:
        """Whose address it is, in either case of letters: (organization, member)."""
        ...


class AskingForLinks:
    """What somebody does who is not signed in."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store

    def ask(self, address: str, client: str, at: datetime) -> bool:
        """Ask for links; false where this client asked too often.

        Raises:
            InvalidInput: this is no address.
        """
        typed = address.strip()
        if len(typed) > ADDRESS_MAX or not typed.isprintable() or not EMAIL.fullmatch(typed):
            raise InvalidInput("Write an e-mail address, such as ada@example.com.", field="email")
        return self._store.add(typed, client, at)


class SendingLinks:
    """What a worker does about it.

    load: an organization as it is now. link: an address that lets a visitor in until then.
    carry: sends an e-mail with ways in; raises ``MailRefused`` and ``MailUnavailable``.
    """

    def __init__(
        self,
        store: RequestStore,
        server: MailServer,
        load: Callable[[str], Organization],
        directory: Directory,
        link: Callable[[Visitor, datetime], str],
        carry: Callable[[Asked, Sequence[WayIn]], None],
    ) -> None:
        self._store = store
        self._server = server
        self._load = load
        self._directory = directory
        self._link = link
        self._carry = carry

    def step(self, now: datetime) -> bool:
        """Write to one address that is due; whether there was one."""
        asked = None if self._server.away(now) else self._store.claim(now, now + LEASE)
        if asked is None:
            return False
        try:
            if ways := self._ways(asked.address, now):
                self._carry(asked, ways)
        except MailRefused as error:
            self._give_up(asked, str(error))
        except MailServerAway as error:
            self._store.give_back(asked, str(error))
            self._server.failed(error, now)
        except MailUnavailable as error:
            self._try_later(asked, str(error), now)
        else:
            self._store.ended(asked)
        return True

    def _try_later(self, asked: Asked, error: str, now: datetime) -> None:
        if asked.attempts < len(SCHEDULE):
            self._store.postponed(asked, error, now + SCHEDULE[asked.attempts])
        else:
            self._give_up(asked, error)

    def _give_up(self, asked: Asked, error: str) -> None:
        log.warning("link to sign in, request %d, is given up: %s", asked.number, error)
        self._store.ended(asked, error)

    def _ways(self, address: str, now: datetime) -> Sequence[WayIn]:
        """A link for each organization that somebody with this address is a member of."""
        found: dict[str, WayIn] = {}
        for organization, member in self._store.members(address, LINKS_MAX):
            if organization not in found and self._is_member(organization, member):
                visitor = Visitor(
                    actor=f"member:{member}", role="organization", organization=organization
                )
                name = self._directory.get(organization).name or organization
                url = self._link(visitor, now.replace(microsecond=0) + LINK_LASTS)
                found[organization] = WayIn(name=name, url=url)
        return list(found.values())

    def _is_member(self, organization: str, member: str) -> bool:
        try:
            return member in self._load(organization).members
        except NotFound:
            return False
