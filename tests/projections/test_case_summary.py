"""What a list says of a case after each event, and the sentences of its story."""

from typing import Any

import pytest

from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from projections.case_summary import CaseSummary, summary_of, updated
from projections.history import describe
from tests.domain.test_case import ACKNOWLEDGED, REOPENED, REPORTED, RESOLVED, TEXT, WHOSE
from tests.january import day


def commented(visibility: str, by: str = "support") -> CaseCommented:
    return CaseCommented(at=day(7), **WHOSE, by=by, visibility=visibility, **TEXT)


def after(*events: CaseEvent) -> CaseSummary:
    row = summary_of(REPORTED, 10)
    for position, event in enumerate(events, start=11):
        row = updated(row, event, position)
    return row


@pytest.mark.parametrize(
    ("events", "says"),
    [
        pytest.param(
            [ACKNOWLEDGED],
            {"status": "acknowledged", "acknowledged_at": day(6), "last_at": day(6)},
            id="acknowledged",
        ),
        pytest.param(
            [commented("public")], {"comments": 1, "last_at": day(7)}, id="a public comment"
        ),
        pytest.param(
            [ACKNOWLEDGED, RESOLVED],
            {"status": "resolved", "resolved_at": day(8), "resolution": "explained"},
            id="resolved",
        ),
        pytest.param(
            [ACKNOWLEDGED, RESOLVED, REOPENED],
            {"status": "reopened", "resolved_at": None, "resolution": None, "reopened": 1},
            id="reopened",
        ),
        pytest.param(
            [ACKNOWLEDGED, RESOLVED, REOPENED, CaseAcknowledged(at=day(20), **WHOSE)],
            {"status": "acknowledged", "acknowledged_at": day(6), "last_at": day(20)},
            id="the first acknowledgement stays",
        ),
    ],
)
def test_its_row_says(events: list[CaseEvent], says: dict[str, Any]) -> None:
    row = after(*events)
    assert {name: getattr(row, name) for name in says} == says
    assert (row.number, row.position) == (10, 10 + len(events))


def test_an_internal_comment_leaves_no_trace_in_a_list() -> None:
    assert after(commented("internal")) == after()


def case(title: str, event: object, sentence: str) -> Any:
    return pytest.param(event, sentence, id=title)


SEEN: dict[str, Any] = {**WHOSE, **TEXT, "known_at": day(5), "cycle": "acme.2026-01-01"}
LINE: dict[str, Any] = {"line": "fee/a1/base@1", "amount": 3100, "total": 4900, "currency": "usd"}
STORIES = [
    case(
        "a line",
        CaseReported(at=day(5), by="customer", **SEEN, **LINE),
        "A problem was reported with fee/a1/base@1 of acme.2026-01-01 at 31.00 USD, "
        "as seen at 2026-01-05 00:00 UTC",
    ),
    case(
        "an invoice, on the phone",
        CaseReported(at=day(5), by="support", **SEEN, total=4900, currency="usd"),
        "A problem was reported for the customer with acme.2026-01-01 at 49.00 USD, "
        "as seen at 2026-01-05 00:00 UTC",
    ),
    case("anything else", REPORTED, "A problem was reported as seen at 2026-01-05 00:00 UTC"),
    case("acknowledged", ACKNOWLEDGED, "Support looks into it"),
    case("a comment", commented("public", "customer"), "The customer wrote"),
    case("an answer", commented("public"), "Support wrote"),
    case("a note", commented("internal"), "Support left a note that the customer does not see"),
    case("explained", RESOLVED, "The problem is resolved: the bill is explained"),
    case(
        "credited",
        CaseResolved(
            at=day(8), **WHOSE, kind="credited", **TEXT, credit="k1", cycle="acme.2026-01-01"
        ),
        "The problem is resolved: a credit was given (credit k1 and acme.2026-01-01)",
    ),
    case("reopened", REOPENED, "The customer reopened the problem"),
    case(
        "reopened by support",
        CaseReopened(at=day(9), **WHOSE, by="support", **TEXT),
        "Support reopened the problem",
    ),
]


@pytest.mark.parametrize(("event", "sentence"), STORIES)
def test_the_story_tells(event: object, sentence: str) -> None:
    assert describe(event) == sentence
