"""Cases: what was seen is replayed, what was said is kept beside the log, and walls hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from application.case_screens import NewCase, Screens
from application.case_texts import CaseText
from application.case_views import CaseFilter, CaseReceipt
from application.cases import Cases
from domain.case import CUSTOMER, INTERNAL, PUBLIC, SUPPORT, Resolution
from domain.errors import (
    Busy,
    ConcurrentChange,
    CyclebookError,
    InvalidInput,
    NotFound,
    RuleViolation,
    StoreUnavailable,
)
from tests.january import day
from tests.memory import MemoryStore
from tests.memory_cases import MemoryCaseLists, MemoryCaseTexts
from tests.world import ACTOR, World, world

CYCLE = "acme.2026-01-01"
BASE = "fee/a1/base@1"
WORDS = "Ada Lovelace, 12 Main St: <script>alert('too much')</script>\n\"no\"; -- 100 %"
Write = Callable[["Desk", str], CaseReceipt]


class Desk:
    """Cases over a world in memory."""

    def __init__(self) -> None:
        self.made: World = world()
        self.made.attach("a1", "machine", day(1))
        self.made.travel(day(5))
        self.texts = MemoryCaseTexts()
        self.tokens = count(1)
        self.cases = self.over(self.made.store)

    def over(self, log: Any) -> Cases:
        return Cases(
            log,
            self.made.books,
            Screens(self.made.books, self.made.invoices),
            self.texts,
            MemoryCaseLists(self.made.store),
            lambda: f"{next(self.tokens):04x}" * 8,
        )

    def report(self, text: str = WORDS, *, by: str = CUSTOMER, **more: Any) -> CaseReceipt:
        new = NewCase(text=text, **more)
        return self.cases.report("acme", new, by=by, actor="key:ck_ada", at=self.made.now)

    def comment(self, text: str, *, by: str = SUPPORT, to: str = PUBLIC) -> CaseReceipt:
        return self.cases.comment(
            "acme.c1", text, to, by=by, actor=f"key:ck_{by}", at=self.made.now
        )

    def resolve(self, text: str = "It is so.", **found: Any) -> CaseReceipt:
        resolution = Resolution(**{"kind": "explained", **found})
        return self.cases.resolve("acme.c1", resolution, text, actor=ACTOR, at=self.made.now)

    def told(self, *, for_staff: bool) -> list[tuple[str, str, str | None]]:
        entries = self.cases.timeline("acme.c1", for_staff)
        return [(each.who, each.what, each.text) for each in entries]

    def log_holds(self, words: str) -> bool:
        return any(words in repr(each.event) for each in self.made.store.events)


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


# Texts


def test_what_people_wrote_is_kept_as_it_is_and_never_in_the_log(desk: Desk) -> None:
    desk.report(case="c1")
    assert desk.cases.get("acme.c1").text == WORDS
    assert not desk.log_holds("Lovelace")


def test_an_erased_text_leaves_a_case_that_can_be_read(desk: Desk) -> None:
    desk.report(case="c1")
    (entry,) = desk.cases.timeline("acme.c1", for_staff=True)
    for _ in range(2):
        desk.cases.erase("acme.c1", str(entry.text_id), actor=ACTOR, at=desk.made.now)
    desk.resolve("All is well.")
    first, last = desk.cases.timeline("acme.c1", for_staff=False)
    assert (first.text, first.text_state, first.what) == (None, "erased", entry.what)
    assert (last.text, last.text_state) == ("All is well.", "kept")
    assert (desk.cases.get("acme.c1").text_state, desk.report(case="c1").effect) == (
        "erased",
        "nothing",
    )
    assert "Lovelace" not in repr(desk.texts.kept)


def test_only_a_text_of_the_case_is_erased(desk: Desk) -> None:
    desk.report(case="c1")
    desk.report(case="c2")
    (entry,) = desk.cases.timeline("acme.c2", for_staff=True)
    with pytest.raises(NotFound):
        desk.cases.erase("acme.c1", str(entry.text_id), actor=ACTOR, at=desk.made.now)
    assert desk.cases.get("acme.c2").text == WORDS


def test_a_text_that_was_changed_behind_our_back_is_not_shown(desk: Desk) -> None:
    desk.report(case="c1")
    ((id_, text),) = desk.texts.kept.items()
    desk.texts.kept[id_] = replace(text, body="I owe everything.")
    (entry,) = desk.cases.timeline("acme.c1", for_staff=False)
    assert (entry.text, entry.text_state) == (None, "altered")


def test_the_seal_says_nothing_without_the_salt() -> None:
    one = CaseText(id="t1", case="acme.c1", organization="acme", salt="a", body="yes")
    assert one.seal != replace(one, salt="b").seal
    assert replace(one, salt=None, body=None).seal is None


# Somebody else at the same time


class Rushed:
    """A log in which somebody else is first, a number of times."""

    def __init__(self, store: MemoryStore, error: CyclebookError, times: int) -> None:
        self._store = store
        self._error = error
        self._left = times

    def read(self, *arguments: Any) -> Any:
        return self._store.read(*arguments)

    def append(self, *arguments: Any, **more: Any) -> int:
        if self._left:
            self._left -= 1
            raise self._error
        return self._store.append(*arguments, **more)


FIRST = ConcurrentChange("somebody else was first")


def test_a_comment_is_written_although_others_were_first(desk: Desk) -> None:
    desk.report(case="c1")
    desk.cases = desk.over(Rushed(desk.made.store, FIRST, 2))
    assert desk.comment("Here I am.").effect == "recorded"
    assert [text for _, _, text in desk.told(for_staff=True)] == [WORDS, "Here I am."]


def test_a_comment_that_never_gets_its_turn_leaves_no_text(desk: Desk) -> None:
    desk.report(case="c1")
    desk.cases = desk.over(Rushed(desk.made.store, FIRST, 99))
    with pytest.raises(Busy):
        desk.comment("Here I am.")
    assert len(desk.texts.kept) == 1


def test_while_nobody_knows_whether_it_was_stored_a_text_stays(desk: Desk) -> None:
    desk.report(case="c1")
    away = StoreUnavailable("the database went away")
    desk.cases = desk.over(Rushed(desk.made.store, away, 1))
    with pytest.raises(StoreUnavailable):
        desk.comment("Here I am.")
    assert [text.body for text in desk.texts.kept.values()] == [WORDS, "Here I am."]


class Twin(Rushed):
    """A log in which the very same report is stored between our look and our append."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.made.store, FIRST, 1)
        self._other = desk.cases
        self._now = desk.made.now

    def append(self, *arguments: Any, **more: Any) -> int:
        new = NewCase(text=WORDS, case="c1")
        self._other.report("acme", new, by=CUSTOMER, actor="key:ck_twin", at=self._now)
        return super().append(*arguments, **more)


def test_the_same_report_at_the_same_time_is_one_case(desk: Desk) -> None:
    other = desk.cases
    desk.texts = MemoryCaseTexts()
    mine = desk.over(Twin(desk))
    new = NewCase(text=WORDS, case="c1")
    assert mine.report("acme", new, by=CUSTOMER, actor=ACTOR, at=desk.made.now).effect == "nothing"
    assert [each.who for each in other.timeline("acme.c1", for_staff=True)] == ["key:ck_twin"]
    assert desk.texts.kept == {}


# Lists


def names(desk: Desk, after: int | None = None, limit: int = 50, **wanted: Any) -> list[str]:
    return [each.case for each in desk.cases.list(CaseFilter(**wanted), after, limit).data]


def test_cases_are_listed_by_what_is_asked_for(desk: Desk) -> None:
    desk.made.register("globex")
    desk.report(case="c1", cycle=CYCLE)
    desk.made.later(days=2)
    desk.report(case="c2")
    later: datetime = desk.made.now
    new = NewCase(text="Ours", case="g1")
    desk.cases.report("globex", new, by=CUSTOMER, actor=ACTOR, at=later)
    desk.resolve()
    assert names(desk) == ["globex.g1", "acme.c2", "acme.c1"]
    assert names(desk, organization="acme") == ["acme.c2", "acme.c1"]
    assert names(desk, cycle=CYCLE) == ["acme.c1"]
    assert names(desk, status="open") == ["globex.g1", "acme.c2"]
    assert names(desk, status="resolved") == ["acme.c1"]
    assert names(desk, reported_before=later) == ["acme.c1"]
    page = desk.cases.list(limit=2)
    assert names(desk, page.next_cursor) == ["acme.c1"]
    assert desk.cases.list(limit=3).next_cursor is None
