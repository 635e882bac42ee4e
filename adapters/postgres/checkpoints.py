"""Checkpoints: sums of a thousand usage events each, so that long cycles replay fast.

They are derived: lose them all, and replays are slower until they are made again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from psycopg import Connection

from adapters.postgres import usage_headers
from adapters.postgres.database import Database, Rows
from application.ports import CatalogReader
from domain.errors import NotFound
from domain.events.usage import HeaderTally
from domain.tally import Tally
from projections.usage_tally import NEEDS_RECORDS, MeterOf, Stretch

EVENTS_EACH = 1000

_DUE = (
    "SELECT h.cycle_id, h.cycle_no, first.recorded_at, coalesce(c.last, 0) FROM cycle_head h"
    " JOIN cyclebook_events first"
    " ON first.originator_id = h.cycle_id AND first.originator_version = 1"
    " LEFT JOIN LATERAL (SELECT max(last_version) AS last FROM usage_checkpoint"
    " WHERE cycle_no = h.cycle_no) c ON true"
    " WHERE h.version >= coalesce(c.last, 0) + %s LIMIT %s"
)
_EVENTS = (
    f"SELECT originator_version, {usage_headers.IS_USAGE}, recorded_at,"
    f" CASE WHEN {usage_headers.IS_USAGE} THEN {usage_headers.BEGINNING} ELSE '' END"
    " FROM cyclebook_events WHERE originator_id = %s AND originator_version >= %s"
    " AND originator_version <= %s ORDER BY originator_version"
)
_INSERT = (
    "INSERT INTO usage_checkpoint"
    " (cycle_no, first_version, last_version, recorded_at, lo, hi, tallies)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


class Checkpoints:
    """Makes them where they are missing: a background duty, safe when two run at once.

    each: how many events of a cycle one checkpoint sums up.
    """

    def __init__(self, database: Database, catalog: CatalogReader, each: int = EVENTS_EACH) -> None:
        self._database = database
        self._catalog = catalog
        self._each = each

    def make(self, limit: int = 50) -> int:
        """Sum up the next thousand events of some cycles; how many checkpoints that made."""
        with self._database.connection() as connection:
            due = connection.execute(_DUE, [self._each, limit], binary=True).fetchall()
            for cycle_id, cycle_no, opened_at, last in due:
                meter_of = self._meter_of(opened_at)
                versions = range(last + 1, last + 1 + self._each)
                _checkpoint(connection, (cycle_id, cycle_no), versions, meter_of)
        return len(due)

    def _meter_of(self, opened_at: datetime) -> MeterOf:
        catalog = self._catalog.current()
        return lambda name: catalog.meter_for(name, opened_at)


def _checkpoint(
    connection: Connection[Rows], cycle: tuple[bytes, int], versions: range, meter_of: MeterOf
) -> None:
    cycle_id, cycle_no = cycle
    first, last = versions[0], versions[-1]
    rows = connection.execute(_EVENTS, [UUID(bytes=cycle_id), first, last], binary=True).fetchall()
    usage = [((cycle_id, version), state) for version, is_usage, _, state in rows if is_usage]
    parts = usage_headers.stretches(connection, usage, lambda place, stretch: True)
    whole = summed(parts, meter_of)
    tallies = msgspec.json.encode(whole.tallies).decode()
    recorded_at = rows[-1][2]
    connection.execute(_INSERT, [cycle_no, first, last, recorded_at, whole.lo, whole.hi, tallies])


def summed(parts: Iterable[Stretch], meter_of: MeterOf) -> Stretch:
    """Many stretches as one, by meter, named attachment and dimension values.

    A tally that cannot be kept as one number keeps its bounds only; it is never taken whole.

    Raises:
        NotFound: a header names a meter that was never defined.
    """
    sums: dict[tuple[str, str, tuple[tuple[str, str], ...]], _Sum] = {}
    lo, hi = None, 0
    for part in parts:
        lo, hi = part.lo if lo is None else min(lo, part.lo), max(hi, part.hi)
        for tally in part.tallies:
            key = tally.meter, tally.attachment, tuple(sorted(tally.dimensions.items()))
            found = sums.get(key)
            if found is None:
                found = _Sum(_aggregation(meter_of, tally.meter), tally)
            elif tally.hi >= found.hi:
                del sums[key]  # of two values at one instant the later one counts: it comes last
            found.add(tally)
            sums[key] = found
    return Stretch(lo or 0, hi, _headers(sums.values()))


class _Sum:
    """One tally of a checkpoint in the making."""

    def __init__(self, aggregation: str, first: HeaderTally) -> None:
        self._aggregation = aggregation
        self._first = first
        self._lo, self.hi = first.lo, first.hi
        self._tally = Tally()

    def add(self, part: HeaderTally) -> None:
        self._lo, self.hi = min(self._lo, part.lo), max(self.hi, part.hi)
        if self._aggregation in NEEDS_RECORDS:
            self._tally.records += part.records
        else:
            self._tally.add(self._aggregation, part.quantity, part.hi, part.records)

    def header(self) -> HeaderTally:
        first, tally = self._first, self._tally
        return HeaderTally(
            meter=first.meter,
            attachment=first.attachment,
            dimensions=first.dimensions,
            records=tally.records,
            quantity=_text(tally.quantity),
            lo=self._lo,
            hi=self.hi,
        )


def _headers(sums: Iterable[_Sum]) -> Sequence[HeaderTally]:
    return tuple(each.header() for each in sums)


def _text(quantity: Decimal) -> str:
    return f"{quantity:f}"


def _aggregation(meter_of: MeterOf, name: str) -> str:
    meter = meter_of(name)
    if meter is None:
        raise NotFound(f"the books hold usage of {name}, which is no meter", meter=name)
    return meter.aggregation
