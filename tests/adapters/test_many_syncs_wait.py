"""However many drafts wait for their time, whoever looks for what is due reads only that."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.postgres.due_syncs import DUE
from adapters.postgres.sync_queue import CLAIM, NORMAL
from tests.books import Wired, wired

WAIT = """
    INSERT INTO sync_queue (cycle, dirty_position, due_at, priority)
    SELECT 'c' || n, n, now() + CASE WHEN n <= 3 THEN -n ELSE n END * interval '1 minute', 0
    FROM generate_series(1, 5000) AS n
"""


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        yield wired_case


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        pytest.param(CLAIM, [NORMAL, 9, timedelta(minutes=1)], id="a worker claims"),
        pytest.param(DUE, [9], id="a hint is given"),
    ],
)
def test_what_is_not_due_is_not_read(case: Wired, statement: str, values: list[Any]) -> None:
    with case.database.connection() as connection:
        connection.execute(WAIT)
        connection.execute("ANALYZE sync_queue")
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        ((told,),) = connection.execute(explain.encode(), values).fetchall()
    assert max(_read(each) for each in _parts(told[0]["Plan"])) == 3


def _parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _parts(each)


def _read(part: dict[str, Any]) -> int:
    return int(part["Actual Rows"]) + int(part.get("Rows Removed by Filter", 0))
