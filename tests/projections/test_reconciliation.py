"""Every way in which the three sides may differ: its kind, how bad it is, and by how many cents."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.billing_cycle import Status
from domain.events.outcome import InvoiceFinalized
from domain.events.stripe_invoice import (
    Discrepancy,
    ForeignLine,
    InvoiceVoidedAtStripe,
)
from domain.stripe_invoice import StripeInvoice
from projections.reconciliation import (
    Booked,
    Kind,
    Severity,
    books_findings,
    projection_findings,
)
from projections.reconciliation_stripe import in_sight, stranger
from projections.remote_invoice import Marks, RemoteInvoice, RemoteStatus
from tests.january import day
from tests.projections.three_sides import (
    ISSUED,
    LINES,
    NOW,
    Told,
    at_stripe,
    booked,
    found,
    projected,
    recorded,
    told,
)
from tests.stripe_memory import CYCLE

STRANGE = ForeignLine(line="il_x", amount=777, description="By hand", start=day(1), end=day(2))
BY_HAND = at_stripe(foreign=(STRANGE,), line_count=3, subtotal=3933)
EXTRA_LINE = at_stripe(LINES | {"usage/a2": 5}, "open")
SAME_TOTAL = at_stripe({"fee/a1": 3101, "usage/a1": 55})
PAID = booked(Status.PAID)
ON_ISSUE = booked(ISSUED)
BEHIND = booked(amounts=LINES | {"usage/a1": 60}, record=recorded(LINES))
NEVER = booked(record=StripeInvoice())
FORGIVEN = booked(Status.VOID)
ALONE = booked(ISSUED)
ALONE.cycle.apply(InvoiceFinalized(at=day(32), total=0, stripe_invoice=None))
OLD = Marks(cycle=CYCLE, revision=0)
W, E, I = Severity.WARNING, Severity.ERROR, Severity.INFO  # noqa: E741


@pytest.mark.parametrize(
    ("books", "listed", "says"),
    [
        pytest.param(booked(), [at_stripe()], [], id="a draft as it was proved"),
        pytest.param(ON_ISSUE, [at_stripe(status="open")], [], id="an open invoice"),
        pytest.param(PAID, [at_stripe(status="paid")], [], id="a paid one"),
        pytest.param(NEVER, [], [(Kind.LAGGING, W, -3156)], id="never synced: 0 - 3156"),
        pytest.param(
            replace(NEVER, awaits=True), [], [], id="a subscription is still to make the draft"
        ),
        pytest.param(BEHIND, [at_stripe()], [(Kind.LAGGING, W, -4)], id="3156 - 3160"),
        pytest.param(booked(), [], [(Kind.MISSING, W, -3156)], id="the draft was deleted"),
        pytest.param(ON_ISSUE, [], [(Kind.MISSING, E, -3156)], id="an issued one is not there"),
        pytest.param(
            booked(), [BY_HAND], [(Kind.EDITED, W, 777)], id="a line by hand: 3933 - 3156"
        ),
        pytest.param(booked(), [SAME_TOTAL], [(Kind.EDITED, W, 0)], id="3101 + 55 = 3100 + 56"),
        pytest.param(
            booked(),
            [at_stripe(untaxed=3000)],
            [(Kind.EDITED, W, -156)],
            id="a discount by hand: 3000 - 3156",
        ),
        pytest.param(ON_ISSUE, [EXTRA_LINE], [(Kind.AMOUNT, E, 5)], id="3161 - 3156"),
        pytest.param(
            ON_ISSUE,
            [replace(SAME_TOTAL, status=RemoteStatus.OPEN)],
            [(Kind.EDITED, E, 0)],
            id="other lines issued, the same total",
        ),
        pytest.param(
            booked(), [at_stripe(currency="eur")], [(Kind.CURRENCY, E, 0)], id="usd against eur"
        ),
        pytest.param(
            booked(), [at_stripe(customer="cus_2")], [(Kind.CUSTOMER, E, 0)], id="cus_1, cus_2"
        ),
        pytest.param(
            ON_ISSUE, [at_stripe(status="paid")], [(Kind.STATUS, W, 0)], id="paid, not noted"
        ),
        pytest.param(
            ON_ISSUE, [at_stripe(status="void")], [(Kind.STATUS, W, -3156)], id="void, not noted"
        ),
        pytest.param(
            PAID,
            [at_stripe(status="open")],
            [(Kind.STATUS, E, 0)],
            id="open, but paid by the books",
        ),
        pytest.param(
            booked(),
            [at_stripe(status="open")],
            [(Kind.STATUS, E, 3156)],
            id="finalized by somebody: the customer is asked for 3156",
        ),
        pytest.param(
            booked(Status.FINALIZING, record=recorded(LINES)),
            [at_stripe(status="open")],
            [(Kind.STATUS, W, 0)],
            id="finalized, and a crash before we noted it",
        ),
        pytest.param(
            FORGIVEN,
            [at_stripe(status="void")],
            [(Kind.STATUS, W, -3156)],
            id="void on both sides, and nobody decided",
        ),
        pytest.param(
            booked(),
            [at_stripe(), at_stripe(id="in_2")],
            [(Kind.DUPLICATE_INVOICE, E, 3156)],
            id="a second draft",
        ),
        pytest.param(
            booked(), [at_stripe(), at_stripe(id="in_2", status="void")], [], id="a void second one"
        ),
        pytest.param(
            booked(),
            [at_stripe(), at_stripe(id="in_0", marks=OLD)],
            [(Kind.ORPHAN_DRAFT, W, 3156)],
            id="a draft of a revision taken back",
        ),
        pytest.param(
            booked(),
            [at_stripe(), at_stripe(id="in_0", marks=OLD, status="open")],
            [(Kind.EXTRA, E, 3156)],
            id="a revision taken back is still open",
        ),
        pytest.param(
            ALONE, [at_stripe(status="open")], [(Kind.EXTRA, E, 3156)], id="issued in books alone"
        ),
        pytest.param(ALONE, [], [], id="issued in books alone, nothing at Stripe"),
        pytest.param(
            ALONE,
            [at_stripe({}, status="draft")],
            [(Kind.ORPHAN_DRAFT, I, 0)],
            id="an empty draft left over",
        ),
    ],
)
def test_what_stripe_lists_against_the_books(
    books: Booked, listed: list[RemoteInvoice], says: list[Told]
) -> None:
    assert told(found(books, *listed)) == says


@pytest.mark.parametrize(
    ("row", "lags"),
    [
        pytest.param({"due_at": NOW + timedelta(minutes=5)}, False, id="due in five minutes"),
        pytest.param({"due_at": NOW - timedelta(minutes=5)}, False, id="just due"),
        pytest.param({"due_at": NOW - timedelta(hours=2)}, True, id="due for two hours"),
        pytest.param({"position": 8}, False, id="the projections have not caught up"),
        pytest.param({"problem": "unsafe"}, True, id="given up, or not queued"),
    ],
)
def test_a_draft_that_is_about_to_be_synced_does_not_lag(row: dict[str, Any], lags: bool) -> None:
    assert [each.kind for each in found(BEHIND, at_stripe(), **row)] == [Kind.LAGGING] * lags


def test_a_lagging_draft_says_why_its_last_sync_failed() -> None:
    (lagging,) = found(BEHIND, at_stripe(), problem="unsafe_change_set: too much")
    assert lagging.detail == "unsafe_change_set: too much"


def test_a_plan_that_was_never_proved_is_our_own_fault_and_no_edit() -> None:
    record = recorded(LINES)
    record.settled = False
    (lagging,) = found(booked(record=record), at_stripe({"fee/a1": 3100}))
    assert (lagging.kind, lagging.cents) == (Kind.LAGGING, -56)


def test_what_a_person_dismissed_is_not_told_again_while_it_stays_so() -> None:
    books = booked()
    text = f"{STRANGE.amount} {STRANGE.description}"
    known = Discrepancy(kind="foreign_line", key="il_x", ours="", theirs=text)
    books.record.dismissed[known.id] = known
    assert found(books, BY_HAND) == []
    assert told(found(books, replace(BY_HAND, foreign=(replace(STRANGE, amount=778),)))) == [
        (Kind.EDITED, W, 777)
    ]


def test_an_invoice_voided_as_we_wished_is_as_it_should_be() -> None:
    books = booked(Status.VOID)
    books.record.apply(InvoiceVoidedAtStripe(invoice="in_1", revision=1, wanted=True))
    assert found(books, at_stripe(status="void")) == []
    assert told(found(books, at_stripe(status="open"))) == [(Kind.STATUS, E, 3156)]


@pytest.mark.parametrize(
    ("status", "subtotal", "says"),
    [
        ("draft", 500, [(Kind.ORPHAN_DRAFT, W, 500)]),
        ("draft", 0, [(Kind.ORPHAN_DRAFT, I, 0)]),
        ("open", 500, [(Kind.EXTRA, E, 500)]),
        ("void", 500, []),
    ],
)
def test_an_invoice_of_a_cycle_nobody_knows(status: str, subtotal: int, says: list[Told]) -> None:
    marks = Marks(cycle="ghost.2026-01-01", revision=1)
    seen = at_stripe({"a": subtotal}, status, marks=marks)
    assert told(list(stranger(seen))) == says
    assert all(each.organization == "ghost" for each in stranger(seen))


@pytest.mark.parametrize(
    ("changes", "suffices"),
    [
        ({}, True),
        ({"subtotal": 3157}, False),
        ({"line_count": 3}, False),
        ({"untaxed": 3000}, False),
        ({"currency": "eur"}, False),
        ({"customer": "cus_2"}, False),
        ({"marks": Marks(cycle=CYCLE, revision=1, digest="other")}, False),
        ({"foreign": (STRANGE,)}, False),
    ],
)
def test_the_first_lines_suffice_where_everything_in_sight_agrees(
    changes: dict[str, Any], suffices: bool
) -> None:
    first = dict(list(at_stripe().lines.items())[:1])
    glance = at_stripe(**({"lines": first, "complete": False} | changes))
    assert in_sight(booked(), glance) is suffices


def test_a_projected_row_is_held_against_the_events() -> None:
    books = booked(ISSUED)
    assert list(projection_findings(books, projected(books))) == []
    wrong = replace(books.summary, total=3000, status="paid")
    (differs,) = projection_findings(books, projected(books, summary=wrong))
    assert (differs.kind, differs.severity, differs.cents) == (Kind.PROJECTION_DIFFERS, E, -156)
    assert (differs.ours, differs.theirs, differs.detail) == (
        "issued, 3156",
        "paid, 3000",
        "status, total",
    )


def test_a_row_that_tells_no_wrong_amount_is_a_warning_and_one_that_lags_is_none() -> None:
    books = booked(ISSUED)
    wrong = replace(books.summary, number="B-7")
    (differs,) = projection_findings(books, projected(books, summary=wrong))
    assert differs.severity is W
    assert list(projection_findings(books, projected(books, summary=wrong, position=8))) == []
    (missing,) = projection_findings(books, projected(books, summary=None))
    assert (missing.severity, missing.detail) == (E, "no row")


def test_events_that_no_longer_come_to_what_was_settled() -> None:
    (differs,) = books_findings(booked(ISSUED, amounts={"fee/a1": 3000}))
    assert (differs.kind, differs.severity, differs.cents) == (Kind.REPLAY_DIFFERS, E, 156)
    assert list(books_findings(booked(ISSUED))) == []
