"""The tables of the job library, as our migrations make them, are those that it ships."""

from collections.abc import Iterator

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from adapters.postgres.migrate import migrate
from tests.databases import drop_database, new_database

OURS = {
    "columns": """
        SELECT table_name, ordinal_position, column_name, data_type, udt_name, column_default,
            is_nullable, is_identity, character_maximum_length
        FROM information_schema.columns WHERE table_name LIKE 'procrastinate%' ORDER BY 1, 2""",
    "indexes": """
        SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'procrastinate%' ORDER BY 1""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid::regclass::text LIKE 'procrastinate%' ORDER BY 1, 2""",
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc
        WHERE proname LIKE 'procrastinate%' ORDER BY 1, 2""",
    "triggers": """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal AND tgname LIKE 'procrastinate%' ORDER BY 1""",
    "states": """
        SELECT typname, enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
        WHERE typname LIKE 'procrastinate%' ORDER BY 1, enumsortorder""",
}


@pytest.fixture(scope="module")
def both(embedded_server: str) -> Iterator[tuple[str, str]]:
    """A database with our migrations, and one with the library's own schema."""
    names = ("job_schema_ours", "job_schema_theirs")
    ours, theirs = (new_database(embedded_server, name) for name in names)
    migrate(ours)
    with psycopg.connect(theirs) as connection:
        connection.execute(SchemaManager.get_schema().encode())
    yield ours, theirs
    for name in names:
        drop_database(embedded_server, name)


@pytest.mark.parametrize("kind", OURS)
def test_migrations_make_what_the_installed_library_expects(
    both: tuple[str, str], kind: str
) -> None:
    ours, theirs = (rows(url, OURS[kind]) for url in both)
    assert ours == theirs
    assert theirs, "nothing was compared"


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
