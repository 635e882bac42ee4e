"""Reading usage events without their records, which lie at the end of the body.

Most folds need a few hundred bytes of a body that may have a hundred thousand. The server cuts
the beginning off, so the rest is neither sent nor parsed.
"""

from collections.abc import Callable, Iterator, Sequence

from psycopg import Connection

from adapters.postgres import arrays, mapper
from adapters.postgres.database import Rows
from projections.usage_tally import Stretch

PREFIX = 4096
BEGINNING = f"substring(state FROM 1 FOR {PREFIX})"
IS_USAGE = "starts_with(topic, 'UsageRecorded@')"

_RECORDS_BEGIN = b',"records":['
_AT_ONCE = 64

_BODIES = (
    "SELECT state FROM unnest(%b, %b) WITH ORDINALITY AS w(id, version, place)"
    " JOIN cyclebook_events ON originator_id = w.id AND originator_version = w.version"
    " ORDER BY w.place"
)

Place = tuple[bytes, int]
"""Stream, as raw bytes, and version."""


def stretches(
    connection: Connection[Rows],
    events: Sequence[tuple[Place, bytes]],
    whole: Callable[[Place, Stretch], bool],
) -> Iterator[Stretch]:
    """Usage events as stretches, in the order given, with their records where asked for.

    events: each with the first ``PREFIX`` bytes of its body. whole: whether its header will do.
    """
    found: list[Stretch | None] = []
    long: list[Place] = []
    for place, beginning in events:
        stretch = header(beginning)
        if stretch is not None and whole(place, stretch):
            found.append(stretch)
            continue
        found.append(None)
        if len(beginning) == PREFIX:
            long.append(place)
    rest = _bodies(connection, long)
    for stretch, (place, beginning) in zip(found, events, strict=True):
        if stretch is None:
            body = next(rest) if len(beginning) == PREFIX else beginning
            stretch = opened(body, place, whole)
        yield stretch


def header(beginning: bytes) -> Stretch | None:
    """The header in the first ``PREFIX`` bytes of a body, unless it is longer than that.

    A quote within a JSON string has a backslash before it, so the mark cannot lie in one.
    """
    end = beginning.find(_RECORDS_BEGIN)
    if end >= 0:
        found = mapper.decode_header(beginning[:end] + b"}")
    elif len(beginning) < PREFIX:
        found = mapper.decode_header(beginning)
    else:
        return None
    return Stretch(found.lo, found.hi, found.tallies)


def opened(body: bytes, place: Place, whole: Callable[[Place, Stretch], bool]) -> Stretch:
    """A stretch from a whole body."""
    found = mapper.decode_header(body)
    stretch = Stretch(found.lo, found.hi, found.tallies)
    if not whole(place, stretch):
        stretch.records = mapper.decode_records(body)
    return stretch


def _bodies(connection: Connection[Rows], places: Sequence[Place]) -> Iterator[bytes]:
    """Whole bodies of some events, in the order asked for, a few at a time."""
    for at in range(0, len(places), _AT_ONCE):
        streams, versions = zip(*places[at : at + _AT_ONCE], strict=True)
        rows = connection.execute(
            _BODIES, [arrays.uuids(streams), arrays.bigints(versions)], binary=True, prepare=True
        )
        for (state,) in rows.fetchall():
            yield state
