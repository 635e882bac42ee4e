"""Every problem's code is either told to customers in words of theirs, or is ours to mend."""

import re

import pytest

from projections.customer_words import OF_STAFF, OURS, WORDS, customer_words
from tests.test_docs import reference

# Money in words that only whoever runs the service knows.
JARGON = re.compile(r"Stripe|webhook|\bAPI\b|cycle|discrepanc|sync|[_{}\[\]()]|\b[45]\d\d\b", re.I)


def codes() -> set[str]:
    """Every code of the reference but those of the command line's start."""
    text = reference("problems.md").rpartition("At the start")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`(\w+)`", row[0])}


def test_every_code_is_told_or_ours() -> None:
    assert codes() - WORDS.keys() - OF_STAFF == set()


def test_none_is_both() -> None:
    assert WORDS.keys() & OF_STAFF == set()


@pytest.mark.parametrize("code", [*WORDS, "unknown"])
def test_the_words_are_whole_sentences_without_jargon(code: str) -> None:
    said = customer_words(code)
    assert said[0].isupper()
    assert said.endswith(".")
    assert JARGON.findall(said) == []


@pytest.mark.parametrize("code", sorted(OF_STAFF))
def test_what_is_ours_to_mend_says_that_nothing_is_to_be_done(code: str) -> None:
    assert customer_words(code) == OURS
