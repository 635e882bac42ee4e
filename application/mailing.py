"""E-mails to members: who is told of a notice, and sending it, once for each address."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.mail_server import MailRefused, MailServer, MailServerAway, MailUnavailable
from application.notices import KINDS, Told
from application.ports import Directory, Profile
from domain.errors import NotFound, Unavailable
from domain.organization import Organization

log = logging.getLogger(__name__)

TOLD_BY_DEFAULT = ("owner", "billing")
"""Roles of members who are told of everything unless they say otherwise."""

TOO_OLD = timedelta(days=3)
"""What happened longer ago is no news for an e-mail: an import tells of whole months."""

SCHEDULE = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
"""How long after each failed attempt the next one is; after the last one it is given up."""

LEASE = timedelta(minutes=5)
ADDRESSED_AT_ONCE = 50
ADDRESS_AGAIN = timedelta(minutes=1)
"""A notice whose readers could not be found, by a fault of ours, is looked at again this late."""

Choices = Mapping[tuple[str, str], bool]
"""(member, subject) -> whether they want it, where they said so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """An e-mail to be sent to a member. attempts: so far."""

    number: int
    notice: Told
    member: str
    attempts: int


class NobodyToWriteTo(MailRefused):
    """Who was to be told has left, or has no address any more."""

    code = "nobody_to_write_to"


class Carrier(Protocol):
    """Writes and sends e-mails."""

    def __call__(self, address: str, notice: Told, name: str, zone: str) -> None:
        """Tell somebody. name, zone: of the organization, for people.

        Raises:
            MailRefused: it will never be taken.
            MailUnavailable: it may be taken later.
            MailServerAway: nothing is taken now.
        """
        ...


class MailStore(Protocol):
    """The e-mails that are to be sent, and what members want."""

    def unaddressed(self, limit: int) -> Sequence[Told]:
        """Notices whose readers nobody has looked for yet, oldest first."""
        ...

    def address(self, notice: Told, members: Sequence[str]) -> None:
        """These members get an e-mail each. Twice does nothing."""
        ...

    def claim(self, now: datetime, until: datetime) -> Mail | None:
        """An e-mail that is due, kept from others ``until`` an instant."""
        ...

    def sent(self, mail: Mail) -> None:
        """It was taken by the mail server."""
        ...

    def failed(self, mail: Mail, error: str, next_at: datetime | None) -> None:
        """It was not; it is tried again at an instant, or given up."""
        ...

    def give_back(self, mail: Mail, error: str) -> None:
        """It was not tried: nothing can be sent now."""
        ...

    def nobody(self, mail: Mail, reason: str) -> None:
        """It will not be sent, and nobody need look at it."""
        ...

    def choices(self, organization: str) -> Choices:
        """What an organization's members said."""
        ...

    def choose(self, organization: str, member: str, wanted: Mapping[str, bool]) -> None:
        """What a member says about some subjects."""
        ...


class Mailing:
    """Tells members by e-mail. load: an organization as it is now. carry: to the mail server."""

    def __init__(
        self,
        store: MailStore,
        server: MailServer,
        load: Callable[[str], Organization],
        directory: Directory,
        carry: Carrier,
    ) -> None:
        self._store = store
        self._server = server
        self._load = load
        self._directory = directory
        self._carry = carry
        self._address_at: dict[int, datetime] = {}

    def step(self, now: datetime) -> bool:
        """Address what is new, and send one e-mail that is due; whether there may be more."""
        addressed = self._address(now)
        mail = None if self._server.away(now) else self._store.claim(now, now + LEASE)
        if mail is not None:
            self._send(mail, now)
        return addressed > 0 or mail is not None

    def _address(self, now: datetime) -> int:
        waiting = self._address_at
        notices = self._store.unaddressed(ADDRESSED_AT_ONCE + len(waiting))
        self._address_at = {n.number: waiting[n.number] for n in notices if n.number in waiting}
        due = [each for each in notices if waiting.get(each.number, now) <= now]
        return sum([self._addressed(each, now) for each in due])

    def _addressed(self, notice: Told, now: datetime) -> bool:
        try:
            members = () if now - notice.at > TOO_OLD else self._readers(notice)
        except Unavailable:
            raise
        except Exception as error:  # a fault of ours: the others' e-mails do not wait for it
            log.error("%s cannot be addressed", notice.id, exc_info=error)
            self._address_at[notice.number] = now + ADDRESS_AGAIN
            return False
        self._store.address(notice, members)
        return True

    def _readers(self, notice: Told) -> Sequence[str]:
        try:
            organization = self._load(notice.organization)
        except NotFound:
            return ()
        return readers(
            organization.members,
            self._store.choices(notice.organization),
            self._directory.get(notice.organization),
            KINDS[notice.kind].mailed or "",
        )

    def _send(self, mail: Mail, now: datetime) -> None:
        try:
            self._carry_out(mail)
        except NobodyToWriteTo as error:
            self._store.nobody(mail, str(error))
        except MailRefused as error:
            self._failed(mail, str(error), None)
        except MailServerAway as error:
            self._store.give_back(mail, str(error))
            self._server.failed(error, now)
        except MailUnavailable as error:
            self._later(mail, str(error), now)
        except Unavailable:
            raise
        except Exception as error:  # a fault of ours: counted too, or it would come for ever
            log.error("%s cannot be mailed", mail.notice.id, exc_info=error)
            self._later(mail, f"a fault of ours: {type(error).__name__}", now)
        else:
            self._store.sent(mail)

    def _later(self, mail: Mail, error: str, now: datetime) -> None:
        pause = SCHEDULE[mail.attempts] if mail.attempts < len(SCHEDULE) else None
        self._failed(mail, error, None if pause is None else now + pause)

    def _failed(self, mail: Mail, error: str, next_at: datetime | None) -> None:
        if next_at is None:
            kind, notice = mail.notice.kind, mail.notice.id
            log.error("e-mail %d, %s %s, is given up: %s", mail.number, kind, notice, error)
        self._store.failed(mail, error, next_at)

    def _carry_out(self, mail: Mail) -> None:
        organization = self._load(mail.notice.organization)
        profile = self._directory.get(mail.notice.organization)
        address = profile.emails.get(mail.member)
        if address is None or mail.member not in organization.members:
            raise NobodyToWriteTo("this member has no address any more")
        zone = organization.calendar.zone
        self._carry(address, mail.notice, profile.name or organization.id, zone)


def readers(
    members: Mapping[str, str], choices: Choices, profile: Profile, subject: str
) -> Sequence[str]:
    """The members who are told by e-mail, one for each address.

    members: roles by user. subject: one of ``SUBJECTS``.
    """
    found: dict[str, str] = {}
    for member, role in sorted(members.items()):
        address = profile.emails.get(member)
        if address and wants(role, choices.get((member, subject))):
            found.setdefault(address.casefold(), member)
    return list(found.values())


def wants(role: str, chosen: bool | None) -> bool:
    """Whether a member is told of a subject: what they said, else what their role gets."""
    return role in TOLD_BY_DEFAULT if chosen is None else chosen


class MailChoices:
    """What members want to be told of by e-mail. subjects: all there are."""

    def __init__(
        self, store: MailStore, load: Callable[[str], Organization], subjects: Iterable[str]
    ) -> None:
        self._store = store
        self._load = load
        self._subjects = tuple(subjects)

    def get(self, organization: str, member: str) -> Mapping[str, bool]:
        """Every subject, and whether a member is told of it.

        Raises:
            NotFound: there is no such organization, or it has no such member.
        """
        role = self._role(organization, member)
        said = self._store.choices(organization)
        return {each: wants(role, said.get((member, each))) for each in self._subjects}

    def put(self, organization: str, member: str, wanted: Mapping[str, bool]) -> Mapping[str, bool]:
        """Say whether a member is told of some subjects; the others stay as they are.

        Raises:
            NotFound: there is no such organization, or it has no such member.
        """
        self._role(organization, member)
        self._store.choose(organization, member, wanted)
        return self.get(organization, member)

    def _role(self, organization: str, member: str) -> str:
        role = self._load(organization).members.get(member)
        if role is None:
            raise NotFound(f"organization {organization} has no member {member}")
        return role
