"""Erasing a person: everything kept of a member outside the log goes, and no amount changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports import Books, EventLog
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.organization import MemberAdded, PersonalDataErased
from domain.identity import case_stream, organization_stream


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who is to be erased. actor: as events name them where they signed in by a link.

    texts: ids of what they wrote in cases.
    """

    organization: str
    user: str
    texts: Sequence[str] = ()

    @property
    def actor(self) -> str:
        """As events name them."""
        return f"member:{self.user}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What was erased. rows: by table, how many rows were changed or deleted.

    in_log: events (stream, version) that hold the address all the same, because somebody wrote
    it where nothing personal belongs; they cannot be changed. effect: ``recorded`` or
    ``nothing``. position: of the event that tells, or of the last that was there.
    """

    organization: str
    user: str
    rows: Mapping[str, int]
    in_log: Sequence[tuple[str, int]]
    effect: str
    position: int


class PersonalData(Protocol):
    """Where personal data is kept, all of it outside the log."""

    def cases(self, organization: str) -> Sequence[str]:
        """Its cases in which somebody wrote something."""
        ...

    def erase(
        self, person: Person, *, name_too: bool, by: str, at: datetime
    ) -> tuple[Mapping[str, int], Sequence[tuple[str, int]]]:
        """Erase it, at once: rows by table, and events that quote the address."""
        ...


class Erasing:
    """Erases people."""

    def __init__(self, log: EventLog, books: Books, data: PersonalData) -> None:
        self._log = log
        self._books = books
        self._data = data

    def erase(
        self, organization: str, user: str, *, name_too: bool, actor: str, at: datetime
    ) -> Erased:
        """Erase what is kept of a member, now or former. Twice does nothing.

        name_too: the organization's name as well, where it is the name of a person.

        Raises:
            NotFound: the organization never had such a member.
        """
        history = self._log.read(organization_stream(organization))
        if not history:
            raise NotFound(f"there is no organization {organization}", organization=organization)
        if not any(_added(each, user) for each in history):
            raise NotFound(f"{organization} never had a member {user}", field="user")
        person = Person(organization=organization, user=user)
        texts = self._texts(person)
        person = Person(organization=organization, user=user, texts=texts)
        # First the data, then the event: whoever is interrupted in between repeats it.
        rows, in_log = self._data.erase(person, name_too=name_too, by=actor, at=at)
        told = _told(history, user) and not any(rows.values())
        position = history[-1].position
        if not told:
            position = self._tell(organization, user, actor, at)
        return Erased(
            organization=organization,
            user=user,
            rows=rows,
            in_log=in_log,
            effect="nothing" if told else "recorded",
            position=position,
        )

    def _tell(self, organization: str, user: str, actor: str, at: datetime) -> int:
        with self._books.change(organization, actor=actor) as books:
            books.append_organization([PersonalDataErased(at=at, user=user)])
        return books.position()

    def _texts(self, person: Person) -> list[str]:
        """What they wrote in cases, by the log's word of who wrote it."""
        return [
            text
            for case in self._data.cases(person.organization)
            for recorded in self._log.read(case_stream(case))
            if recorded.actor == person.actor
            if isinstance(text := getattr(recorded.event, "text", None), str)
        ]


def _added(recorded: Recorded, user: str) -> bool:
    return isinstance(recorded.event, MemberAdded) and recorded.event.user == user


def _told(history: Sequence[Recorded], user: str) -> bool:
    """Whether the log tells of an erasure since they were last added."""
    kinds = [
        type(each.event)
        for each in history
        if isinstance(each.event, (MemberAdded, PersonalDataErased)) and each.event.user == user
    ]
    return kinds[-1] is PersonalDataErased
