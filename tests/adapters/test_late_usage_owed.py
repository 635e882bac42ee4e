"""Late usage until it is billed: what stays open, when there is something to do, what frees it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.events.amounts import CreditApplied
from domain.events.late import LateFactsBilled, LateFactsReopened
from tests.adapters.late import FEB, FEBRUARY, JANUARY, flags, layers, note, policy, send, summed
from tests.books import Wired, cut_off, issue, jan, january, record, void, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


def test_a_reissue_counts_everything_known_and_begins_anew(case: Wired) -> None:
    send(case, record("k1"), now=jan(20))
    cut_off(case)
    issue(case, JANUARY)
    send(case, record("k2", value="2"))
    void(case, JANUARY, "reissue")
    assert layers(case) == ({"a1 cpu@1": 3}, None)
    assert flags(case) == (False, False, False)
    assert case.rows("SELECT 1 FROM usage_tally WHERE cycle_no < 0") == []
    assert send(case, record("k3", value="4")) == ["late"]
    assert layers(case) == ({"a1 cpu@1": 3}, {"a1 cpu@1": 7})


def test_late_facts_stay_open_until_they_are_billed(case: Wired) -> None:
    cut_off(case)
    issue(case, JANUARY)
    assert owing(case) == []
    send(case, record("k1"))
    assert owing(case) == [JANUARY]
    note(case, LateFactsBilled(at=FEB, by=FEBRUARY, lines={"usage": 5}, open=True))
    assert owing(case) == [JANUARY]
    note(case, LateFactsBilled(at=FEB, by=FEBRUARY, lines={"usage": 5}))
    assert owing(case) == []
    note(case, LateFactsReopened(at=FEB, by=FEBRUARY))
    assert owing(case) == [JANUARY]


def owing(case: Wired) -> list[str]:
    """Issued cycles from the oldest on that has late facts open, as readers and writers see it."""
    snapshot = [each.cycle.id for each in case.books.snapshot("acme").owing]
    with case.books.change("acme", actor="test") as books:
        assert [each.id for each in books.issued] == snapshot
    return snapshot


def test_those_after_the_oldest_with_late_facts_are_looked_at_again_too(case: Wired) -> None:
    for _ in range(3):
        issue(case, cut_off(case).id)
    send(case, record("k1", occurred_at=FEB), now=FEB + timedelta(days=80))
    assert owing(case) == [FEBRUARY, "acme.2026-03-01"]
    with case.books.change("acme", actor="test", cycle=JANUARY) as books:
        assert [each.id for each in books.issued] == [JANUARY, FEBRUARY, "acme.2026-03-01"]
        assert books.asked is books.issued[0]
    with case.books.change("acme", actor="test", since=jan(5)) as books:
        assert [each.id for each in books.issued] == [JANUARY, FEBRUARY, "acme.2026-03-01"]
        assert [each.id for each in books.cycles] == ["acme.2026-04-01"]


def test_under_the_lock_a_state_has_what_the_change_did(case: Wired) -> None:
    send(case, record("k1", occurred_at=jan(12)), now=jan(20))
    cut_off(case)
    send(case, record("k2", occurred_at=jan(12)))
    with case.books.change("acme", actor="test", cycle=JANUARY) as books:
        assert books.asked is not None
        before = books.state(books.asked)
        books.append(books.asked, books.asked.as_known().detach("a1", jan(10)))
        after = books.state(books.asked)
    assert (summed(before.tallies), summed(before.late)) == ({"a1 cpu@1": 1}, {"a1 cpu@1": 2})
    assert (summed(after.tallies), summed(after.late)) == ({"a1 cpu@1": 1}, {"a1 ": 2})
    assert after.version == before.version + 1
    assert layers(case) == ({"a1 cpu@1": 1}, {"a1 ": 2})


def test_when_there_is_something_to_do(case: Wired) -> None:
    due_at = FEB + timedelta(days=30)
    ended = cut_off(case)
    later = ended.period.end + timedelta(seconds=1)
    assert case.books.due(later, 10) == ["acme"]
    issue(case, JANUARY, due_at=due_at)
    assert case.books.due(later, 10) == []
    policy(case, late_facts="credit_note_or_charge")
    send(case, record("k1"))
    assert case.books.due(later, 10) == ["acme"]
    note(case, LateFactsBilled(at=FEB, by="note/1", lines={"usage": 5}))
    assert case.books.due(later, 10) == []
    duty = case.rows(f"SELECT next_duty_at FROM cycle_head WHERE cycle = '{JANUARY}'")
    assert duty == [(due_at,)]


@pytest.mark.parametrize("mode", ["reissue", "forgive"])
def test_an_invoice_taken_back_frees_its_credits(case: Wired, mode: str) -> None:
    cut_off(case)
    note(case, CreditApplied(at=FEB, credit="c1", amount=300, reason="sorry"))
    issue(case, JANUARY)
    with case.books.change("acme", actor="test", cycle=JANUARY) as books:
        assert books.asked is not None
        assert books.used_credits() == {"c1": 300}
        version = books.version(books.asked)
        books.append(books.asked, books.asked.void("wrong", mode, version, FEB))
        assert books.used_credits() == {}
    assert case.rows("SELECT * FROM credit_use") == []
