"""Usage by day after corrections: what counts now, however the log is followed."""

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.postgres.rebuild import PostgresRebuilder
from application.changing import Carrying
from application.correcting import Correcting, Replacement
from tests.adapters.projected import EVERYTHING, busy_month, day, days, meter, project, use
from tests.books import Wired, january, record, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


def correcting(case: Wired) -> Correcting[Any]:
    return Correcting(Carrying(case.books), case.finder, case.catalog, lambda: case.now)


def corrections(case: Wired) -> Iterator[Any]:
    """Records of the fifth and sixth are retracted, corrected, moved and put back."""
    change = correcting(case)
    yield change.retract("test", "d5", "twice", actor="test")
    yield change.correct("test", "a5", Replacement(value="99"), "a digit", actor="test")
    moved = Replacement(occurred_at=day(9, 3))
    yield change.correct("test", "c5", moved, "another day", actor="test")
    use(case, record("e1", meter="heat", attachment="", value="0.5", occurred_at=day(9, 4)))
    yield change.retract("test", "b3", "never there", actor="test")
    yield change.revert("test", "c5", "it was right", actor="test")
    use(case, record("e2", meter="peak", attachment="", value="70"))
    yield change.retract("test", "e2", "nonsense", actor="test")


@pytest.mark.parametrize(
    ("aggregation", "was", "left"),
    [
        ("sum", ("6", 3), ("3", 2)),
        ("count", ("3", 3), ("2", 2)),
        ("max", ("3", 3), ("2", 2)),
        ("latest", ("3", 3), ("2", 2)),
        ("unique", ("3", 3), ("2", 2)),
        ("time_weighted", ("3", 3), ("2", 2)),
    ],
)
def test_a_day_shows_what_counts_now(
    case: Wired, aggregation: str, was: tuple[str, int], left: tuple[str, int]
) -> None:
    meter(case, "m", aggregation)
    for hour in (1, 2, 3):
        at = day(5, hour)
        use(case, record(f"k{hour}", meter="m", attachment="", value=f"{hour}", occurred_at=at))
    project(case)
    assert days(case) == {"m 2026-01-05": was}
    correcting(case).retract("test", "k3", "sent twice", actor="test")
    project(case)
    assert days(case) == {"m 2026-01-05": left}
    correcting(case).revert("test", "k3", "no, it was not", actor="test")
    project(case)
    assert days(case) == {"m 2026-01-05": was}


def test_a_day_of_which_all_was_retracted_has_no_row(case: Wired) -> None:
    use(case, record("k1"))
    project(case)
    correcting(case).retract("test", "k1", "a test", actor="test")
    project(case)
    assert days(case) == {}


@pytest.mark.parametrize("page", [1, 3, 5000])
def test_followed_step_by_step_or_rebuilt_corrected_days_are_the_same(
    case: Wired, page: int
) -> None:
    busy_month(case)
    project(case)
    for _ in corrections(case):
        project(case, page)
    before = [case.rows(query) for query in EVERYTHING]
    for size in (1, 7, 5000):
        PostgresRebuilder(case.database, case.catalog, size).rebuild()
        assert [case.rows(query) for query in EVERYTHING] == before
    assert PostgresRebuilder(case.database, case.catalog).differing() == {}
