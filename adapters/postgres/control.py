"""Control events: everything about a billing cycle but its usage."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from psycopg import Connection

from adapters.postgres import detached, event_log
from adapters.postgres.database import Rows
from domain.billing_cycle import BillingCycle, opened
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened

_COLUMNS = "originator_version, topic, state, notification_id, recorded_at"
_CONTROL = "NOT starts_with(topic, 'UsageRecorded@')"
MANY = (
    f"SELECT {_COLUMNS}, originator_id FROM cyclebook_events WHERE originator_id = ANY(%s)"
    f" AND {_CONTROL} ORDER BY originator_id, originator_version"
)
ONE = (
    f"SELECT {_COLUMNS} FROM cyclebook_events WHERE originator_id = %s"
    " AND originator_version > %s AND originator_version <= %s"
    f" AND {_CONTROL} ORDER BY originator_version"
)
NEWEST = (1 << 63) - 1


def read_control(
    connection: Connection[Rows], cycle_id: bytes, after: int = 0, to: int = NEWEST
) -> list[Recorded]:
    """A cycle's control events after a version and up to another, in order.

    Raises:
        MonthArchived: they are not in the log any more.
    """
    stream = UUID(bytes=cycle_id)
    rows = connection.execute(ONE, [stream, after, to], binary=True, prepare=True).fetchall()
    if not rows:
        detached.require_here(connection, [stream])
    return [event_log.recorded(stream, row) for row in rows]


def read_controls(
    connection: Connection[Rows], cycle_ids: Sequence[bytes]
) -> dict[bytes, list[Recorded]]:
    """The control events of many cycles, by raw cycle id, each in order.

    Raises:
        MonthArchived: those of one are not in the log any more.
    """
    if not cycle_ids:
        return {}
    streams = {each: UUID(bytes=each) for each in cycle_ids}
    rows = connection.execute(MANY, [list(streams.values())], binary=True, prepare=True)
    control: dict[bytes, list[Recorded]] = {}
    for *row, cycle_id in rows:
        recorded = event_log.recorded(streams[cycle_id], tuple(row))
        control.setdefault(cycle_id, []).append(recorded)
    detached.require_here(connection, (streams[each] for each in streams if each not in control))
    return control


def build_cycle(control: Iterable[Recorded]) -> BillingCycle:
    """A cycle from its control events.

    Raises:
        TypeError: they do not begin with ``CycleOpened``.
    """
    cycle: BillingCycle | None = None
    for recorded in control:
        if isinstance(recorded.event, CycleOpened):
            cycle = opened(recorded.event, recorded.recorded_at)
        elif cycle is not None:
            cycle.apply(recorded.event)
    if cycle is None:
        raise TypeError("a cycle's history does not begin with CycleOpened")
    return cycle
