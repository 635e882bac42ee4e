"""Which syncs are due and taken by nobody, for those who tell others of them."""

from collections.abc import Sequence

from adapters.postgres.database import Database
from adapters.postgres.sync_queue import HIGH, NORMAL, URGENT
from application.hints import DueSync

# A lease moves its row's due time to its own end: one that ran out is due again.
DUE = f"""
    SELECT cycle, due_at, priority > {NORMAL} FROM sync_queue
    WHERE priority IN ({URGENT}, {HIGH}, {NORMAL}) AND due_at <= statement_timestamp()
        AND NOT parked
    ORDER BY due_at LIMIT %s
"""


class PostgresDueSyncs:
    """The ``DueSyncs`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, limit: int) -> Sequence[DueSync]:
        """Those that nobody has taken, the one that is due longest first."""
        with self._database.connection() as connection:
            return [
                DueSync(cycle=cycle, due_at=due_at, high=high)
                for cycle, due_at, high in connection.execute(DUE, [limit], prepare=True)
            ]
