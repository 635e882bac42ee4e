"""A rehearsal takes usage as the log does, shows where it leads, and leaves no trace."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.postgres.usage_rehearsal import PostgresRehearsals
from application.registration import Details
from application.replay_preview import Standing
from domain.errors import Busy
from domain.identity import catalog_stream, cycle_stream, organization_stream
from domain.usage import Outcome
from tests.books import Wired, cut_off, jan, january, record, wired
from tests.detached import detached, january_is_over, wired_over
from tests.january import day
from tests.stored_world import stored_world

CYCLE = "acme.2026-01-01"
FEB = jan(31) + timedelta(days=3)
TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind::text IN ('r', 'p')
        AND NOT c.relispartition ORDER BY 1
"""


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        wired_case.usage_log.append([record("k1")], actor="test", now=jan(20))
        yield wired_case


@pytest.fixture
def rehearsals(case: Wired) -> PostgresRehearsals:
    return PostgresRehearsals(case.database, case.catalog, lambda: case.now)


def everything(case: Wired) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for the clock that moves when somebody looks."""
    names = [name for (name,) in case.rows(TABLES)]
    return {name: sorted(case.rows(f'SELECT t::text FROM "{name}" t')) for name in names}


def used(standing: Standing | None) -> Decimal:
    """The cpu of January."""
    assert standing is not None
    (state,) = [each for each in standing.states if each.cycle.id == CYCLE]
    tallies = state.tallies if state.late is None else state.late
    return sum((tally.quantity for tally in tallies.values()), Decimal(0))


def test_what_it_takes_counts_in_it_and_nowhere_else(
    case: Wired, rehearsals: PostgresRehearsals
) -> None:
    before = everything(case)
    with rehearsals.of("acme", jan(5)) as rehearsal:
        assert used(rehearsal.standing()) == 1
        taken = rehearsal.append([record("k1"), record("k2", value="4")], actor="a", now=case.now)
        assert used(rehearsal.standing()) == 5
    assert [each.outcome for each in taken.refusals.values()] == [Outcome.DUPLICATE]
    assert everything(case) == before
    again = case.usage_log.append([record("k2", value="4")], actor="a", now=case.now)
    assert again.refusals == {}


def test_what_comes_late_is_seen_in_the_late_layer(
    case: Wired, rehearsals: PostgresRehearsals
) -> None:
    cut_off(case)
    before = everything(case)
    with rehearsals.of("acme", jan(5)) as rehearsal:
        assert rehearsal.append([record("k3", value="4")], actor="a", now=case.now).late == 1
        assert used(rehearsal.standing()) == 5
    assert everything(case) == before


def test_a_cycle_that_it_opens_is_gone_afterwards(
    case: Wired, rehearsals: PostgresRehearsals
) -> None:
    case.now = jan(31) + timedelta(days=3)
    ahead = record("k4", occurred_at=case.now)
    with rehearsals.of("acme", jan(5)) as rehearsal:
        rehearsal.append([ahead], actor="a", now=case.now)
        standing = rehearsal.standing()
        assert standing is not None
        assert [each.cycle.id for each in standing.states] == [CYCLE, "acme.2026-02-01"]
    assert case.books.cycle_names("acme") == [CYCLE]


def test_nobody_stands_anywhere_who_is_not_known(rehearsals: PostgresRehearsals) -> None:
    with rehearsals.of("nobody", jan(5)) as rehearsal:
        assert rehearsal.standing() is None


def test_usage_that_comes_meanwhile_waits_and_is_stored(
    case: Wired, rehearsals: PostgresRehearsals
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with rehearsals.of("acme", jan(5)) as rehearsal:
            rehearsal.append([record("k2", value="4")], actor="a", now=case.now)
            sent = pool.submit(
                case.usage_log.append, [record("k2", value="4")], actor="b", now=case.now
            )
        assert sent.result().refusals == {}
    with rehearsals.of("acme", jan(5)) as rehearsal:
        assert used(rehearsal.standing()) == 5


@pytest.mark.parametrize(
    "occurred_at", [jan(5), FEB], ids=["in a cycle that is open", "in one that it opens"]
)
def test_usage_of_others_waits_for_nothing_in_it(
    case: Wired, rehearsals: PostgresRehearsals, occurred_at: datetime
) -> None:
    globex = Details(name="Globex", currency="usd", starts_at=FEB - timedelta(days=1))
    case.registration.put("globex", globex, actor="test", at=FEB)
    case.now = FEB
    ours = [record("k2", value="4", occurred_at=occurred_at)]
    theirs = [record("k9", organization="globex", attachment="", occurred_at=FEB)]
    with rehearsals.of("acme", jan(5)) as rehearsal:
        assert rehearsal.append(ours, actor="a", now=FEB).refusals == {}
        stored = case.usage_log.append(theirs, actor="b", now=FEB)
        case.publishing.define_meter("disk", {"aggregation": "sum"}, actor="test", at=FEB)
        position = max(each.position for each in case.log.read(catalog_stream()))
        assert rehearsal.standing() is not None
    assert (stored.refusals, stored.position) == ({}, position - 1)


def test_it_gives_way_to_a_change_that_takes_long(
    case: Wired, rehearsals: PostgresRehearsals
) -> None:
    with (
        case.books.change("acme", actor="test"),
        pytest.raises(Busy),
        rehearsals.of("acme", jan(5)) as rehearsal,
    ):
        rehearsal.standing()


def test_usage_of_an_archived_month_goes_on_waiting(each_database_url: str, tmp_path: Path) -> None:
    with stored_world(each_database_url) as stored:
        january_is_over(stored)
        with wired_over(stored) as service:
            detached(service, tmp_path)
            stored.made.use("4", day(9), id="k9")
            query = "SELECT id FROM quarantine WHERE code = 'month_archived'"
            ids = [number for (number,) in stored.rows(query)]
            shown = service.replay_previews.preview(ids, actor="a", now=stored.made.now)
    assert (shown.placed, shown.waiting, shown.invoices) == (0, 1, ())


def test_several_streams_are_read_in_the_order_of_the_log(case: Wired) -> None:
    streams = (cycle_stream(CYCLE), organization_stream("acme"))
    together = case.log.read_together(streams)
    assert [each.position for each in together] == sorted(each.position for each in together)
    for stream in streams:
        assert [each for each in together if each.stream == stream] == list(case.log.read(stream))
    assert {each.stream for each in together} == set(streams)
