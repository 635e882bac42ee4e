"""Texts of cases: kept beside the log, erased by themselves, and sealed."""

from dataclasses import replace

import pytest

from application.case_texts import CaseText
from domain.errors import NotFound
from tests.application.case_desk import WORDS, Desk
from tests.world import ACTOR


@pytest.fixture
def desk() -> Desk:
    return Desk()


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
