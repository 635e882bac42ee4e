"""The tables that projections keep: usage by day and one line about each invoice."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Protocol
from uuid import UUID

from psycopg import Connection

from adapters.postgres import arrays, usage_headers
from adapters.postgres.database import Rows
from adapters.postgres.log_pages import Logged
from adapters.postgres.places import Places
from adapters.postgres.recounting import recounted
from domain.catalog import Meter
from domain.events.cycle import CycleEvent, CycleOpened
from domain.events.stripe_invoice import StripeInvoiceEvent
from domain.identity import stripe_stream
from projections.invoice_summary import InvoiceSummary, summary_of, updated
from projections.usage_by_day import DailyUsage, DayKey, Days, Place
from projections.usage_tally import Stretch

_EPOCH = date(1970, 1, 1)


class ReadModel(Protocol):
    """Some tables that follow from the log alone. suffix: ends their names while rebuilt."""

    @property
    def tables(self) -> tuple[str, ...]:
        """What they are called."""
        ...

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Take a page into account, within the caller's transaction."""
        ...


_DAY_ROWS = (
    "INSERT INTO usage_by_day{suffix} AS u"
    " (organization, meter, day, quantity, records, latest_at)"
    " SELECT o, m, date '1970-01-01' + d::int, trim_scale(q::numeric), n, a"
    " FROM unnest(%b, %b, %b, %b, %b, %b) AS x(o, m, d, q, n, a)"
    " ON CONFLICT (organization, meter, day) DO UPDATE SET records = u.records + excluded.records,"
    " latest_at = greatest(u.latest_at, excluded.latest_at), quantity = "
)
_ADDED = "trim_scale(u.quantity + excluded.quantity)"
_DAY_QUANTITY = {
    "sum": _ADDED,
    "count": _ADDED,
    "unique": _ADDED,
    "max": "greatest(u.quantity, excluded.quantity)",
    "latest": (
        "CASE WHEN excluded.latest_at >= u.latest_at THEN excluded.quantity ELSE u.quantity END"
    ),
}
_DAY_VALUES = (
    "INSERT INTO usage_by_day_value{suffix} (organization, meter, day, value)"
    " SELECT o, m, date '1970-01-01' + d::int, v FROM unnest(%b, %b, %b, %b) AS x(o, m, d, v)"
    " ON CONFLICT DO NOTHING RETURNING organization, meter, day"
)


_CLEAR_DAYS = (
    "DELETE FROM {table} AS u USING unnest(%b, %b, %b) AS x(o, m, d)"
    " WHERE (organization, meter, day) = (o, m, date '1970-01-01' + d::int)"
)


class UsageByDay:
    """Usage by organization, meter and local day."""

    tables = ("usage_by_day", "usage_by_day_value")

    def __init__(self, places: Places) -> None:
        self._places = places

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Add a page's usage to its days; count those again that its corrections touch."""
        usage = [each for each in page if each.event is None]
        if usage:
            self._add(connection, usage, suffix)
        touched, days = recounted(connection, self._places, page)
        if touched:
            _clear_days(connection, touched, suffix)
            _write_days(connection, days, suffix)

    def _add(self, connection: Connection[Rows], usage: Sequence[Logged], suffix: str) -> None:
        events = [((each.stream, each.version), each.beginning) for each in usage]
        self._places.load(connection, (stream for (stream, _), _ in events))
        daily = DailyUsage()
        stretches = usage_headers.stretches(
            connection, events, lambda at, stretch: daily.whole(*self._about(at[0], stretch))
        )
        for ((stream, _), _), stretch in zip(events, stretches, strict=True):
            daily.add(*self._about(stream, stretch))
        _write_days(connection, daily.days, suffix)

    def _about(
        self, stream: bytes, stretch: Stretch
    ) -> tuple[Place, Stretch, Callable[[str], Meter]]:
        cycle = self._places.of(stream)
        return cycle.place, stretch, partial(self._places.meter, cycle)


def _clear_days(connection: Connection[Rows], keys: Iterable[DayKey], suffix: str) -> None:
    columns = _key_columns(sorted(keys))
    for table in UsageByDay.tables:
        connection.execute(_CLEAR_DAYS.replace("{table}", table + suffix).encode(), columns)


def _write_days(connection: Connection[Rows], days: Days, suffix: str) -> None:
    new = _new_values(connection, days, suffix)
    by_kind: dict[str, list[tuple[DayKey, Decimal, int, int]]] = {}
    for key, (kind, tally) in sorted(days.items()):
        quantity = Decimal(new.get(key, 0)) if kind == "unique" else tally.quantity
        row = key, quantity, tally.records, tally.latest_at
        by_kind.setdefault(kind, []).append(row)
    for kind, rows in by_kind.items():
        keys, quantities, records, latest = zip(*rows, strict=True)
        values = [
            *_key_columns(keys),
            arrays.texts([f"{quantity:f}".encode() for quantity in quantities]),
            arrays.bigints(records),
            arrays.bigints(latest),
        ]
        statement = _DAY_ROWS.replace("{suffix}", suffix) + _DAY_QUANTITY[kind]
        connection.execute(statement.encode(), values, prepare=True)


def _new_values(connection: Connection[Rows], days: Days, suffix: str) -> dict[DayKey, int]:
    """How many distinct values each day sees for the first time."""
    seen = [(key, value) for key, (_, tally) in days.items() for value in tally.values]
    if not seen:
        return {}
    keys, values = zip(*sorted(seen), strict=True)
    statement = _DAY_VALUES.replace("{suffix}", suffix).encode()
    columns = [*_key_columns(keys), arrays.texts([value.encode() for value in values])]
    found: dict[DayKey, int] = {}
    for row in connection.execute(statement, columns).fetchall():
        found[DayKey(*row)] = found.get(DayKey(*row), 0) + 1
    return found


def _key_columns(keys: Iterable[DayKey]) -> list[arrays.PackedArray]:
    organizations, meters, days = zip(*keys, strict=True)
    return [
        arrays.texts([each.encode() for each in organizations]),
        arrays.texts([each.encode() for each in meters]),
        arrays.bigints([(day - _EPOCH).days for day in days]),
    ]


_SUMMARY = (
    "cycle, organization, currency, starts, ends, status, held, total, credited,"
    " number, issued_at, stripe_invoice, stripe_state, proved_at, position"
)
_NAMES = tuple(_SUMMARY.replace(" ", "").split(","))
_READ = (
    f"SELECT cycle_id, stripe_id, {_SUMMARY} FROM invoice_summary{{suffix}}"
    " WHERE cycle_id = ANY(%b) OR stripe_id = ANY(%b)"
)
_WRITE = (
    f"INSERT INTO invoice_summary{{suffix}} (cycle_id, stripe_id, {_SUMMARY})"
    f" VALUES ({', '.join(['%s'] * (2 + len(_NAMES)))}) ON CONFLICT (cycle_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[4:])
)


class InvoiceSummaries:
    """One row for each billing cycle."""

    tables = ("invoice_summary",)

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Bring the rows of a page's cycles up to date."""
        events = [each for each in page if isinstance(each.event, CycleEvent | StripeInvoiceEvent)]
        if not events:
            return
        rows = _Summaries(connection, [each.stream for each in events], suffix)
        for each in events:
            rows.apply(each)
        rows.write(connection, suffix)


class _Summaries:
    """The rows that a page touches. Both streams of a cycle lead to its row."""

    def __init__(self, connection: Connection[Rows], streams: Iterable[bytes], suffix: str) -> None:
        self._rows: dict[bytes, InvoiceSummary] = {}
        self._cycles: dict[bytes, bytes] = {}
        self._changed: set[bytes] = set()
        ids = arrays.uuids(sorted(set(streams)))
        statement = _READ.replace("{suffix}", suffix).encode()
        for cycle_id, stripe_id, *row in connection.execute(
            statement, [ids, ids], binary=True, prepare=True
        ):
            summary = InvoiceSummary(**dict(zip(_NAMES, row, strict=True)))
            self._add(cycle_id, stripe_id, summary)

    def apply(self, logged: Logged) -> None:
        if isinstance(logged.event, CycleOpened):
            stripe_id = stripe_stream(logged.event.cycle).bytes
            self._add(logged.stream, stripe_id, summary_of(logged.event, logged.position))
            self._changed.add(logged.stream)
            return
        cycle_id = self._cycles[logged.stream]
        known = self._rows[cycle_id]
        row = updated(known, logged.event, logged.position)
        if row is not known:
            self._rows[cycle_id] = row
            self._changed.add(cycle_id)

    def write(self, connection: Connection[Rows], suffix: str) -> None:
        rows = [
            [UUID(bytes=cycle_id), stripe_stream(row.cycle), *_values(row)]
            for cycle_id, row in sorted(self._rows.items())
            if cycle_id in self._changed
        ]
        statement = _WRITE.replace("{suffix}", suffix).encode()
        connection.cursor().executemany(statement, rows)

    def _add(self, cycle_id: bytes, stripe_id: bytes, summary: InvoiceSummary) -> None:
        self._rows[cycle_id] = summary
        self._cycles[cycle_id] = self._cycles[stripe_id] = cycle_id


def _values(summary: InvoiceSummary) -> list[object]:
    return [getattr(summary, name) for name in _NAMES]
