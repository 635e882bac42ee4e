"""The projections: each event once, whoever runs them, and the same rows when rebuilt."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from application.registration import Details
from domain.errors import Busy, NotFound
from domain.events.stripe_invoice import (
    DiscrepancyFound,
    InvoiceProvedEqual,
)
from domain.identity import stripe_stream
from tests.adapters.projected import (
    DAYS,
    EVERYTHING,
    SEEN,
    busy_month,
    day,
    days,
    meter,
    project,
    queue,
    use,
)
from tests.books import Wired, jan, january, record, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


# Usage by day


def test_a_day_is_the_organizations_own(case: Wired) -> None:
    case.registration.put(
        "berlin",
        Details(name="B", currency="usd", time_zone="Europe/Berlin", starts_at=jan(1)),
        actor="test",
        at=jan(1),
    )
    use(
        case,
        record("k1", organization="berlin", attachment="", occurred_at=day(5, 22, 59)),
        record("k2", organization="berlin", attachment="", occurred_at=day(5, 23, 0)),
        record("k3", occurred_at=day(5, 23, 0), value="0.50"),
    )
    project(case)
    assert [tuple(row) for row in case.rows(DAYS)] == [
        ("acme", "cpu", "2026-01-05", "0.5", 1),
        ("berlin", "cpu", "2026-01-05", "1", 1),
        ("berlin", "cpu", "2026-01-06", "1", 1),
    ]


@pytest.mark.parametrize("page", [1, 2000])
@pytest.mark.parametrize(
    ("aggregation", "shown"),
    [
        ("sum", {"5": "6.5", "6": "4"}),
        ("count", {"5": "3", "6": "1"}),
        ("max", {"5": "3", "6": "4"}),
        ("latest", {"5": "1.5", "6": "4"}),
        ("unique", {"5": "3", "6": "1"}),
        ("time_weighted", {"5": "1.5", "6": "4"}),
    ],
)
def test_a_day_shows_what_its_meter_counts(
    case: Wired, aggregation: str, shown: dict[str, str], page: int
) -> None:
    meter(case, "m", aggregation)
    batches = [
        [("k1", "3", day(5, 1)), ("k2", "1.5", day(5, 20))],
        [("k3", "2", day(5, 2)), ("k4", "4", day(6, 1))],
    ]
    for batch in batches:
        use(
            case,
            *(
                record(key, meter="m", attachment="", value=value, occurred_at=at)
                for key, value, at in batch
            ),
        )
    project(case, page)
    assert {key[-1]: q for key, (q, _) in days(case).items()} == shown


def test_a_value_that_was_seen_that_day_is_not_counted_again(case: Wired) -> None:
    meter(case, "m", "unique")
    for number, value in enumerate(["x", "y", "x"]):
        use(case, record(f"k{number}", meter="m", attachment="", value=value))
        project(case)
    assert days(case) == {"m 2026-01-05": ("2", 3)}


# Exactly once


def test_two_projectors_at_once_count_each_event_once(case: Wired) -> None:
    for number in range(60):
        use(case, record(f"k{number}"))
    projectors = [PostgresProjector(case.database, case.catalog, page=3) for _ in range(3)]

    def run(projector: PostgresProjector) -> None:
        while projector.lag().position < projector.lag().last:
            projector.step()

    threads = [threading.Thread(target=run, args=[each]) for each in projectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert days(case) == {"cpu 2026-01-05": ("60", 60)}


def test_a_page_that_fails_leaves_nothing_and_is_folded_again(case: Wired) -> None:
    projector = project(case)
    before = projector.position()
    use(case, record("k1"))
    with case.database.connection() as connection:
        connection.execute("ALTER TABLE invoice_summary RENAME TO away")
        connection.execute("ALTER TABLE sync_queue RENAME TO gone")
    with pytest.raises(Exception, match="sync_queue"):
        projector.step()
    assert (projector.position(), days(case)) == (before, {})
    with case.database.connection() as connection:
        connection.execute("ALTER TABLE away RENAME TO invoice_summary")
        connection.execute("ALTER TABLE gone RENAME TO sync_queue")
    projector.step()
    assert days(case) == {"cpu 2026-01-05": ("1", 1)}


def test_who_reads_can_wait_for_a_position(case: Wired) -> None:
    projector = project(case)
    last = projector.lag().last
    assert projector.wait_for(last, timeout_s=0)
    assert not projector.wait_for(last + 1, timeout_s=0)
    use(case, record("k1"))
    lag = projector.lag()
    assert lag.position == last < lag.last
    assert timedelta() < lag.age < timedelta(minutes=1)
    threading.Timer(0.1, projector.step).start()
    assert projector.wait_for(lag.last, timeout_s=5)
    assert projector.lag().age == timedelta()


# Invoice summaries


def test_a_list_shows_where_each_invoice_stands(case: Wired) -> None:
    project(case)
    row = "SELECT cycle, status, total, stripe_invoice, stripe_state FROM invoice_summary"
    assert case.rows(row) == [("acme.2026-01-01", "accruing", None, None, "none")]
    proof = InvoiceProvedEqual(
        invoice="in_1",
        status="draft",
        revision=1,
        digest="d",
        lines=1,
        subtotal=1,
        total=1,
        foreign=0,
        read_at=jan(6),
    )
    stream = stripe_stream("acme.2026-01-01")
    case.log.append(stream, 0, [proof], actor="sync", at=jan(6))
    project(case)
    assert case.rows(row) == [("acme.2026-01-01", "accruing", None, "in_1", "in_step")]
    found = DiscrepancyFound(invoice="in_1", discrepancy=SEEN)
    case.log.append(stream, 1, [found], actor="sync", at=jan(7))
    project(case)
    assert case.rows(row) == [("acme.2026-01-01", "accruing", None, "in_1", "drift")]


# Rebuilds


@pytest.mark.parametrize("page", [1, 7, 5000])
def test_a_rebuild_gives_byte_equal_rows(case: Wired, page: int) -> None:
    busy_month(case)
    project(case, page=11)
    before = [case.rows(query) for query in EVERYTHING]
    assert all(before)
    read = PostgresRebuilder(case.database, case.catalog, page).rebuild()
    assert read == case.rows("SELECT count(*) FROM cyclebook_events")[0][0]
    assert [case.rows(query) for query in EVERYTHING] == before


def test_a_rebuild_repairs_what_was_wrong_and_the_projector_goes_on(case: Wired) -> None:
    busy_month(case)
    projector = project(case)
    before = days(case)
    with case.database.connection() as connection:
        connection.execute("UPDATE usage_by_day SET quantity = 7")
    PostgresRebuilder(case.database, case.catalog).rebuild("usage_by_day")
    assert days(case) == before
    use(case, record("late", value="0.25", occurred_at=day(3)))
    projector.step()
    assert Decimal(days(case)["cpu 2026-01-03"][0]) == Decimal(
        before["cpu 2026-01-03"][0]
    ) + Decimal("0.25")


def test_a_rebuild_keeps_the_names_of_tables_and_indexes(case: Wired) -> None:
    names = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relname ~ 'usage_by_day|invoice_summary' ORDER BY 1"
    )
    project(case)
    before = case.rows(names)
    for _ in range(2):
        PostgresRebuilder(case.database, case.catalog).rebuild()
    assert case.rows(names) == before


def test_a_rebuild_marks_what_is_not_proved_at_its_latest_version(case: Wired) -> None:
    project(case)
    with case.database.connection() as connection:
        connection.execute("TRUNCATE sync_queue")
    rebuilder = PostgresRebuilder(case.database, case.catalog)
    rebuilder.rebuild()
    assert [row[0] for row in queue(case)] == ["acme.2026-01-01"]


def test_what_cannot_be_rebuilt_is_refused(case: Wired) -> None:
    rebuilder = PostgresRebuilder(case.database, case.catalog)
    with pytest.raises(NotFound, match="usage_by_day, invoice_summary"):
        rebuilder.rebuild("sync_queue")
    with case.database.connection() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('cyclebook.rebuild', 0))")
        with pytest.raises(Busy):
            rebuilder.rebuild()
        connection.execute("SELECT pg_advisory_unlock_all()")
