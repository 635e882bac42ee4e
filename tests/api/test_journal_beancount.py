"""The journal as beancount reads it: without a complaint, and to the same sums."""

from collections import Counter
from typing import Any

import pytest
from beancount.core import data
from beancount.loader import load_string

from api.journal.formats import Format
from projections.journal.transactions import Transaction
from tests.application.test_exporting import STORIES, Story, journal
from tests.journal_text import HOSTILE, Amounts, of_every_role, paid, sums, written
from tests.world import world


def read(*transactions: Transaction) -> list[Any]:
    """What beancount makes of the text; a complaint of its fails."""
    entries, errors, _ = load_string(written(Format.BEANCOUNT, *transactions))
    assert errors == []
    return [each for each in entries if isinstance(each, data.Transaction)]


@pytest.mark.parametrize("happened", STORIES)
def test_it_balances_and_comes_to_the_same(happened: Story) -> None:
    made = world()
    happened(made)
    found = journal(made)
    entries = read(*found)
    assert sorted(each.meta["id"] for each in entries) == sorted(each.id for each in found)
    totals: Amounts = Counter()
    for each in entries:
        for posting in each.postings:
            totals[posting.account, posting.units.currency] += posting.units.number
    assert totals == sums(found)


def test_an_empty_journal_is_one() -> None:
    assert read() == []


def test_every_account_has_a_name_that_it_takes() -> None:
    (entry,) = read(of_every_role())
    assert len(entry.postings) == len(of_every_role().postings)


def test_what_people_wrote_cannot_break_out() -> None:
    (entry,) = read(paid(text=HOSTILE))
    assert entry.narration == '=cmd() "quoted" \\ back; a | comment (p1)'
    assert (entry.payee, entry.links) == ("acme", {"acme.2026-01-01"})


def test_amounts_have_the_decimals_of_their_currency() -> None:
    told = [
        f"{posting.units}"
        for currency in ("usd", "jpy", "kwd", "isk")
        for posting in read(paid(1230, currency))[0].postings[:1]
    ]
    assert told == ["12.30 USD", "1230 JPY", "1.230 KWD", "12.30 ISK"]
