"""Who asked for a link to sign in by e-mail, how often, and who is to be written to."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.postgres.database import Database
from application.signing_in_by_mail import OF_A_CLIENT_MAX, OF_AN_ADDRESS_MAX, WITHIN, Asked

KEPT_FOR = timedelta(days=1)
ERROR_MAX = 500
PRUNED_AT_ONCE = 5_000

# One after the other: two at once would both find room for the last e-mail.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('cyclebook.sign-in', 0))"
_OF_ADDRESS = "SELECT count(*) FROM sign_in_request WHERE seal = %s AND at > %s"
_OF_CLIENT = "SELECT count(*) FROM sign_in_request WHERE client = %s AND at > %s"
_ADD = "INSERT INTO sign_in_request (address, seal, client, at) VALUES (%s, %s, %s, %s)"
_PRUNE = """
    DELETE FROM sign_in_request WHERE number IN (
        SELECT number FROM sign_in_request WHERE at < clock_timestamp() - %s ORDER BY at LIMIT %s)
"""
_FORGET = "DELETE FROM sign_in_request WHERE at < %s"
# Taking one moves its due time on: if the worker dies, it comes up again then.
_CLAIM = """
    WITH due AS (
        SELECT number FROM sign_in_request WHERE address IS NOT NULL AND due_at <= %s
        ORDER BY due_at, number LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE sign_in_request r SET due_at = %s, attempts = r.attempts + 1
    FROM due WHERE r.number = due.number
    RETURNING r.number, r.address, r.at, r.attempts - 1
"""
_ENDED = "UPDATE sign_in_request SET address = NULL, error = %s WHERE number = %s"
_POSTPONED = "UPDATE sign_in_request SET due_at = %s, error = %s WHERE number = %s"
_GIVE_BACK = (
    "UPDATE sign_in_request SET due_at = '-infinity', attempts = attempts - 1, error = %s"
    " WHERE number = %s"
)
_MEMBERS = (
    "SELECT organization, member FROM member_directory WHERE lower(email) = lower(%s)"
    " ORDER BY organization, member LIMIT %s"
)


class PostgresSignInRequests:
    """The ``RequestStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, address: str, client: str, at: datetime) -> bool:
        """Note that a client asks; false where it asked too often."""
        seal, since = _sealed(address), at - WITHIN
        with self._database.connection() as connection, connection.transaction():
            connection.execute(_ONE_AT_A_TIME)
            connection.execute(_FORGET, [at - KEPT_FOR])
            row = connection.execute(_OF_CLIENT, [client, since]).fetchone()
            if row and row[0] >= OF_A_CLIENT_MAX:
                return False
            row = connection.execute(_OF_ADDRESS, [seal, since]).fetchone()
            wanted = [None, None] if row and row[0] >= OF_AN_ADDRESS_MAX else [address, seal]
            connection.execute(_ADD, [*wanted, client, at])
        return True

    def claim(self, now: datetime, until: datetime) -> Asked | None:
        """One that is due, kept from others for a while."""
        with self._database.connection() as connection:
            row = connection.execute(_CLAIM, [now, until]).fetchone()
        if row is None:
            return None
        number, address, at, attempts = row
        return Asked(number=number, address=address, at=at, attempts=attempts)

    def ended(self, asked: Asked, error: str | None = None) -> None:
        """Forget the address."""
        with self._database.connection() as connection:
            connection.execute(_ENDED, [error and error[:ERROR_MAX], asked.number])

    def postponed(self, asked: Asked, error: str, next_at: datetime) -> None:
        """It is tried again then."""
        with self._database.connection() as connection:
            connection.execute(_POSTPONED, [next_at, error[:ERROR_MAX], asked.number])

    def give_back(self, asked: Asked, error: str) -> None:
        """It is tried as soon as anything can be sent."""
        with self._database.connection() as connection:
            connection.execute(_GIVE_BACK, [error[:ERROR_MAX], asked.number])

    def prune(self) -> int:
        """Delete those of days ago; how many."""
        with self._database.connection() as connection:
            return connection.execute(_PRUNE, [KEPT_FOR, PRUNED_AT_ONCE]).rowcount

    def members(self, address: str, limit: int) -> Sequence[tuple[str, str]]:
        """Whose address it is."""
        with self._database.connection() as connection:
            rows = connection.execute(_MEMBERS, [address, limit]).fetchall()
        return [(organization, member) for organization, member in rows]


def _sealed(address: str) -> bytes:
    return hashlib.sha256(address.casefold().encode()).digest()
