"""What people thought of their bills, in the table ``invoice_feedback``."""

from collections.abc import Sequence

from adapters.postgres.database import Database
from application.feedback import Feedback, FeedbackCounts

_COLUMNS = "cycle, organization, actor, clear, comment, at, number"
_NAMES = _COLUMNS.split(", ")
# A changed answer is a new one: it gets a new number, and is listed first again.
_PUT = (
    "INSERT INTO invoice_feedback (cycle, actor, organization, clear, comment, at)"
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (cycle, actor) DO UPDATE SET"
    " clear = excluded.clear, comment = excluded.comment, at = excluded.at,"
    " number = excluded.number"
)
_LIST = (
    f"SELECT {_COLUMNS} FROM invoice_feedback"
    " WHERE (%(organization)s::text IS NULL OR organization = %(organization)s)"
    " AND (%(clear)s::boolean IS NULL OR clear = %(clear)s)"
    " AND (%(after)s::bigint IS NULL OR number < %(after)s) ORDER BY number DESC LIMIT %(limit)s"
)
_COUNTS = (
    "SELECT count(*) FILTER (WHERE clear), count(*) FILTER (WHERE NOT clear)"
    " FROM invoice_feedback"
    " WHERE (%(organization)s::text IS NULL OR organization = %(organization)s)"
)


class PostgresFeedback:
    """The ``FeedbackStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, feedback: Feedback) -> None:
        """Put an answer in place of the one that this person gave before."""
        values = [
            feedback.cycle,
            feedback.actor,
            feedback.organization,
            feedback.clear,
            feedback.comment,
            feedback.at,
        ]
        with self._database.connection() as connection:
            connection.execute(_PUT, values)

    def of(self, cycle: str, actor: str) -> Feedback | None:
        """What somebody answered about an invoice."""
        with self._database.connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM invoice_feedback WHERE cycle = %s AND actor = %s",
                [cycle, actor],
            ).fetchone()
        return Feedback(**dict(zip(_NAMES, row, strict=True))) if row else None

    def list(
        self, organization: str | None, clear: bool | None, after: int | None, limit: int
    ) -> Sequence[Feedback]:
        """Answers, the newest first, after (below) a number."""
        values = {"organization": organization, "clear": clear, "after": after, "limit": limit}
        with self._database.connection() as connection:
            rows = connection.execute(_LIST, values).fetchall()
        return [Feedback(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def counts(self, organization: str | None) -> FeedbackCounts:
        """How many of each there are."""
        with self._database.connection() as connection:
            row = connection.execute(_COUNTS, {"organization": organization}).fetchone()
        clear, unclear = row or (0, 0)
        return FeedbackCounts(clear=clear, unclear=unclear)
