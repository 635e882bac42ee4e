"""Answers already given, in the table ``idempotent_answer``."""

from adapters.postgres.database import Database
from application.idempotency import ABANDONED_AFTER, KEPT_FOR, GivenAnswer
from domain.errors import InvalidInput, RuleViolation

# A claim left behind by a process that died is taken over by the next who asks the same.
_CLAIM = """
    INSERT INTO idempotent_answer AS held (actor, key, request) VALUES (%s, %s, %s)
    ON CONFLICT (actor, key) DO UPDATE SET created_at = now()
        WHERE held.status IS NULL AND held.request = excluded.request
          AND held.created_at < now() - %s
    RETURNING true
"""


class PostgresAnswers:
    """Remembers the answer to each ``Idempotency-Key``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, actor: str, key: str, request: bytes) -> GivenAnswer | None:
        """Begin a request, or get the answer it had.

        Raises:
            InvalidInput: the key came before with another request.
            RuleViolation: the same request is being answered right now.
        """
        with self._database.connection() as connection:
            parameters = [actor, key, request, ABANDONED_AFTER]
            if connection.execute(_CLAIM, parameters).fetchone():
                return None
            row = connection.execute(
                "SELECT request, status, body FROM idempotent_answer WHERE actor = %s AND key = %s",
                [actor, key],
            ).fetchone()
        if row is None or (bytes(row[0]) == request and row[1] is None):
            raise RuleViolation(
                "a request with this Idempotency-Key is being answered right now",
                code="idempotency_key_in_use",
            )
        if bytes(row[0]) != request:
            raise InvalidInput(
                "this Idempotency-Key came before with another request; use a new one",
                code="idempotency_key_reused",
                field="Idempotency-Key",
            )
        return GivenAnswer(status=row[1], body=bytes(row[2]))

    def keep(self, actor: str, key: str, answer: GivenAnswer) -> None:
        """Remember the answer of a claimed request."""
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE idempotent_answer SET status = %s, body = %s WHERE actor = %s AND key = %s",
                [answer.status, answer.body, actor, key],
            )

    def release(self, actor: str, key: str) -> None:
        """Forget a claim whose request was refused and changed nothing."""
        with self._database.connection() as connection:
            connection.execute(
                "DELETE FROM idempotent_answer WHERE actor = %s AND key = %s AND status IS NULL",
                [actor, key],
            )

    def forget_old(self) -> int:
        """Delete what is too old to be asked again; how many."""
        with self._database.connection() as connection:
            done = connection.execute(
                "DELETE FROM idempotent_answer WHERE created_at < now() - %s", [KEPT_FOR]
            )
        return done.rowcount
