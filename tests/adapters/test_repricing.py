"""What-ifs, repricing and diffs on PostgreSQL: the same figures as in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from application.changing import Carrying
from application.cycles import CycleOpener
from application.diffing import Diffing
from application.repricing import Fate, Repricing
from application.what_if import WhatIf
from domain.price import terms_of
from tests.january import FEBRUARY, JANUARY, MARCH
from tests.world import ACTOR, Ports, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
RIGHT = {"model": "per_unit", "unit_amount": "5"}
TRAFFIC = {"price": "traffic", "currency": "usd", "kind": "metered", "meter": "traffic"}


@pytest.fixture
def ports(each_database_url: str) -> Iterator[Ports]:
    database, events = Database(each_database_url), CyclebookEvents(each_database_url)
    catalog = PostgresCatalog(database)
    books, routes = PostgresBooks(database, catalog), Routes(catalog)
    planner = Planner(database, routes, CycleOpener(books, lambda: MARCH))
    yield Ports(
        log=PostgresEventLog(database, events),
        books=books,
        catalog=catalog,
        directory=PostgresDirectory(database),
        records=PostgresCycleRecords(database),
        usage=GroupCommit(UsageRecorder(database, routes, planner).append),
        find=PostgresUsageFinder(database),
    )
    events.close()
    database.close()


def two_months(ports: Ports) -> World:
    """traffic was published at ten times its price; January and February are issued."""
    made = world(JANUARY, ports)
    made.meter("traffic")
    made.price("traffic", meter="traffic", model="per_unit", unit_amount="50")
    made.service("link", "base", "traffic")
    made.attach("a1", "link", JANUARY)
    for number, start in enumerate((JANUARY, FEBRUARY, MARCH), start=1):
        made.travel(start + timedelta(days=1))
        made.advance()
        made.use(str(number * 3), start, meter="traffic", source=f"s{number}")
    return made


def test_a_wrong_price_is_corrected_by_exact_late_lines_once(ports: Ports) -> None:
    made = two_months(ports)
    what_if = WhatIf(ports.books, ports.log, ports.catalog, ports.records, ports.directory)
    (found,) = what_if.everybody(what_if.candidate(TRAFFIC | RIGHT))
    reported = {each.cycle: each.difference for each in found.cycles}
    assert reported == {FIRST: -135, SECOND: -270, THIRD: -405}

    made.price("traffic", meter="traffic", **RIGHT)
    before = datetime.now(UTC)
    repricing = Repricing(Carrying(ports.books), ports.catalog, made.clock)
    terms = terms_of(ports.catalog.current().book["traffic@2"])
    right = repricing.correction(["traffic@1"], "traffic@2", terms, "ten times too much")
    assert repricing.apply(right, "acme", reported, actor=ACTOR).fate is Fate.APPLIED
    assert repricing.apply(right, "acme", reported, actor=ACTOR).fate is Fate.NOTHING

    late = [amount for key, amount in made.lines(THIRD).items() if key.startswith("late/")]
    assert sum(late) == -135 - 270
    diff = Diffing(ports.books, ports.log, ports.catalog, ports.records).diff(THIRD, before)
    assert [(each.kind, each.amount) for each in diff.causes] == [
        ("price_corrected", -405),
        ("late", -135),
        ("late", -270),
    ]
    made.travel(MARCH + timedelta(days=33))
    assert THIRD in made.advance().issued
    assert not any(key.startswith("late/") for key in made.lines("acme.2026-04-01"))


def test_usage_is_told_source_by_source(ports: Ports) -> None:
    made = two_months(ports)
    before = datetime.now(UTC)
    made.record(
        [
            made.usage("2", MARCH, meter="traffic", source="ams-1"),
            made.usage("1", MARCH, meter="traffic", source="fra-7"),
            made.usage("1", MARCH, meter="traffic", source="fra-7"),
        ]
    )
    diff = Diffing(ports.books, ports.log, ports.catalog, ports.records).diff(THIRD, before)
    assert [(each.what, each.amount) for each in diff.causes] == [
        ("1 usage record from ams-1: traffic (2 hours)", 100),
        ("2 usage records from fra-7: traffic (2 hours)", 100),
    ]
    opened = Diffing(ports.books, ports.log, ports.catalog, ports.records).diff(
        THIRD, datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert sum(each.amount for each in opened.causes) == opened.difference == opened.becomes
