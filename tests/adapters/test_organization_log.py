"""What the log holds of an organization, a page at a time."""

from collections.abc import Iterator

import pytest

from adapters.postgres.database import Database
from adapters.postgres.organization_log import PAGE, PAGE_BYTES, PostgresOrganizationLog
from domain.identity import organization_stream

SMALL = '{"occurred_at":"2026-01-01T00:00:00Z","actor":"k","user":"%s"}'


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    """acme and globex, whose events take turns; more than two pages each."""
    opened = Database(each_database_url)
    with opened.connection() as connection:
        for name in ("acme", "globex"):
            connection.execute(
                "INSERT INTO cyclebook_events"
                " (originator_id, originator_version, topic, state, notification_id, recorded_at)"
                " SELECT %s, n, 'MemberRemoved@1', convert_to(format(%s, %s || n), 'UTF8'),"
                " 2 * n + %s, now() FROM generate_series(1, %s) AS n",
                [organization_stream(name), SMALL, name, int(name == "acme"), 2 * PAGE + 1],
            )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "page_bytes", [pytest.param(PAGE_BYTES, id="by number"), pytest.param(500, id="by size")]
)
def test_each_event_comes_once_in_the_logs_order(database: Database, page_bytes: int) -> None:
    log = PostgresOrganizationLog(database, page_bytes)
    bodies = [each.body for each in log.events("acme", for_staff=True)]
    assert bodies == [SMALL % f"acme{number}" for number in range(1, 2 * PAGE + 2)]


def test_an_event_that_is_larger_than_a_page_comes_alone(database: Database) -> None:
    log = PostgresOrganizationLog(database, page_bytes=1)
    assert sum(1 for _ in log.events("globex", for_staff=False)) == 2 * PAGE + 1
