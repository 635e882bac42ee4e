"""The chains as they are kept, and the log compared with them, event by event."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from psycopg import Connection

from adapters.postgres import event_log
from adapters.postgres.chaining import ChainFollower, linked_until
from adapters.postgres.database import Rows
from adapters.postgres.detached import month_of_stream, months
from adapters.postgres.stream_names import name_of
from domain.errors import NotFound
from projections.chain import (
    BEGINNING,
    COMMON,
    Damage,
    Head,
    Kept,
    Link,
    Row,
    Walk,
    following,
    named,
)

PAGE = 1000

_NAMES = "SELECT organization FROM chain_head ORDER BY organization"
_HEAD = "SELECT position, events, head, at FROM chain_head WHERE organization = %s"
_CHECKPOINTS = "SELECT events, head FROM chain_checkpoint WHERE organization = %s"
_LINKS = """
    SELECT l.number, l.position, l.stream, l.version, l.digest,
        e.notification_id, e.topic, e.state, e.recorded_at
    FROM chain_link l
    LEFT JOIN cyclebook_events e
        ON e.originator_id = l.stream AND e.originator_version = l.version
    WHERE l.organization = %s AND l.number > %s ORDER BY l.number LIMIT %s
"""
_INSERTED = """
    SELECT e.originator_id, e.originator_version, e.notification_id, e.topic,
        coalesce(s.organization, '')
    FROM cyclebook_events e
    LEFT JOIN chain_stream s ON s.stream = e.originator_id
    WHERE e.notification_id <= %(until)s
        AND (%(organization)s::text IS NULL OR s.organization = %(organization)s)
        AND NOT EXISTS (SELECT FROM chain_link l
            WHERE l.stream = e.originator_id AND l.version = e.originator_version)
    ORDER BY e.notification_id
"""

_DIGESTS = """
    SELECT l.digest FROM chain_link l JOIN detached_month m
        ON l.stream >= m.first_id AND l.stream < m.after_id
    WHERE m.month = %s ORDER BY l.position
"""

Linked = tuple[Link, Row | None]


class PostgresChain(ChainFollower):
    """The ``Chain`` port."""

    def head(self, organization: str) -> Head:
        """Where a chain stands."""
        with self._database.connection() as connection:
            return _head(connection, organization)

    def names(self) -> Sequence[str]:
        """Of all chains."""
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(_NAMES)]

    def links(self, organization: str, until: int) -> Iterator[Linked]:
        """A chain up to so many events. A connection is borrowed for each page."""
        after = 0
        while after < until:
            size = min(PAGE, until - after)
            with self._database.connection() as connection:
                rows = connection.execute(
                    _LINKS, [organization, after, size], binary=True
                ).fetchall()
            if not rows:
                return
            yield from map(_linked, rows)
            after = rows[-1][0]

    @contextmanager
    def opened(self) -> Iterator["OpenChains"]:
        """All chains and the log in one read-only view of the database."""
        with self._database.connection() as connection, connection.transaction():
            event_log.at_one_moment(connection)
            yield OpenChains(connection)

    def verify(
        self, organization: str | None, published: Mapping[str, Sequence[Head]]
    ) -> Iterator[Damage]:
        """What the log, the links and the heads do not agree about."""
        with self.opened() as chains:
            names = chains.names() if organization is None else [organization]
            for name in sorted({*names, *published} if organization is None else names):
                yield from chains.differing(name, published.get(name, ()))
            yield from chains.inserted(organization)
            if organization is None:
                yield from chains.resealed()


class OpenChains:
    """Chains at one moment."""

    def __init__(self, connection: Connection[Rows]) -> None:
        self._connection = connection
        self._months: set[str] | None = None

    def names(self) -> Sequence[str]:
        """Of all chains."""
        return [row[0] for row in self._connection.execute(_NAMES)]

    def head(self, organization: str) -> Head:
        """Where a chain stands."""
        return _head(self._connection, organization)

    def links(self, organization: str) -> Iterator[Linked]:
        """A chain's links with what the log holds in their places, in order."""
        after = 0
        while rows := self._connection.execute(
            _LINKS, [organization, after, PAGE], binary=True
        ).fetchall():
            for row in rows:
                yield _linked(row)
            after = rows[-1][0]

    def differing(self, organization: str, published: Sequence[Head]) -> Iterator[Damage]:
        """What one chain and the log do not agree about.

        Raises:
            NotFound: there is no such chain.
        """
        head = self.head(organization)
        if head.events == 0 and not published:
            raise NotFound(f"there is no chain of {named(organization)}", organization=organization)
        walk = Walk(organization, [*self._kept(organization, head), *_said(published)])
        for link, row in self.links(organization):
            if row is None and self._is_detached(link.stream):
                yield from walk.go_on(link)
                continue
            broken = row is None or row.digest != link.digest
            about = name_of(self._connection, link.stream) if broken else ""
            yield from walk.take(link, row, about)
        yield from walk.end()

    def resealed(self) -> Iterator[Damage]:
        """Detached months whose links do not come to what their file was sealed with."""
        for month in months(self._connection):
            link, events = BEGINNING, 0
            for (digest,) in self._connection.execute(_DIGESTS, [month.month]):
                link, events = following(link, digest), events + 1
            if (link.hex(), events) != (month.seal, month.events):
                yield Damage(
                    organization=COMMON,
                    about=f"{month.month}, detached",
                    what="rewritten",
                    detail=f"{events} links come to {link.hex()}, its archive holds {month.events} "
                    f"events that come to {month.seal}",
                )

    def _is_detached(self, stream: UUID) -> bool:
        if self._months is None:
            self._months = {each.month for each in months(self._connection)}
        return month_of_stream(stream) in self._months

    def inserted(self, organization: str | None) -> Iterator[Damage]:
        """Events among those already linked that have no link."""
        values = {"organization": organization, "until": linked_until(self._connection)}
        for stream, version, position, topic, owner in self._connection.execute(_INSERTED, values):
            yield Damage(
                organization=owner,
                about=name_of(self._connection, stream),
                what="inserted",
                version=version,
                position=position,
                detail=f"{topic} was not there when its neighbours were linked",
            )

    def _kept(self, organization: str, head: Head) -> Iterator[Kept]:
        for events, link in self._connection.execute(_CHECKPOINTS, [organization]):
            yield Kept(events=events, head=link, by="a checkpoint")
        if head.events:
            yield Kept(events=head.events, head=head.head, by="the stored head")


def _said(published: Sequence[Head]) -> Iterator[Kept]:
    for each in published:
        if each.events:
            yield Kept(events=each.events, head=each.head, by="the head that was kept elsewhere")


def _head(connection: Connection[Rows], organization: str) -> Head:
    row = connection.execute(_HEAD, [organization]).fetchone()
    position, events, head, at = row or (0, 0, BEGINNING, None)
    return Head(organization=organization, position=position, events=events, head=head, at=at)


def _linked(found: Rows) -> Linked:
    number, position, stream, version, digest, stands_at, topic, state, recorded_at = found
    key = UUID(bytes=bytes(stream)) if not isinstance(stream, UUID) else stream
    link = Link(number=number, position=position, stream=key, version=version, digest=digest)
    if topic is None:
        return link, None
    return link, Row(
        stream=key,
        version=version,
        position=stands_at,
        topic=topic,
        state=state,
        recorded_at=recorded_at,
    )
