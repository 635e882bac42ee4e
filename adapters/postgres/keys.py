"""Keys of the API, in the table ``api_key``; who did what to them, in ``key_event``."""

from collections.abc import Sequence
from datetime import timedelta

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from application.keys import ApiKey, KeyEvent

_COLUMNS = "id, role, organization, name, created_at, last_used_at, expires_at, revoked_at"
_IN_FORCE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"

ADD = "INSERT INTO api_key (id, hash, role, organization, name) VALUES (%s, %s, %s, %s, %s)"
TELL = "INSERT INTO key_event (key, event, actor, successor) VALUES (%s, %s, %s, %s)"
EXPIRE = (
    "UPDATE api_key SET expires_at = least(expires_at, now() + %s)"
    f" WHERE id = %s AND {_IN_FORCE} RETURNING {_COLUMNS}"
)
FIND = f"SELECT {_COLUMNS} FROM api_key WHERE hash = %s AND {_IN_FORCE}"
USE = (
    "UPDATE api_key SET last_used_at = now() WHERE id = %s"
    " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
)
GET = f"SELECT {_COLUMNS} FROM api_key WHERE id = %s"
LIST = (
    f"SELECT {_COLUMNS} FROM api_key WHERE %(after)s = '' OR (created_at, id) >"
    " (SELECT created_at, id FROM api_key WHERE id = %(after)s)"
    " ORDER BY created_at, id LIMIT %(limit)s"
)
REVOKE = "UPDATE api_key SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
REPLACED = (
    "WITH RECURSIVE line (key) AS (SELECT %s::text UNION"
    " SELECT successor FROM key_event JOIN line USING (key) WHERE successor IS NOT NULL)"
    " SELECT EXISTS (SELECT FROM line WHERE key = %s)"
)
EVENTS = (
    "SELECT number, key, event, at, actor, successor FROM key_event WHERE number > %s"
    " ORDER BY number LIMIT %s"
)


class PostgresKeys:
    """Keeps the SHA-256 of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey, digest: bytes, actor: str) -> None:
        """Store a new key."""
        with self._database.connection() as connection, connection.transaction():
            _add(connection, key, digest, actor)

    def replace(
        self, old: str, key: ApiKey, digest: bytes, grace: timedelta, actor: str
    ) -> ApiKey | None:
        """Store a new key and let the old one expire; ``None`` where that is not in force."""
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(EXPIRE, [grace, old]).fetchone()
            if row is None:
                return None
            _add(connection, key, digest, actor)
            connection.execute(TELL, [old, "rotated", actor, key.id])
        return _key(row)

    def find(self, digest: bytes) -> ApiKey | None:
        """A key in force; its use is noted, once a minute at most."""
        with self._database.connection() as connection:
            row = connection.execute(FIND, [digest]).fetchone()
            if row is None:
                return None
            connection.execute(USE, [row[0]])
        return _key(row)

    def get(self, key: str) -> ApiKey | None:
        """A key by its id, in force or not."""
        with self._database.connection() as connection:
            row = connection.execute(GET, [key]).fetchone()
        return None if row is None else _key(row)

    def list(self, after: str = "", limit: int | None = None) -> Sequence[ApiKey]:
        """Keys after another one, oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(LIST, {"after": after, "limit": limit}).fetchall()
        return [_key(row) for row in rows]

    def revoke(self, key: str, actor: str) -> bool:
        """End a key; whether there is one."""
        with self._database.connection() as connection, connection.transaction():
            if connection.execute(REVOKE, [key]).rowcount:
                connection.execute(TELL, [key, "revoked", actor, None])
                return True
            return connection.execute(GET, [key]).fetchone() is not None

    def replaced(self, old: str, new: str) -> bool:
        """Whether a key took the place of another one, in however many steps."""
        with self._database.connection() as connection:
            row = connection.execute(REPLACED, [old, new]).fetchone()
        return bool(row and row[0])

    def events(self, after: int, limit: int | None) -> Sequence[KeyEvent]:
        """What was done to keys after an event, oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(EVENTS, [after, limit]).fetchall()
        names = ("number", "key", "event", "at", "actor", "successor")
        return [KeyEvent(**dict(zip(names, row, strict=True))) for row in rows]


def _add(connection: Connection[Rows], key: ApiKey, digest: bytes, actor: str) -> None:
    connection.execute(ADD, [key.id, digest, key.role, key.organization, key.name])
    connection.execute(TELL, [key.id, "created", actor, None])


def _key(row: Rows) -> ApiKey:
    names = _COLUMNS.split(", ")
    return ApiKey(**dict(zip(names, row, strict=True)))
