"""A hash chain over stored events: a link holds its event and, by the one before, all others."""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.events.usage import micros

BEGINNING = bytes(32)
"""The link before the first."""
COMMON = ""
"""The chain of what belongs to no organization: the catalog. No organization has this name."""

_NUMBERS = struct.Struct("!qqq")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An event as it is stored."""

    stream: UUID
    version: int
    position: int
    topic: str
    state: bytes
    recorded_at: datetime

    @property
    def digest(self) -> bytes:
        """SHA-256 over all of it, 32 bytes.

        Over the stream's 16 bytes; version, position and recorded_at in microseconds since 1970
        as 8 bytes each, the highest first; the SHA-256 of the topic and that of the body.
        """
        numbers = _NUMBERS.pack(self.version, self.position, micros(self.recorded_at))
        return _sha(self.stream.bytes + numbers + _sha(self.topic.encode()) + _sha(self.state))


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What a chain keeps of an event. number: its place in the chain; the first is 1."""

    number: int
    position: int
    stream: UUID
    version: int
    digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where a chain stood after some events. organization: empty for the catalog's.

    position, at: of the last of them in the log. head: the last link, 32 bytes.
    """

    organization: str
    position: int
    events: int
    head: bytes
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a chain's link was said to be after so many events. by: where that was kept."""

    events: int
    head: bytes
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """An event that is not what it was. about: the stream, for people; or the chain.

    what: ``altered``, ``removed``, ``inserted``, ``rewritten`` or ``unlinked``. version and
    position are those that the chain keeps; ``None`` where it is about many events.
    """

    organization: str
    about: str
    what: str
    version: int | None = None
    position: int | None = None
    detail: str = ""


def following(link: bytes, digest: bytes) -> bytes:
    """The link after a link, for the row of a digest."""
    return _sha(link + digest)


def _sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Walk:
    """A chain walked from its beginning, against the log and against what is known of it.

    known: its links after some events, as they were kept. Once one of them differs all later
    ones do, so only the first is told.
    """

    def __init__(self, organization: str, known: Iterable[Kept] = ()) -> None:
        self.organization = organization
        self.events = 0
        self.link = BEGINNING
        self._known = sorted(known, key=lambda each: each.events)
        self._agreed = 0
        self._parted = False

    def take(self, link: Link, row: Row | None, about: str) -> Iterator[Damage]:
        """The next link, and what the log holds in its place. about: names the stream."""
        if row is None:
            yield self._damage(link, about, "removed", "the log does not hold it any more")
        elif row.digest != link.digest:
            yield self._damage(link, about, "altered", _difference(link, row))
        yield from self.go_on(link)

    def go_on(self, link: Link) -> Iterator[Damage]:
        """The next link, at its word."""
        if link.number != self.events + 1:
            gone = f"links {self.events + 1} to {link.number - 1} are gone"
            yield Damage(
                organization=self.organization, about=self.name, what="unlinked", detail=gone
            )
        self.events = link.number
        self.link = following(self.link, link.digest)
        yield from self._compare()

    def end(self) -> Iterator[Damage]:
        """What was kept of events that the chain does not reach."""
        if self._known and not self._parted:
            yield self._parting(self._known[0], f"the chain ends after {self.events}")

    @property
    def name(self) -> str:
        """Of the chain, for people."""
        return named(self.organization)

    def _compare(self) -> Iterator[Damage]:
        while self._known and self._known[0].events <= self.events and not self._parted:
            kept = self._known.pop(0)
            if kept.events == self.events and kept.head == self.link:
                self._agreed = kept.events
            else:
                told = f"{kept.by} says {kept.head.hex()}, the events come to {self.link.hex()}"
                yield self._parting(kept, told)

    def _parting(self, kept: Kept, told: str) -> Damage:
        self._parted = True
        span = f"some of the events {self._agreed + 1} to {kept.events} of this chain: {told}"
        return Damage(
            organization=self.organization, about=self.name, what="rewritten", detail=span
        )

    def _damage(self, link: Link, about: str, what: str, detail: str) -> Damage:
        return Damage(
            organization=self.organization,
            about=about,
            what=what,
            version=link.version,
            position=link.position,
            detail=detail,
        )


def named(organization: str) -> str:
    """A chain's name for people."""
    return organization or "catalog"


def _difference(link: Link, row: Row) -> str:
    if row.position != link.position:
        return f"it stands at position {row.position} now"
    return f"{row.topic} has another content, topic or recorded_at"
