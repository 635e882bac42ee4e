"""The tally tables: what usage adds up to, kept in the transaction that appends it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import Connection, Cursor

from adapters.postgres import arrays
from adapters.postgres.database import Rows
from domain.catalog import Meter
from domain.tally import Tallies, Tally, TallyKey

_COLUMNS = "(cycle_no, tally, quantity, records, latest_at)"
_VALUES = (
    f" {_COLUMNS} SELECT c, t, q::numeric, n, a FROM unnest(%b, %b, %b, %b, %b)"
    " AS x(c, t, q, n, a) ON CONFLICT (cycle_no, tally) DO UPDATE SET records = u.records +"
    " excluded.records, "
)
ADD = f"INSERT INTO usage_tally AS u{_VALUES}quantity = u.quantity + excluded.quantity"
HIGHEST = f"INSERT INTO usage_tally AS u{_VALUES}quantity = greatest(u.quantity, excluded.quantity)"
LATEST = (
    f"INSERT INTO usage_tally AS u{_VALUES}"
    "quantity = CASE WHEN excluded.latest_at >= u.latest_at THEN excluded.quantity"
    " ELSE u.quantity END, latest_at = greatest(u.latest_at, excluded.latest_at)"
)
UPSERTS = {
    "sum": ADD,
    "count": ADD,
    "unique": ADD,
    "time_weighted": ADD,
    "max": HIGHEST,
    "latest": LATEST,
}
# What was there before the statement tells how many values count more, or less, than they did.
SEE_VALUES = """
    WITH sent AS (
        SELECT c AS cycle_no, t AS tally, v AS value, a AS at, r = 1 AS removed
        FROM unnest(%b, %b, %b, %b, %b) AS x(c, t, v, a, r)
    ), known AS (
        SELECT cycle_no, tally, value, u.removed FROM usage_value u
        JOIN sent USING (cycle_no, tally, value)
    ), stored AS (
        INSERT INTO usage_value AS u (cycle_no, tally, value, at, removed)
        SELECT cycle_no, tally, value, at, removed FROM sent
        ON CONFLICT (cycle_no, tally, value)
        DO UPDATE SET at = excluded.at, removed = excluded.removed WHERE excluded.at >= u.at
        RETURNING cycle_no, tally, value, removed
    )
    SELECT cycle_no, tally,
        sum((NOT stored.removed)::int - coalesce((NOT known.removed)::int, 0))
    FROM stored LEFT JOIN known USING (cycle_no, tally, value) GROUP BY cycle_no, tally
"""
POINTS = (
    "INSERT INTO usage_point AS p (cycle_no, tally, at, value)"
    " SELECT c, t, a, v::numeric FROM unnest(%b, %b, %b, %b) AS x(c, t, a, v)"
    " ON CONFLICT (cycle_no, tally, at) DO UPDATE SET value = excluded.value"
)
READ = (
    "SELECT cycle_no, tally, quantity, records, latest_at FROM usage_tally WHERE cycle_no = ANY(%s)"
)
READ_POINTS = "SELECT cycle_no, tally, at, value FROM usage_point WHERE cycle_no = ANY(%s)"
CLEAR = (
    "DELETE FROM usage_tally WHERE cycle_no = %s",
    "DELETE FROM usage_value WHERE cycle_no = %s",
    "DELETE FROM usage_point WHERE cycle_no = %s",
)


_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class TallyRows:
    """Rows to be upserted, by the statement that merges them."""

    by_statement: dict[str, list[tuple[int, bytes, bytes, int, int]]] = field(default_factory=dict)
    values: list[tuple[int, bytes, str, int, bool]] = field(default_factory=list)
    points: list[tuple[int, bytes, int, Decimal]] = field(default_factory=list)

    def add(self, cycle_no: int, text: bytes, aggregation: str, tally: Tally) -> None:
        """One cycle's change of one tally. text: its name, by ``encode_key``."""
        quantity = b"0" if aggregation in ("unique", "time_weighted") else _text(tally.quantity)
        row = (cycle_no, text, quantity, tally.records, tally.latest_at)
        self.by_statement.setdefault(UPSERTS[aggregation], []).append(row)
        if tally.values:
            values = sorted(tally.values.items())
            self.values += [(cycle_no, text, value, *seen) for value, seen in values]
        if tally.points:
            points = sorted(tally.points.items())
            self.points += [(cycle_no, text, at, value) for at, value in points]

    def write(self, cursor: Cursor[Rows]) -> None:
        """Upsert all of it. The heads of the cycles are locked by the caller."""
        for statement, rows in self.by_statement.items():
            cursor.execute(statement, _columns(rows), prepare=True)
        if self.points:
            cycles, names, instants, values = zip(*self.points, strict=True)
            texts = [_text(value) for value in values]
            cursor.execute(
                POINTS,
                [
                    arrays.bigints(cycles),
                    arrays.texts(names),
                    arrays.bigints(instants),
                    arrays.texts(texts),
                ],
            )

    def count_values(self, cursor: Cursor[Rows]) -> None:
        """Turn values that count now, or no more, into quantities of their tallies; before
        ``write``."""
        if not self.values:
            return
        cycles, names, values, instants, removed = zip(*self.values, strict=True)
        cursor.execute(
            SEE_VALUES,
            [
                arrays.bigints(cycles),
                arrays.texts(names),
                arrays.texts([value.encode() for value in values]),
                arrays.bigints(instants),
                arrays.bigints([int(each) for each in removed]),
            ],
        )
        for cycle_no, name, more in cursor.fetchall():
            row = (cycle_no, name.encode(), str(more).encode(), 0, 0)
            self.by_statement.setdefault(ADD, []).append(row)
        self.by_statement = {
            statement: _merged(rows) if statement == ADD else rows
            for statement, rows in self.by_statement.items()
        }


def _merged(
    rows: Iterable[tuple[int, bytes, bytes, int, int]],
) -> list[tuple[int, bytes, bytes, int, int]]:
    """One row for each tally: an upsert may not meet the same row twice."""
    found: dict[tuple[int, bytes], tuple[Decimal, int]] = {}
    for cycle_no, name, quantity, records, _ in rows:
        have = found.get((cycle_no, name), (Decimal(0), 0))
        found[cycle_no, name] = (have[0] + Decimal(quantity.decode()), have[1] + records)
    return [(*place, _text(quantity), count, 0) for place, (quantity, count) in found.items()]


def _columns(rows: Sequence[tuple[int, bytes, bytes, int, int]]) -> list[arrays.PackedArray]:
    cycles, names, quantities, records, latest = zip(*rows, strict=True)
    return [
        arrays.bigints(cycles),
        arrays.texts(names),
        arrays.texts(quantities),
        arrays.bigints(records),
        arrays.bigints(latest),
    ]


def _text(quantity: Decimal) -> bytes:
    return str(quantity).encode()


def encode_key(key: TallyKey) -> bytes:
    """A tally's name in the tables: compact JSON, one way of writing it."""
    return _encode(key)


def decode_key(text: str) -> TallyKey:
    """The other way round."""
    meter, attachment, price, dimensions = msgspec.json.decode(text)
    return TallyKey(meter, attachment, price, tuple((name, value) for name, value in dimensions))


def read(connection: Connection[Rows], cycle_nos: Sequence[int]) -> dict[int, Tallies]:
    """The tallies of some cycles, by cycle number."""
    found: dict[int, Tallies] = {cycle_no: {} for cycle_no in cycle_nos}
    rows = connection.execute(READ, [list(cycle_nos)], prepare=True).fetchall()
    for cycle_no, text, quantity, records, latest_at in rows:
        found[cycle_no][decode_key(text)] = Tally(
            records=records, quantity=quantity, latest_at=latest_at
        )
    for cycle_no, text, at, value in connection.execute(
        READ_POINTS, [list(cycle_nos)], prepare=True
    ):
        found[cycle_no][decode_key(text)].add_points({at: value})
    return found


def replace(
    connection: Connection[Rows], cycle_no: int, tallies: Tallies, meters: dict[str, Meter]
) -> None:
    """Put freshly folded tallies in place of a cycle's. Its head is locked by the caller."""
    clear(connection, cycle_no)
    rows = TallyRows()
    for key, tally in tallies.items():
        rows.add(cycle_no, encode_key(key), meters[key.meter].aggregation, tally)
    cursor: Cursor[Any] = connection.cursor()
    rows.count_values(cursor)
    rows.write(cursor)


def clear(connection: Connection[Rows], cycle_no: int) -> None:
    """Remove a cycle's tallies. Its head is locked by the caller."""
    for statement in CLEAR:
        connection.execute(statement, [cycle_no])
