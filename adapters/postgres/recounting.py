"""Days that corrections touch, counted again from the log as it stood at a position."""

from collections.abc import Iterable, Sequence, Set
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from psycopg import Connection

from adapters.postgres.control import build_cycle, read_control
from adapters.postgres.database import Rows
from adapters.postgres.log_pages import Logged
from adapters.postgres.logged_usage import LoggedUsage
from adapters.postgres.places import Places
from domain.correction import RecordId
from projections.usage_by_day import CORRECTIONS, DayKey, Days, Recount, days_touched

_EPOCH = date(1970, 1, 1)
_DAY_US = 86_400_000_000
_ZONES_DIFFER_MAX = timedelta(days=2)

_CYCLES = (
    "SELECT cycle_id, cycle_no FROM cycle_head WHERE organization = %s AND starts < %s"
    " AND ends > %s ORDER BY starts"
)
_VERSION = (
    "SELECT max(originator_version) FROM cyclebook_events"
    " WHERE originator_id = %s AND notification_id <= %s"
)


def recounted(
    connection: Connection[Rows], places: Places, page: Sequence[Logged]
) -> tuple[Set[DayKey], Days]:
    """The days that a page's corrections touch, and what is on them after its last event."""
    ids: dict[bytes, set[RecordId]] = {}
    for each in page:
        if isinstance(each.event, CORRECTIONS):
            ids.setdefault(each.stream, set()).add((each.event.source, each.event.id))
    if not ids:
        return frozenset(), {}
    places.load(connection, ids)
    end, wanted = page[-1].position, set[DayKey]()
    for stream, records in ids.items():
        control = read_control(connection, stream, to=_version(connection, stream, end))
        place = places.of(stream).place
        wanted |= days_touched(place, (each.event for each in control), records)
    days: Days = {}
    for organization in sorted({key.organization for key in wanted}):
        mine = {key for key in wanted if key.organization == organization}
        days |= _count(connection, places, organization, mine, end)
    return wanted, days


def _count(
    connection: Connection[Rows],
    places: Places,
    organization: str,
    wanted: Set[DayKey],
    end: int,
) -> Days:
    """An organization's days, from every cycle that may hold some of their usage."""
    recount = Recount(wanted)
    cycles = _cycles(connection, organization, [key.day for key in wanted])
    places.load(connection, [cycle_id for cycle_id, _ in cycles])
    for cycle_id, cycle_no in cycles:
        version = _version(connection, cycle_id, end)
        if version == 0:  # it was opened later
            continue
        cycle = places.of(cycle_id)
        meter_of = partial(places.meter, cycle)
        known = build_cycle(read_control(connection, cycle_id, to=version)).as_known()
        recount.correct(cycle.place, known.corrections)
        usage = LoggedUsage(connection, cycle_id, cycle_no, version)
        whole = partial(recount.whole, cycle.place, meter_of=meter_of)
        for stretch in usage.read(whole):
            recount.add(cycle.place, stretch, meter_of)
    return recount.days


def _cycles(
    connection: Connection[Rows], organization: str, days: Iterable[date]
) -> list[tuple[bytes, int]]:
    found = sorted(days)
    first, last = found[0] - _ZONES_DIFFER_MAX, found[-1] + _ZONES_DIFFER_MAX
    span = [(last - _EPOCH).days * _DAY_US, (first - _EPOCH).days * _DAY_US]
    rows = connection.execute(_CYCLES, [organization, *span], binary=True, prepare=True)
    return [(cycle_id, cycle_no) for cycle_id, cycle_no in rows.fetchall()]


def _version(connection: Connection[Rows], stream: bytes, end: int) -> int:
    """Of a cycle's last event up to a position; 0 where there is none."""
    row = connection.execute(_VERSION, [UUID(bytes=stream), end], prepare=True).fetchone()
    return (row[0] or 0) if row else 0
