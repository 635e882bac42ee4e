"""What the projector marks for the sync: which cycles, how soon, and how urgently."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.adjusting import Adjusting, NewCredit
from application.changing import Carrying
from application.registration import Details
from domain.events.stripe_invoice import (
    DiscrepancyFound,
    SyncPlanned,
)
from domain.identity import stripe_stream
from tests.adapters.projected import SEEN, project, queue, use
from tests.books import Wired, jan, january, record, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


# Marks for the sync


def test_usage_marks_its_cycle_once_and_keeps_the_first_due_time(case: Wired) -> None:
    project(case)
    with case.database.connection() as connection:
        connection.execute("UPDATE sync_queue SET due_at = now() + interval '10 seconds'")
    for number in range(5):
        use(case, record(f"k{number}"))
        position = project(case).position()
    assert queue(case) == [("acme.2026-01-01", position, 0, 10)]


def test_what_stripe_told_us_marks_nothing(case: Wired) -> None:
    project(case)
    with case.database.connection() as connection:
        connection.execute("TRUNCATE sync_queue")
    found = DiscrepancyFound(invoice=None, discrepancy=SEEN)
    stream = stripe_stream("acme.2026-01-01")
    case.log.append(stream, 0, [found], actor="sync", at=jan(7))
    project(case)
    assert queue(case) == []


def test_a_credit_marks_every_unissued_cycle_of_its_organization(case: Wired) -> None:
    project(case)
    with case.database.connection() as connection:
        connection.execute("TRUNCATE sync_queue")
    credit = NewCredit(credit="c1", amount=500, currency="usd", reason="sorry")
    adjusting = Adjusting(Carrying(case.books), case.catalog, lambda: case.now)
    adjusting.grant_credit("acme", credit, at=jan(5), actor="test")
    position = project(case).position()
    assert queue(case) == [("acme.2026-01-01", position, 0, 900)]


@pytest.mark.parametrize(
    ("urgency", "marked"),
    [
        ({}, (0, 60)),
        ({"priority": "high"}, (10, 0)),
        ({"priority_amount": 5000}, (0, 60)),
        ({"priority_amount": 4999}, (10, 0)),
        ({"priority": "high", "priority_amount": 5000}, (10, 0)),
    ],
)
def test_policies_say_how_soon_and_how_urgently(
    case: Wired, urgency: dict[str, Any], marked: tuple[int, int]
) -> None:
    """The invoice came to 50.00 when it was last synced."""
    synced = [
        SyncPlanned(
            plan=n, revision=1, digest="d", subtotal=amount, changes=(), calls=1, forced=False
        )
        for n, amount in ((1, 9000), (2, 5000))
    ]
    case.log.append(stripe_stream("acme.2026-01-01"), 0, synced, actor="sync", at=jan(2))
    project(case)
    with case.database.connection() as connection:
        connection.execute("TRUNCATE sync_queue")
    policies: dict[str, Any] = {"sync_interval_s": 60, **urgency}
    details = Details(name="Acme", currency="usd", policies=policies)
    case.registration.put("acme", details, actor="test", at=jan(2))
    use(case, record("k1"))
    project(case)
    ((_, _, *found),) = queue(case)
    assert tuple(found) == marked


def test_an_issued_cycle_is_not_marked(case: Wired) -> None:
    with case.database.connection() as connection:
        connection.execute("UPDATE cycle_head SET status = 'issued'")
    project(case)
    assert queue(case) == []
