"""Makes read models anew: the same folds from position 0 into fresh tables, then a swap."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from adapters.postgres import log_pages
from adapters.postgres.database import Database, Rows
from adapters.postgres.places import Places
from adapters.postgres.projector import lock_tracking, read_models, tracked
from adapters.postgres.read_models import ReadModel
from adapters.postgres.sync_marks import mark_unproved
from application.ports import CatalogReader
from domain.errors import Busy, NotFound

PAGE = 5000
NEXT = "_next"
"""Ends the names of tables in the making."""

_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtextextended('cyclebook.rebuild', 0))"
_END = "SELECT pg_advisory_unlock(hashtextextended('cyclebook.rebuild', 0))"
_INDEXES = (
    "SELECT split_part(pg_get_indexdef(indexrelid), ' USING ', 2), relname"
    " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass"
)
_DIFFERING = (
    "SELECT count(*) FROM ((TABLE {old} EXCEPT ALL TABLE {fresh})"
    " UNION ALL (TABLE {fresh} EXCEPT ALL TABLE {old})) AS differing"
)
# A day lies in more than one cycle where one ends within it: those around are carried over as well.
_DAYS: LiteralString = """
    EXISTS (SELECT FROM cycle_head h WHERE h.detached AND h.organization = t.organization
        AND to_timestamp(h.starts / 1000000) < t.day + 3
        AND to_timestamp(h.ends / 1000000) > t.day - 2)
"""
_OF_DETACHED: dict[str, LiteralString] = {
    "invoice_summary": (
        "EXISTS (SELECT FROM cycle_head h WHERE h.detached AND h.cycle_id = t.cycle_id)"
    ),
    "usage_by_day": _DAYS,
    "usage_by_day_value": _DAYS,
}
"""Rows of a table that follow from detached months. What is open keeps a month in the log."""
_CLEAR: LiteralString = "DELETE FROM {fresh}"
_CARRY: LiteralString = "INSERT INTO {fresh} SELECT * FROM {old}"


class PostgresRebuilder:
    """The ``Rebuilder`` port. Readers see the old rows until the moment they see the new ones."""

    def __init__(self, database: Database, catalog: CatalogReader, page: int = PAGE) -> None:
        self._database = database
        self._catalog = catalog
        self._page = page

    def rebuild(self, name: str = "all") -> int:
        """Build and swap in; how many events were read. The projector may run meanwhile."""
        places = Places(self._catalog)
        models = _chosen(name, read_models(places))
        with self._database.connection() as connection, _alone(connection):
            for table in _tables(models):
                _make(connection, table)
            build = _Build(connection, models, places, self._page)
            while build.position < tracked(connection):
                build.run_to(tracked(connection))
            with connection.transaction():
                # The projector waits for us now, and goes on from here into the new tables.
                build.run_to(lock_tracking(connection, wait=True) or 0)
                for table in _tables(models):
                    _carry_over(connection, table)
                    _swap(connection, table)
                mark_unproved(connection)
        return build.events

    def differing(self, name: str = "all") -> dict[str, int]:
        """Build, compare with what is there, and throw away: rows that differ, by table."""
        places = Places(self._catalog)
        models = _chosen(name, read_models(places))
        with self._database.connection() as connection, _alone(connection):
            for table in _tables(models):
                _make(connection, table)
            build = _Build(connection, models, places, self._page)
            build.run_to(tracked(connection))
            with connection.transaction():
                # The projector waits for us now: both hold the same events.
                build.run_to(lock_tracking(connection, wait=True) or 0)
                for table in _tables(models):
                    _carry_over(connection, table)
                rows = {table: _differing_rows(connection, table) for table in _tables(models)}
            for table in _tables(models):
                connection.execute(SQL("DROP TABLE {}").format(Identifier(table + NEXT)))
        return {table: count for table, count in rows.items() if count}


class _Build:
    """The fold into fresh tables, page by page."""

    def __init__(
        self,
        connection: Connection[Rows],
        models: Mapping[str, ReadModel],
        places: Places,
        page: int,
    ) -> None:
        self._connection = connection
        self._models = models
        self._places = places
        self._page = page
        self.position = 0
        self.events = 0

    def run_to(self, until: int) -> None:
        """Fold everything up to a position, a transaction for each page."""
        while self.position < until:
            with self._connection.transaction():
                page = log_pages.read(self._connection, self.position, self._page, until)
                self._places.learn(page)
                for model in self._models.values():
                    model.fold(self._connection, page, NEXT)
            self.position = page[-1].position if page else until
            self.events += len(page)


def _chosen(name: str, models: Mapping[str, ReadModel]) -> Mapping[str, ReadModel]:
    if name == "all":
        return models
    if name not in models:
        raise NotFound(f"there is no projection {name}; there are {', '.join(models)}")
    return {name: models[name]}


def _tables(models: Mapping[str, ReadModel]) -> list[str]:
    return [table for model in models.values() for table in model.tables]


@contextmanager
def _alone(connection: Connection[Rows]) -> Iterator[None]:
    """One rebuild at a time. The lock ends with the session, however that ends."""
    row = connection.execute(_ONE_AT_A_TIME).fetchone()
    if row is None or not row[0]:
        raise Busy("another rebuild is under way")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(_END)


def _make(connection: Connection[Rows], table: str) -> None:
    """A fresh table like another; one that an interrupted rebuild left is dropped."""
    fresh = Identifier(table + NEXT)
    connection.execute(SQL("DROP TABLE IF EXISTS {}").format(fresh))
    connection.execute(
        SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(fresh, Identifier(table))
    )


def _carry_over(connection: Connection[Rows], table: str) -> None:
    """Rows of detached months as they are: nothing in the log says them any more."""
    if table not in _OF_DETACHED:
        return
    names = {"old": Identifier(table), "fresh": Identifier(table + NEXT)}
    for statement in (_CLEAR, _CARRY):
        whole = f"{statement} AS t WHERE {_OF_DETACHED[table]}"
        connection.execute(SQL(whole).format(**names))


def _differing_rows(connection: Connection[Rows], table: str) -> int:
    """Rows of a table that the fresh one lacks, and the other way round."""
    names = {"old": Identifier(table), "fresh": Identifier(table + NEXT)}
    row = connection.execute(SQL(_DIFFERING).format(**names)).fetchone()
    return int(row[0]) if row else 0


def _swap(connection: Connection[Rows], table: str) -> None:
    """Put the fresh table in the old one's place; its indexes get the old ones' names."""
    names: dict[str, str] = dict(connection.execute(_INDEXES, [table]).fetchall())
    fresh = connection.execute(_INDEXES, [table + NEXT]).fetchall()
    connection.execute(SQL("DROP TABLE {}").format(Identifier(table)))
    connection.execute(
        SQL("ALTER TABLE {} RENAME TO {}").format(Identifier(table + NEXT), Identifier(table))
    )
    for definition, name in fresh:
        connection.execute(
            SQL("ALTER INDEX {} RENAME TO {}").format(
                Identifier(name), Identifier(names[definition])
            )
        )
