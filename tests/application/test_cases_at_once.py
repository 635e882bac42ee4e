"""Cases while somebody else writes, too; and how they are listed."""

from datetime import datetime
from typing import Any

import pytest

from application.case_screens import NewCase
from application.case_views import CaseFilter
from domain.case import CUSTOMER
from domain.errors import (
    Busy,
    ConcurrentChange,
    CyclebookError,
    StoreUnavailable,
)
from tests.application.case_desk import CYCLE, WORDS, Desk
from tests.memory import MemoryStore
from tests.memory_cases import MemoryCaseTexts
from tests.world import ACTOR


@pytest.fixture
def desk() -> Desk:
    return Desk()


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
