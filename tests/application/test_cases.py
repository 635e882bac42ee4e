"""Cases: what was seen is replayed, what was said is kept beside the log, and walls hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from application.case_screens import NewCase
from application.case_views import CaseReceipt
from domain.case import CUSTOMER, INTERNAL, PUBLIC, SUPPORT, Resolution
from domain.errors import (
    CyclebookError,
    InvalidInput,
    NotFound,
    RuleViolation,
)
from tests.application.case_desk import BASE, CYCLE, WORDS, Desk
from tests.january import day
from tests.world import ACTOR

Write = Callable[["Desk", str], CaseReceipt]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# What was seen


def test_a_report_replays_to_the_very_invoice_whatever_happens_later(desk: Desk) -> None:
    desk.made.use("20", day(4))
    before = desk.made.invoice()
    desk.report(case="c1", cycle=CYCLE, line=BASE)
    desk.made.later(hours=1)
    desk.made.use("500", day(3))
    desk.made.item("set-up", 4900, day(4))
    seen = desk.cases.get("acme.c1").report
    replayed = desk.made.invoice(as_of=seen.as_of, known_at=seen.known_at)
    assert seen.digest == before.digest == replayed.digest != desk.made.invoice().digest
    assert (seen.total, seen.amount, seen.currency) == (before.total, 3100, "usd")
    assert seen.position == replayed.position


def test_a_report_is_bound_to_the_screen_that_was_looked_at(desk: Desk) -> None:
    desk.made.use("20", day(4))
    screen = desk.made.invoice(as_of=day(4), known_at=desk.made.now)
    desk.made.later(hours=2)
    desk.made.use("500", day(3))
    desk.report(case="c1", cycle=CYCLE, as_of=day(4), known_at=screen.known_at)
    seen = desk.cases.get("acme.c1").report
    assert (seen.digest, seen.as_of, seen.known_at) == (screen.digest, day(4), screen.known_at)


def test_a_report_about_no_invoice_says_where_the_log_stood(desk: Desk) -> None:
    desk.report(case="c1")
    seen = desk.cases.get("acme.c1").report
    assert (seen.cycle, seen.digest, seen.total) == (None, None, None)
    assert (seen.position, seen.known_at) == (len(desk.made.store.events) - 1, day(5))
    desk.report(case="c2", known_at=day(4))
    assert desk.cases.get("acme.c2").report.position is None


@pytest.mark.parametrize(
    ("new", "kind", "says"),
    [
        pytest.param({"cycle": "globex.2026-01-01"}, NotFound, "globex", id="another's cycle"),
        pytest.param({"cycle": "acme.2027-01-01"}, NotFound, "acme.2027", id="no such cycle"),
        pytest.param({"cycle": "acme"}, NotFound, "acme", id="not the id of a cycle"),
        pytest.param({"cycle": CYCLE, "line": "fee/x/y@1"}, InvalidInput, "no line", id="no line"),
        pytest.param({"line": BASE}, InvalidInput, "cycle", id="a line of which cycle"),
        pytest.param({"known_at": day(6)}, InvalidInput, "future", id="not known yet"),
        pytest.param({"case": "no name"}, InvalidInput, "case", id="a name that is none"),
        pytest.param({"text": " \n"}, InvalidInput, "text", id="no words"),
        pytest.param({"text": "x" * 4001}, InvalidInput, "4000", id="too many words"),
        pytest.param({"text": "a\x07b"}, InvalidInput, "control", id="a bell"),
    ],
)
def test_a_report_that_cannot_be_is_refused_and_leaves_nothing(
    desk: Desk, new: dict[str, Any], kind: type[CyclebookError], says: str
) -> None:
    before = len(desk.made.store.events)
    with pytest.raises(kind, match=says):
        desk.report(**new)
    assert (len(desk.made.store.events), desk.texts.kept) == (before, {})


def test_an_organization_that_does_not_exist_reports_nothing(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.cases.report(
            "nobody", NewCase(text="Hello"), by=SUPPORT, actor=ACTOR, at=desk.made.now
        )


# Once


def test_the_same_report_again_does_nothing(desk: Desk) -> None:
    first = desk.report(case="c1", cycle=CYCLE)
    desk.made.later(minutes=5)
    again = desk.report(case="c1", cycle=CYCLE)
    assert (first.effect, again.effect) == ("recorded", "nothing")
    assert (again.case, again.position) == ("acme.c1", first.position)
    assert len(desk.texts.kept) == 1


@pytest.mark.parametrize("other", [{"text": "Something else"}, {"line": BASE}, {"as_of": day(2)}])
def test_another_report_under_the_same_name_is_refused(desk: Desk, other: dict[str, Any]) -> None:
    desk.report(case="c1", cycle=CYCLE)
    with pytest.raises(RuleViolation) as refused:
        desk.report(**({"case": "c1", "cycle": CYCLE} | other))
    assert refused.value.code == "conflict"
    assert len(desk.texts.kept) == 1


def test_reports_without_a_name_get_one_each(desk: Desk) -> None:
    assert desk.report().case != desk.report().case


def test_two_organizations_may_use_the_same_name(desk: Desk) -> None:
    desk.made.register("globex")
    desk.report(case="c1")
    theirs = desk.cases.report(
        "globex", NewCase(text="Ours", case="c1"), by=CUSTOMER, actor=ACTOR, at=desk.made.now
    )
    assert theirs.case == "globex.c1"
    assert desk.cases.get("acme.c1").text == WORDS
    with pytest.raises(NotFound, match=r"there is no case globex\.c1"):
        desk.cases.get("globex.c1", organization="acme")
    with pytest.raises(NotFound):
        desk.cases.timeline("globex.c1", for_staff=False, organization="acme")


# The conversation


def test_the_timeline_for_support_and_for_the_customer(desk: Desk) -> None:
    desk.report(case="c1", by=CUSTOMER)
    desk.cases.acknowledge("acme.c1", actor="key:ck_grace", at=desk.made.now)
    desk.comment("The meter counted twice.", to=INTERNAL)
    desk.comment("When was that?", by=SUPPORT)
    desk.comment("On Monday.", by=CUSTOMER)
    desk.resolve("We are sorry.")
    staff, customer = desk.told(for_staff=True), desk.told(for_staff=False)
    assert [who for who, _, _ in staff] == [
        "key:ck_ada",
        "key:ck_grace",
        "key:ck_support",
        "key:ck_support",
        "key:ck_customer",
        ACTOR,
    ]
    assert customer == [
        ("key:ck_ada", "A problem was reported as seen at 2026-01-05 00:00 UTC", WORDS),
        ("Support", "Support looks into it", None),
        ("Support", "Support wrote", "When was that?"),
        ("key:ck_customer", "The customer wrote", "On Monday."),
        ("Support", "The problem is resolved: the bill is explained", "We are sorry."),
    ]
    assert "twice" not in repr(desk.cases.timeline("acme.c1", for_staff=False))


def test_a_refused_comment_leaves_no_text(desk: Desk) -> None:
    desk.report(case="c1")
    desk.resolve()
    desk.made.later(days=31)
    with pytest.raises(RuleViolation):
        desk.comment("Once more.", by=CUSTOMER)
    with pytest.raises(InvalidInput):
        desk.comment("Once more.", to="secret")
    assert len(desk.texts.kept) == 2


def test_an_answer_names_what_was_done(desk: Desk) -> None:
    desk.report(case="c1", cycle=CYCLE)
    desk.made.credit("k1", 500)
    desk.resolve(kind="credited", credit="k1", cycle=CYCLE, position=7)
    view = desk.cases.get("acme.c1")
    assert view.resolution is not None
    assert (view.resolution.kind, view.resolution.credit) == ("credited", "k1")
    assert view.reopen_until == desk.made.now + timedelta(days=30)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        pytest.param({"kind": "forgotten"}, InvalidInput, id="no such kind"),
        pytest.param({"credit": "k9"}, InvalidInput, id="no such credit"),
        pytest.param({"cycle": "globex.2026-01-01"}, NotFound, id="another's cycle"),
        pytest.param({"position": 0}, InvalidInput, id="no position of the log"),
    ],
)
def test_an_answer_that_names_nothing_is_refused(
    desk: Desk, found: dict[str, Any], kind: type[CyclebookError]
) -> None:
    desk.report(case="c1")
    with pytest.raises(kind):
        desk.resolve(**found)
    assert desk.cases.get("acme.c1").summary.status == "reported"


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(
            lambda desk, case: desk.cases.acknowledge(case, actor=ACTOR, at=desk.made.now),
            id="acknowledge",
        ),
        pytest.param(
            lambda desk, case: desk.cases.comment(
                case, "x", PUBLIC, by=SUPPORT, actor=ACTOR, at=desk.made.now
            ),
            id="comment",
        ),
        pytest.param(
            lambda desk, case: desk.cases.resolve(
                case, Resolution(kind="explained"), "x", actor=ACTOR, at=desk.made.now
            ),
            id="resolve",
        ),
        pytest.param(
            lambda desk, case: desk.cases.reopen(
                case, "x", by=SUPPORT, actor=ACTOR, at=desk.made.now
            ),
            id="reopen",
        ),
    ],
)
def test_a_case_that_does_not_exist_is_not_found(desk: Desk, write: Write) -> None:
    with pytest.raises(NotFound, match=r"there is no case acme\.c9"):
        write(desk, "acme.c9")
    assert desk.texts.kept == {}


def test_the_life_of_a_case(desk: Desk) -> None:
    desk.report(case="c1")
    desk.resolve()
    reopened = desk.cases.reopen(
        "acme.c1", "No.", by=CUSTOMER, actor="key:ck_ada", at=desk.made.now
    )
    assert reopened.status == "reopened"
    again = desk.cases.acknowledge("acme.c1", actor=ACTOR, at=desk.made.now)
    assert (again.status, again.effect) == ("acknowledged", "recorded")
    twice = desk.cases.acknowledge("acme.c1", actor=ACTOR, at=desk.made.now)
    assert (twice.position, twice.effect) == (again.position, "nothing")
