"""Keys of the API, in the table ``api_key``."""

from collections.abc import Sequence
from typing import Any

from adapters.postgres.database import Database
from application.keys import ApiKey

_COLUMNS = "id, role, organization, name, created_at, last_used_at, revoked_at"


class PostgresKeys:
    """Keeps the SHA-256 of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey, digest: bytes) -> None:
        """Store a new key."""
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO api_key (id, hash, role, organization, name)"
                " VALUES (%s, %s, %s, %s, %s)",
                [key.id, digest, key.role, key.organization, key.name],
            )

    def find(self, digest: bytes) -> ApiKey | None:
        """A key in force; its use is noted, once a minute at most."""
        with self._database.connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM api_key WHERE hash = %s AND revoked_at IS NULL", [digest]
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE api_key SET last_used_at = now() WHERE id = %s"
                " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
                [row[0]],
            )
        return _key(row)

    def get(self, key: str) -> ApiKey | None:
        """A key by its id, revoked or not."""
        with self._database.connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM api_key WHERE id = %s", [key]
            ).fetchone()
        return None if row is None else _key(row)

    def list(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM api_key ORDER BY created_at, id"
            ).fetchall()
        return [_key(row) for row in rows]

    def revoke(self, key: str) -> bool:
        """End a key; whether there is one."""
        with self._database.connection() as connection:
            done = connection.execute(
                "UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = %s", [key]
            )
        return done.rowcount > 0


def _key(row: tuple[Any, ...]) -> ApiKey:
    return ApiKey(
        id=row[0],
        role=row[1],
        organization=row[2],
        name=row[3],
        created_at=row[4],
        last_used_at=row[5],
        revoked_at=row[6],
    )
