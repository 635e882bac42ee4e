"""A case: what may be done to it, and when."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.case import (
    COMMENTS_MAX,
    CUSTOMER,
    INTERNAL,
    OPEN_TO_CUSTOMERS,
    PUBLIC,
    SUPPORT,
    Case,
    Resolution,
    Written,
    reported,
)
from domain.errors import InvalidInput, RuleViolation
from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from domain.events.cycle import CycleReleased
from tests.january import day

WHOSE: dict[str, Any] = {"case": "acme.c1", "organization": "acme"}
TEXT: dict[str, Any] = {"text": "t1", "seal": "5ea1"}
REPORTED = CaseReported(at=day(5), **WHOSE, by=CUSTOMER, **TEXT, known_at=day(5))
ACKNOWLEDGED = CaseAcknowledged(at=day(6), **WHOSE)
RESOLVED = CaseResolved(at=day(8), **WHOSE, kind="explained", **TEXT)
REOPENED = CaseReopened(at=day(9), **WHOSE, by=CUSTOMER, **TEXT)
ANSWER = Resolution(kind="credited", cycle="acme.2026-01-01", position=17, credit="k1")


def written(by: str = SUPPORT) -> Written:
    return Written(by=by, text="t9", seal="0a")


def after(*events: CaseEvent) -> Case:
    case = reported(REPORTED)
    for event in events:
        case.apply(event)
    return case


@pytest.mark.parametrize(
    ("events", "status"),
    [
        pytest.param([], "reported", id="nobody has looked yet"),
        pytest.param([ACKNOWLEDGED], "acknowledged", id="somebody looks into it"),
        pytest.param([ACKNOWLEDGED, RESOLVED], "resolved", id="it was answered"),
        pytest.param([RESOLVED], "resolved", id="it was answered at once"),
        pytest.param([RESOLVED, REOPENED], "reopened", id="the answer would not do"),
        pytest.param([RESOLVED, REOPENED, ACKNOWLEDGED], "acknowledged", id="looked into again"),
    ],
)
def test_its_status_follows_from_what_happened(events: list[CaseEvent], status: str) -> None:
    assert after(*events).status == status


Decide = Callable[[Case], list[CaseEvent]]


@pytest.mark.parametrize(
    ("events", "decide", "made"),
    [
        pytest.param(
            [], lambda case: case.acknowledge(day(6)), [ACKNOWLEDGED], id="a report is acknowledged"
        ),
        pytest.param([ACKNOWLEDGED], lambda case: case.acknowledge(day(7)), [], id="but not twice"),
        pytest.param(
            [RESOLVED, REOPENED],
            lambda case: case.acknowledge(day(6)),
            [ACKNOWLEDGED],
            id="a reopened one is acknowledged anew",
        ),
        pytest.param(
            [],
            lambda case: case.resolve(written(), ANSWER, day(8)),
            [
                CaseResolved(
                    at=day(8),
                    **WHOSE,
                    kind="credited",
                    text="t9",
                    seal="0a",
                    cycle="acme.2026-01-01",
                    position=17,
                    credit="k1",
                )
            ],
            id="an answer says what was done",
        ),
        pytest.param(
            [RESOLVED],
            lambda case: case.reopen(written(CUSTOMER), day(9)),
            [CaseReopened(at=day(9), **WHOSE, by=CUSTOMER, text="t9", seal="0a")],
            id="a customer reopens it",
        ),
        pytest.param(
            [RESOLVED],
            lambda case: case.comment(written(), INTERNAL, day(80)),
            [
                CaseCommented(
                    at=day(80), **WHOSE, by=SUPPORT, visibility=INTERNAL, text="t9", seal="0a"
                )
            ],
            id="support leaves notes whenever it likes",
        ),
    ],
)
def test_what_is_allowed_is_an_event(
    events: list[CaseEvent], decide: Decide, made: list[CaseEvent]
) -> None:
    assert decide(after(*events)) == made


@pytest.mark.parametrize(
    ("events", "decide", "code"),
    [
        pytest.param(
            [RESOLVED], lambda case: case.acknowledge(day(9)), "case_resolved", id="acknowledge"
        ),
        pytest.param(
            [RESOLVED],
            lambda case: case.resolve(written(), ANSWER, day(9)),
            "case_resolved",
            id="another answer",
        ),
        pytest.param(
            [ACKNOWLEDGED],
            lambda case: case.reopen(written(), day(9)),
            "case_not_resolved",
            id="reopen what is open",
        ),
    ],
)
def test_what_clashes_with_its_status_is_refused(
    events: list[CaseEvent], decide: Decide, code: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        decide(after(*events))
    assert refused.value.code == code


LAST = day(8) + OPEN_TO_CUSTOMERS


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda case, by, at: case.reopen(written(by), at), id="reopen"),
        pytest.param(lambda case, by, at: case.comment(written(by), PUBLIC, at), id="comment"),
    ],
)
def test_customers_write_to_a_resolved_case_for_thirty_days(
    write: Callable[[Case, str, datetime], list[CaseEvent]],
) -> None:
    case = after(RESOLVED)
    assert write(case, CUSTOMER, LAST)
    with pytest.raises(RuleViolation, match="until 2026-02-07T00:00:00Z") as refused:
        write(case, CUSTOMER, LAST + timedelta(microseconds=1))
    assert refused.value.code == "case_closed"
    assert write(case, SUPPORT, LAST + timedelta(days=300))


def test_customers_leave_no_internal_comments() -> None:
    with pytest.raises(InvalidInput):
        after().comment(written(CUSTOMER), INTERNAL, day(6))


def test_a_case_takes_so_many_comments() -> None:
    said = CaseCommented(at=day(6), **WHOSE, by=SUPPORT, visibility=PUBLIC, **TEXT)
    case = after(*[said] * COMMENTS_MAX)
    with pytest.raises(RuleViolation) as refused:
        case.comment(written(), PUBLIC, day(7))
    assert refused.value.code == "case_full"


def test_an_event_of_something_else_stops_the_replay() -> None:
    with pytest.raises(TypeError):
        after().apply(CycleReleased(at=day(6), reason="fine"))
