"""A release's data on disk: every row of a database as lines of JSON, and back into an empty one.

The first line says which migrations had made its tables, and what the invoices came to. Then one
line for each row and each sequence. Bodies of events are kept as the text that they are.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection, sql

from adapters.postgres.migrate import MIGRATIONS, migrate, migrations_in

FIXTURES = Path(__file__).parents[1] / "fixtures"
KINDS = "kinds.ndjson"
"""A row of each class of events, whole and sparse, that belongs to no story."""

_LOG = "cyclebook_events"
_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind::text IN ('r', 'p') AND NOT relispartition
        AND relname <> 'schema_migration' AND relname NOT LIKE 'procrastinate%'
    ORDER BY relname
"""
_SEQUENCES = """
    SELECT sequencename, last_value FROM pg_sequences
    WHERE last_value IS NOT NULL AND sequencename NOT LIKE 'procrastinate%' ORDER BY 1
"""
_EVENTS = """
    SELECT (to_jsonb(e) || jsonb_build_object('state', convert_from(state, 'UTF8')))::text
    FROM cyclebook_events e ORDER BY notification_id
"""
_EVENT = """
    INSERT INTO cyclebook_events
        (originator_id, originator_version, topic, state, notification_id, recorded_at)
    SELECT (r->>'originator_id')::uuid, (r->>'originator_version')::bigint, r->>'topic',
        convert_to(r->>'state', 'UTF8'), (r->>'notification_id')::bigint,
        (r->>'recorded_at')::timestamptz
    FROM (SELECT %s::jsonb->'row' AS r) AS line
"""


@dataclass(frozen=True, kw_only=True)
class About:
    """migrations: their numbers. digests: cycle -> digest of its invoice. now: the story's end."""

    migrations: list[int]
    digests: Mapping[str, str]
    now: str


def written(url: str, about: About) -> Iterator[str]:
    """Everything in a database, line by line."""
    yield json.dumps(vars(about), sort_keys=True)
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(_TABLES).fetchall():
            for (row,) in connection.execute(_rows_of(table)).fetchall():
                yield f'{{"table": "{table}", "row": {row}}}'
        for name, last in connection.execute(_SEQUENCES).fetchall():
            yield json.dumps({"sequence": name, "last": last})


def _rows_of(table: str) -> sql.Composable:
    if table == _LOG:
        return sql.SQL(_EVENTS)
    return sql.SQL("SELECT to_jsonb(t)::text FROM {} t ORDER BY 1").format(sql.Identifier(table))


def loaded(file: Path, url: str) -> About:
    """Make the tables as that release had them, and put its rows there."""
    first, *lines = file.read_text("utf-8").splitlines()
    about = About(**json.loads(first))
    _make_tables(url, about.migrations)
    with psycopg.connect(url) as connection:
        # Rows come table by table, and not in the order in which they refer to each other.
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM log_clock")
        for line in lines:
            _load(connection, line, json.loads(line))
    return about


def _make_tables(url: str, numbers: list[int]) -> None:
    with TemporaryDirectory() as folder:
        known = [each for each in migrations_in(MIGRATIONS) if each.number in numbers]
        assert [each.number for each in known] == numbers, "a released migration is gone"
        for each in known:
            shutil.copy(MIGRATIONS / f"{each}.sql", folder)
        migrate(url, Path(folder))


def _load(connection: Connection[Any], line: str, said: Mapping[str, Any]) -> None:
    if "sequence" in said:
        connection.execute("SELECT setval(%s, %s)", [said["sequence"], said["last"]])
    elif said["table"] == _LOG:
        month = UUID(said["row"]["originator_id"]).hex[:6]
        place = [int(month[:4], 16), int(month[4:], 16)]
        connection.execute("SELECT ensure_event_partition(%s, %s)", place)
        connection.execute(_EVENT, [line])
    else:
        connection.execute(_row_into(said["table"]), [line])


def _row_into(table: LiteralString) -> sql.Composable:
    return sql.SQL(
        "INSERT INTO {0} OVERRIDING SYSTEM VALUE"
        " SELECT * FROM jsonb_populate_record(NULL::{0}, %s::jsonb->'row')"
    ).format(sql.Identifier(table))


def releases() -> list[Path]:
    """The folders of all releases with data here, oldest first."""
    folders = [each for each in FIXTURES.iterdir() if each.name.startswith("events-")]
    return sorted(folders, key=lambda each: [int(part) for part in each.name[7:].split(".")])


def stories() -> list[Path]:
    """The databases of all releases."""
    return [file for each in releases() for file in sorted(each.glob("*")) if file.name != KINDS]
