"""Cases and discrepancies in PostgreSQL: rows that follow from the log, and texts beside it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from adapters.postgres.cases import PostgresCaseLists, PostgresCaseTexts
from adapters.postgres.discrepancies import PostgresDiscrepancies
from adapters.postgres.feedback import PostgresFeedback
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.records import PostgresCycleRecords
from api.wiring.cases import cases as wired_cases
from application.case_screens import NewCase
from application.case_texts import CaseText
from application.case_views import CaseFilter
from application.cases import TRIES, Cases
from application.discrepancies import DiscrepancyFilter
from application.feedback import Feedback, FeedbackCounts
from application.invoices import Invoices
from application.stripe_stream import LoggedStripeStream
from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from domain.events.stripe_invoice import (
    Discrepancy,
    DiscrepancyDismissed,
    DiscrepancyFound,
    DiscrepancyResolved,
)
from domain.identity import case_stream, stripe_stream
from tests.books import Wired, jan, january, record, wired

CYCLE = "acme.2026-01-01"
TEXT: dict[str, Any] = {"text": "t1", "seal": "5ea1"}
ROWS = (
    "SELECT c::text FROM case_summary c ORDER BY 1",
    "SELECT d::text FROM open_discrepancy d ORDER BY 1",
)


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


def project(case: Wired, page: int = 2000) -> PostgresProjector:
    projector = PostgresProjector(case.database, case.catalog, page=page)
    while projector.step():
        pass
    return projector


def happens(case: Wired, name: str, organization: str = "acme", **report: Any) -> None:
    """A case that was answered, and reopened."""
    whose: dict[str, Any] = {"case": f"{organization}.{name}", "organization": organization}
    said: dict[str, Any] = {**whose, "by": "customer", **TEXT}
    events = [
        CaseReported(at=jan(5), known_at=jan(4), **said, **report),
        CaseAcknowledged(at=jan(6), **whose),
        CaseCommented(at=jan(7), visibility="internal", **said),
        CaseCommented(at=jan(8), visibility="public", **said),
        CaseResolved(at=jan(9), kind="explained", **whose, **TEXT),
        CaseReopened(at=jan(10), **said),
    ]
    for version, event in enumerate(events):
        stream = case_stream(whose["case"])
        case.log.append(stream, version, [event], actor="test", at=jan(20))


def listed(case: Wired, **wanted: Any) -> list[str]:
    found = PostgresCaseLists(case.database).list(CaseFilter(**wanted), None, 10)
    return [each.case for each in found]


@pytest.mark.parametrize("page", [1, 4, 2000])
def test_a_case_is_one_row(case: Wired, page: int) -> None:
    happens(case, "c1", cycle=CYCLE, line="fee/a1/base@1", amount=3100, currency="usd")
    project(case, page)
    (row,) = PostgresCaseLists(case.database).list(CaseFilter(), None, 10)
    assert (row.case, row.status, row.comments, row.reopened) == ("acme.c1", "reopened", 1, 1)
    assert (row.reported_at, row.known_at, row.acknowledged_at) == (jan(5), jan(4), jan(6))
    assert (row.resolved_at, row.last_at, row.amount) == (None, jan(10), 3100)


def test_cases_are_listed_by_what_is_asked_for(case: Wired) -> None:
    happens(case, "c1", cycle=CYCLE)
    happens(case, "c2")
    happens(case, "g1", "globex")
    project(case)
    assert listed(case) == ["globex.g1", "acme.c2", "acme.c1"]
    assert listed(case, organization="acme", status="open") == ["acme.c2", "acme.c1"]
    assert listed(case, cycle=CYCLE, status="reopened") == ["acme.c1"]
    assert listed(case, status="resolved") == listed(case, reported_before=jan(5)) == []
    first, second, _ = PostgresCaseLists(case.database).list(CaseFilter(), None, 10)
    rest = PostgresCaseLists(case.database).list(CaseFilter(), first.number, 1)
    assert [each.case for each in rest] == [second.case]


def differs(
    case: Wired, *events: DiscrepancyFound | DiscrepancyResolved | DiscrepancyDismissed
) -> None:
    stream = stripe_stream(CYCLE)
    version = len(case.log.read(stream))
    case.log.append(stream, version, events, actor="sync", at=jan(3))


def found(kind: str, key: str = "", ours: str = "", theirs: str = "") -> DiscrepancyFound:
    about = Discrepancy(kind=kind, key=key, ours=ours, theirs=theirs)
    return DiscrepancyFound(invoice="in_1", discrepancy=about)


def open_ones(case: Wired, **wanted: Any) -> dict[str, int | None]:
    lists = PostgresDiscrepancies(case.database)
    return {each.about: each.cents for each in lists.list(DiscrepancyFilter(**wanted), 0, 10)}


def test_what_differs_is_listed_until_it_is_over_or_accepted(case: Wired) -> None:
    differs(case, found("amount", "a", "500", "400"), found("status", "", "issued", "void"))
    differs(case, found("foreign_line", "il_1", "", "-100 by hand"))
    project(case)
    assert open_ones(case) == {"amount/a": -100, "status": None, "foreign_line/il_1": -100}
    assert open_ones(case, organization="acme", cycle=CYCLE, kind="status") == {"status": None}
    assert open_ones(case, organization="globex") == {}
    gone = found("status", "", "issued", "void").discrepancy
    differs(
        case,
        DiscrepancyResolved(discrepancy="amount/a", how="synced"),
        DiscrepancyDismissed(discrepancy=gone, reason="so be it"),
    )
    project(case)
    assert open_ones(case) == {"foreign_line/il_1": -100}


def test_what_differs_in_another_way_is_the_same_since_it_began(case: Wired) -> None:
    differs(case, found("amount", "a", "500", "400"))
    project(case)
    (before,) = PostgresDiscrepancies(case.database).list(DiscrepancyFilter(), 0, 10)
    differs(case, found("amount", "a", "500", "300"))
    project(case)
    (after,) = PostgresDiscrepancies(case.database).list(DiscrepancyFilter(), 0, 10)
    assert (after.id, after.since, after.cents) == (before.id, before.since, -200)
    assert PostgresDiscrepancies(case.database).get(before.id) == after
    assert PostgresDiscrepancies(case.database).get("nothing") is None


@pytest.mark.parametrize("page", [1, 3, 5000])
def test_a_rebuild_gives_the_same_rows(case: Wired, page: int) -> None:
    happens(case, "c1", cycle=CYCLE)
    happens(case, "c2")
    differs(case, found("amount", "a", "500", "400"), found("status"), found("amount", "b", "1"))
    differs(case, DiscrepancyResolved(discrepancy="status", how="synced"))
    differs(case, found("amount", "a", "500", "300"))
    project(case, page=2)
    before = [case.rows(query) for query in ROWS]
    assert all(before)
    rebuilder = PostgresRebuilder(case.database, case.catalog, page)
    assert rebuilder.differing() == {}
    rebuilder.rebuild()
    assert [case.rows(query) for query in ROWS] == before
    for name in ("case_summary", "open_discrepancy"):
        rebuilder.rebuild(name)
    assert [case.rows(query) for query in ROWS] == before


# Texts


def test_a_text_is_kept_as_it_is_until_it_is_erased(case: Wired) -> None:
    texts = PostgresCaseTexts(case.database)
    words = "<b>'; DROP TABLE case_text; --\n\t100 % \\ \U0001f9fe"
    text = CaseText(id="t1", case="acme.c1", organization="acme", salt="s", body=words)
    texts.put(text)
    assert texts.of("acme.c1") == {"t1": text}
    assert not texts.erase("acme.c2", "t1", actor="key:one", at=jan(5))
    assert texts.erase("acme.c1", "t1", actor="key:one", at=jan(5))
    assert texts.erase("acme.c1", "t1", actor="key:two", at=jan(6))
    assert texts.of("acme.c1")["t1"].body is None
    row = "SELECT salt, body, erased_at, erased_by FROM case_text"
    assert case.rows(row) == [(None, None, jan(5), "key:one")]
    texts.discard("t1")
    assert texts.of("acme.c1") == {}


# Feedback


def opinion(actor: str, *, clear: bool, cycle: str = CYCLE, comment: str = "") -> Feedback:
    return Feedback(
        cycle=cycle,
        organization=cycle.partition(".")[0],
        actor=actor,
        clear=clear,
        comment=comment or None,
        at=datetime(2026, 2, 1, tzinfo=UTC),
    )


def test_the_last_answer_of_each_person_counts(case: Wired) -> None:
    store = PostgresFeedback(case.database)
    for each in (
        opinion("ada", clear=False, comment="What is a machine@1?"),
        opinion("bob", clear=True),
        opinion("eve", clear=False, cycle="globex.2026-01-01"),
        opinion("ada", clear=True),
    ):
        store.put(each)
    assert store.counts(None) == FeedbackCounts(clear=2, unclear=1)
    assert store.counts("globex") == FeedbackCounts(clear=0, unclear=1)
    assert [each.actor for each in store.list(None, None, None, 10)] == ["ada", "eve", "bob"]
    assert [each.actor for each in store.list("acme", True, None, 1)] == ["ada"]
    (unclear,) = store.list(None, False, None, 10)
    assert [each.actor for each in store.list(None, None, unclear.number, 10)] == ["bob"]
    mine = store.of(CYCLE, "ada")
    assert mine is not None
    assert (mine.clear, mine.comment) == (True, None)
    assert store.of(CYCLE, "eve") is None


# At the same time


def desk(case: Wired) -> tuple[Cases, Invoices]:
    stripe = LoggedStripeStream(case.log, lambda: case.now)
    records = PostgresCycleRecords(case.database)
    invoices = Invoices(case.books, case.log, case.catalog, records, stripe)
    return wired_cases(case.database, case.log, case.books, invoices), invoices


def test_everybody_who_writes_at_the_same_time_is_heard_once(case: Wired) -> None:
    """Whoever is late is so because somebody else was heard: as many tries as writers do."""
    cases, _ = desk(case)
    made = cases.report(
        "acme", NewCase(text="Hello?", case="c1"), by="customer", actor="ada", at=jan(20)
    )
    words = [f"from {number}" for number in range(TRIES)]

    def write(text: str) -> str:
        return cases.comment(
            made.case, text, "public", by="support", actor="bob", at=jan(20)
        ).effect

    with ThreadPoolExecutor(TRIES) as pool:
        assert list(pool.map(write, words)) == ["recorded"] * TRIES
    told = [each.text for each in cases.timeline(made.case, for_staff=True)]
    assert (told[0], sorted(str(each) for each in told[1:])) == ("Hello?", words)


def test_a_report_replays_to_its_digest_although_usage_kept_coming(case: Wired) -> None:
    """Given usage that is stored all the while, when a case is reported, it can be replayed."""
    cases, invoices = desk(case)
    over = Event()

    def use() -> int:
        number = 0
        while not over.is_set():
            number += 1
            sent = record(f"k{number}", value="1000")
            case.usage_log.append([sent], actor="test", now=case.now)
        return number

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(use)
        try:
            made = [
                cases.report(
                    "acme",
                    NewCase(text="Again", cycle=CYCLE),
                    by="customer",
                    actor="ada",
                    at=jan(20),
                )
                for _ in range(15)
            ]
        finally:
            over.set()
        assert sending.result() > 1
    reports = [cases.get(each.case).report for each in made]
    replayed = [invoices.get(CYCLE, known_at=each.known_at) for each in reports]
    assert [each.digest for each in replayed] == [each.digest for each in reports]
    assert len({each.digest for each in reports}) > 1
