"""A customer's name and address in calls at Stripe, outside the log, until the call is answered."""

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from adapters.postgres.database import Database

_PUT = (
    "INSERT INTO stripe_call_private (key, organization, parameters) VALUES (%s, %s, %s)"
    " ON CONFLICT (key) DO UPDATE SET parameters = excluded.parameters"
)


class PostgresPrivateParameters:
    """The ``PrivateParameters`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, key: str, organization: str, parameters: Mapping[str, str]) -> None:
        """Keep those of a call that is about to go out."""
        with self._database.connection() as connection:
            connection.execute(_PUT, [key, organization, Jsonb(dict(parameters))])

    def of(self, key: str) -> Mapping[str, str]:
        """Those of a call; nothing once they are gone."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT parameters FROM stripe_call_private WHERE key = %s", [key]
            ).fetchone()
        return dict(row[0]) if row else {}

    def drop(self, key: str) -> None:
        """Forget them: the call is answered."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM stripe_call_private WHERE key = %s", [key])
