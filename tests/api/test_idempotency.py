"""Answers kept by Idempotency-Key: given again, and never two at once."""

from typing import Any

import psycopg
import pytest

from api.wiring import Wired
from application.idempotency import GivenAnswer
from domain.errors import InvalidInput, RuleViolation

ASKED, OTHER = b"asked", b"other"
ANSWER = GivenAnswer(status=200, body=b"{}")


def aged(url: str, interval: str) -> None:
    """Make every kept request older."""
    with psycopg.connect(url, autocommit=True) as connection:
        statement = f"update idempotent_answer set created_at = now() - interval '{interval}'"
        connection.execute(statement.encode())


def test_an_answer_is_given_again_to_the_same_caller_only(wired: Wired) -> None:
    answers = wired.answers
    assert answers.claim("key:a", "k", ASKED) is None
    answers.keep("key:a", "k", ANSWER)
    assert answers.claim("key:a", "k", ASKED) == ANSWER
    assert answers.claim("key:b", "k", OTHER) is None
    with pytest.raises(InvalidInput) as refused:
        answers.claim("key:a", "k", OTHER)
    assert refused.value.code == "idempotency_key_reused"


def test_a_request_under_way_is_not_begun_again(wired: Wired) -> None:
    wired.answers.claim("key:a", "k", ASKED)
    with pytest.raises(RuleViolation) as refused:
        wired.answers.claim("key:a", "k", ASKED)
    assert refused.value.code == "idempotency_key_in_use"


def test_what_a_dead_process_left_behind_is_taken_over(wired: Wired, database_url: Any) -> None:
    wired.answers.claim("key:a", "k", ASKED)
    aged(database_url, "2 minutes")
    assert wired.answers.claim("key:a", "k", ASKED) is None


def test_a_released_key_is_free_and_a_kept_answer_stays(wired: Wired) -> None:
    answers = wired.answers
    answers.claim("key:a", "k", ASKED)
    answers.release("key:a", "k")
    assert answers.claim("key:a", "k", OTHER) is None
    answers.keep("key:a", "k", ANSWER)
    answers.release("key:a", "k")
    assert answers.claim("key:a", "k", OTHER) == ANSWER


def test_old_answers_are_forgotten(wired: Wired, database_url: Any) -> None:
    wired.answers.claim("key:a", "k", ASKED)
    wired.answers.keep("key:a", "k", ANSWER)
    assert wired.answers.forget_old() == 0
    aged(database_url, "8 days")
    assert wired.answers.forget_old() == 1
