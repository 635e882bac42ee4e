"""The pace of calls to Stripe, kept in PostgreSQL for all processes: two short statements a call.

Read, decide, and write if nobody was faster: no transaction and no lock outlives a statement.
The clock is the database's, so that machines need not agree on the time.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from adapters.postgres import arrays
from adapters.postgres.database import Database, Rows
from application.pacing import Breaker, Bucket, Pace
from domain.errors import Busy

ACCOUNT = ""
TRIES_MAX = 200
NOTHING: Rows = (0, (), None, 0, {})

_READ = """
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, p.name, p.version, p.calls,
        p.shrunk_at, p.shrunk_to, p.shared
    FROM (VALUES (0)) AS always LEFT JOIN stripe_pace p ON p.name IN ('', %s)
"""
_WRITE = """
    WITH won AS (
        INSERT INTO stripe_pace AS p (name, version, calls, shrunk_at, shrunk_to, shared)
        VALUES ('', %(version)s + 1, %(calls)b, %(shrunk_at)s, %(shrunk_to)s, %(shared)s)
        ON CONFLICT (name) DO UPDATE SET version = p.version + 1, calls = excluded.calls,
            shrunk_at = excluded.shrunk_at, shrunk_to = excluded.shrunk_to,
            shared = excluded.shared
        WHERE p.version = %(version)s
        RETURNING 1)
    INSERT INTO stripe_pace AS p (name, version, calls, shrunk_at, shrunk_to)
    SELECT %(name)s::text, 0, %(own_calls)b, %(own_shrunk_at)s::bigint,
        %(own_shrunk_to)s::integer
    FROM won
    ON CONFLICT (name) DO UPDATE SET calls = excluded.calls, shrunk_at = excluded.shrunk_at,
        shrunk_to = excluded.shrunk_to
"""


class PostgresPace:
    """The ``PaceStore`` port.

    account_per_s, endpoint_per_s: budgets of calls a second.
    """

    def __init__(self, database: Database, account_per_s: int, endpoint_per_s: int) -> None:
        self._database = database
        self._account_per_s = account_per_s
        self._endpoint_per_s = endpoint_per_s

    def change(self, endpoint: str, decide: Callable[[Pace, int], Pace]) -> tuple[Pace, Pace]:
        """Replace an endpoint's pace by what ``decide`` makes of it; as it was, and as it is.

        Raises:
            StoreUnavailable: the database does not answer.
            Busy: somebody else was faster again and again.
        """
        for _ in range(TRIES_MAX):
            clock, version, was = self._read(endpoint)
            now = decide(was, clock)
            if now == was or self._write(endpoint, version, now):
                return was, now
        raise Busy("many calls to Stripe at once; try again")

    def _read(self, endpoint: str) -> tuple[int, int, Pace]:
        with self._database.connection() as connection:
            rows = connection.execute(_READ, [endpoint], prepare=True).fetchall()
        found = {name: row for _, name, *row in rows}
        version, *account, shared = found.get(ACCOUNT, NOTHING)
        _, *own, _ = found.get(endpoint, NOTHING)
        pace = Pace(
            account=_bucket(self._account_per_s, account),
            endpoint=_bucket(self._endpoint_per_s, own),
            breaker=Breaker(**shared.get("breaker", {})),
            high_at=shared.get("high_at"),
        )
        return rows[0][0], version, pace

    def _write(self, endpoint: str, version: int, pace: Pace) -> bool:
        values = {
            "version": version,
            "calls": arrays.bigints(pace.account.calls),
            "shrunk_at": pace.account.shrunk_at,
            "shrunk_to": pace.account.shrunk_to,
            "shared": Jsonb({"breaker": asdict(pace.breaker), "high_at": pace.high_at}),
            "name": endpoint,
            "own_calls": arrays.bigints(pace.endpoint.calls),
            "own_shrunk_at": pace.endpoint.shrunk_at,
            "own_shrunk_to": pace.endpoint.shrunk_to,
        }
        with self._database.connection() as connection:
            return connection.execute(_WRITE, values, prepare=True).rowcount > 0


def _bucket(budget: int, row: list[Any]) -> Bucket:
    calls, shrunk_at, shrunk_to = row
    return Bucket(budget=budget, calls=tuple(calls), shrunk_at=shrunk_at, shrunk_to=shrunk_to)
