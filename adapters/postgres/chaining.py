"""Follows the log and links its events: a chain for each organization, and one for the rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres import arrays, log_pages, mapper
from adapters.postgres.database import Database, Rows
from domain.events.case import CaseReported
from domain.events.cycle import CycleOpened
from domain.events.organization import OrganizationRegistered
from domain.identity import stripe_stream
from projections.chain import BEGINNING, COMMON, following

PAGE = 2000
CHECKPOINT_EVERY = 1000
FOLLOWER = "chain"
"""What ``projection_tracking`` calls this follower."""

# The same as projections.chain.Row.digest: bodies need not leave the database to be linked.
_DIGEST = (
    "sha256(uuid_send(originator_id) || int8send(originator_version) || int8send(notification_id)"
    " || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)"
    " || sha256(convert_to(topic, 'UTF8')) || sha256(state))"
)
_PAGE = (
    f"SELECT originator_id, originator_version, notification_id, recorded_at, {_DIGEST}"
    " FROM cyclebook_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
)
_FIRST_ROW = (
    "INSERT INTO projection_tracking (application_name, notification_id) VALUES (%s, 0)"
    " ON CONFLICT DO NOTHING"
)
_LOCK = (
    "SELECT notification_id FROM projection_tracking WHERE application_name = %s"
    " FOR UPDATE SKIP LOCKED"
)
_MOVE = "UPDATE projection_tracking SET notification_id = %s WHERE application_name = %s"
_TRACKED = (
    "SELECT coalesce(max(notification_id), 0) FROM projection_tracking WHERE application_name = %s"
)
_STREAMS = "SELECT stream, organization FROM chain_stream WHERE stream = ANY(%b)"
_FIRST_EVENTS = (
    "SELECT originator_id, originator_version, topic, state, notification_id, recorded_at"
    " FROM cyclebook_events WHERE originator_id = ANY(%b) AND originator_version = 1"
)
_LEARN = "INSERT INTO chain_stream (stream, organization) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_HEADS = "SELECT organization, events, head FROM chain_head WHERE organization = ANY(%s)"
_PUT_HEAD = (
    "INSERT INTO chain_head (organization, position, events, head, at) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (organization) DO UPDATE SET position = excluded.position,"
    " events = excluded.events, head = excluded.head, at = excluded.at"
)
_PUT_CHECKPOINT = "INSERT INTO chain_checkpoint (organization, events, head) VALUES (%s, %s, %s)"
_LINKS = "COPY chain_link (organization, number, position, stream, version, digest) FROM STDIN"


@dataclass(slots=True)
class _End:
    """The end of a chain as a page moves it on."""

    events: int = 0
    head: bytes = BEGINNING
    position: int = 0
    at: datetime | None = None
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, position: int, at: datetime, digest: bytes) -> int:
        """Link one more; its number."""
        self.events += 1
        self.head = following(self.head, digest)
        self.position, self.at = position, at
        if self.events % CHECKPOINT_EVERY == 0:
            self.checkpoints.append((self.events, self.head))
        return self.events


class ChainFollower:
    """Links the log in pages. One row says how far, locked and moved with the links."""

    def __init__(self, database: Database, page: int = PAGE) -> None:
        self._database = database
        self._page = page

    def step(self) -> bool:
        """Link the next page; whether there may be more. Where another one is at it: no."""
        with self._database.connection() as connection:
            if log_pages.last(connection) <= linked_until(connection):
                return False
            with connection.transaction():
                connection.execute(_FIRST_ROW, [FOLLOWER])
                held = connection.execute(_LOCK, [FOLLOWER]).fetchone()
                if held is None:
                    return False
                rows = connection.execute(_PAGE, [held[0], self._page]).fetchall()
                if rows:
                    _link(connection, rows)
                    connection.execute(_MOVE, [rows[-1][2], FOLLOWER])
        return len(rows) == self._page


def linked_until(connection: Connection[Rows]) -> int:
    """The position of the last event that was linked."""
    row = connection.execute(_TRACKED, [FOLLOWER]).fetchone()
    return int(row[0]) if row else 0


def _link(connection: Connection[Rows], rows: Sequence[Rows]) -> None:
    owners = _owners(connection, {row[0] for row in rows})
    ends = _ends(connection, set(owners.values()))
    with connection.cursor().copy(_LINKS) as copy:
        for stream, version, position, at, digest in rows:
            organization = owners[stream]
            number = ends[organization].add(position, at, digest)
            copy.write_row((organization, number, position, stream, version, digest))
    with connection.cursor() as cursor:
        cursor.executemany(
            _PUT_HEAD,
            [(name, end.position, end.events, end.head, end.at) for name, end in ends.items()],
        )
        cursor.executemany(
            _PUT_CHECKPOINT,
            [(name, *each) for name, end in ends.items() for each in end.checkpoints],
        )


def _ends(connection: Connection[Rows], organizations: Iterable[str]) -> dict[str, _End]:
    ends = {name: _End() for name in sorted(organizations)}
    for name, events, head in connection.execute(_HEADS, [list(ends)]):
        ends[name] = _End(events=events, head=head)
    return ends


def _owners(connection: Connection[Rows], streams: set[UUID]) -> dict[UUID, str]:
    """Whose each stream is. What nobody owns is in the common chain."""
    found: dict[UUID, str] = dict(connection.execute(_STREAMS, [_packed(streams)]).fetchall())
    if unknown := streams - found.keys():
        learnt = _learnt(connection, unknown)
        new = {stream: COMMON for stream in unknown} | learnt
        found |= new
        with connection.cursor() as cursor:
            cursor.executemany(_LEARN, sorted(new.items()))
    return found


def _learnt(connection: Connection[Rows], streams: set[UUID]) -> dict[UUID, str]:
    """Owners by the first events of their streams. A cycle's tells its stream at Stripe as well."""
    owners: dict[UUID, str] = {}
    for stream, version, topic, state, position, at in connection.execute(
        _FIRST_EVENTS, [_packed(streams)]
    ):
        first = mapper.decode(
            topic, bytes(state), stream=stream, version=version, position=position, recorded_at=at
        ).event
        if isinstance(first, (CycleOpened, OrganizationRegistered, CaseReported)):
            owners[stream] = first.organization
        if isinstance(first, CycleOpened):
            owners[stripe_stream(first.cycle)] = first.organization
    return owners


def _packed(streams: Iterable[UUID]) -> arrays.UuidArray:
    return arrays.uuids(sorted(each.bytes for each in streams))
