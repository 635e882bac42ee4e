"""What a customer is told of a cycle: every event is told or ours alone, and nobody is named."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events.base import Recorded
from domain.events.cycle import CycleEvent, CycleHeld
from domain.events.organization import CreditGranted
from domain.events.outcome import CreditNoteIssued, PaymentFailed
from domain.events.usage import PackedRecord, UsageRecorded
from projections.customer_story import ELSE, OURS_ALONE, SENTENCES, cause_words, customer_story
from projections.diff import Cause
from projections.sentences.wording import Context
from tests.january import attached, day, item, opened
from tests.projections.test_history import EVENTS, example

KINDS = [kind for kind in EVENTS if issubclass(kind, CycleEvent) or kind is CreditGranted]


def recorded(*events: Any) -> list[Recorded]:
    """Events as the log has them, an hour apart."""
    return [
        Recorded(
            stream=UUID(int=0),
            version=place,
            position=place,
            recorded_at=day(1) + timedelta(hours=place),
            occurred_at=event.at,
            actor="key:ck_secret",
            event=event,
        )
        for place, event in enumerate(events, start=1)
    ]


def used(at_day: int, records: int = 1) -> UsageRecorded:
    micros = int(day(at_day).timestamp() * 1_000_000)
    record = PackedRecord("fra", "r", "cpu", "web", "1", micros, {})
    return UsageRecorded(lo=micros, hi=micros, tallies=(), records=(record,) * records)


def test_every_event_is_told_or_ours_alone() -> None:
    told, names = {kind.__name__ for kind in SENTENCES}, {kind.__name__ for kind in KINDS}

    assert told | OURS_ALONE == names
    assert told & OURS_ALONE == set()


@pytest.mark.parametrize("kind", [each for each in KINDS if each in SENTENCES])
@pytest.mark.parametrize("full", [True, False], ids=["full", "bare"])
def test_a_sentence_names_no_provider_no_key_and_no_reason_of_ours(
    kind: type[CycleEvent], full: bool
) -> None:
    event = example(kind, full=full)
    if hasattr(event, "reason") and kind is not PaymentFailed:
        event = replace(event, reason="the reason")

    said = SENTENCES[kind](event, Context(currency="usd")) or "nothing"

    assert said[:1].strip()
    assert "Stripe" not in said
    assert "the reason" not in said


def test_usage_is_told_in_spans_and_what_runs_on_is_not_told() -> None:
    history = recorded(
        opened(), attached("a1", carried=True), used(2, 3), used(3), item(at=day(9)), used(4)
    )

    told = [entry.what for entry in customer_story(history, "usd")]

    assert told == [
        "The billing period began",
        "4 usage records counted",
        "1 usage record counted",
        f"{item().description}: 5.00 USD added",
    ]


def test_it_is_told_in_the_order_in_which_it_happened() -> None:
    history = recorded(opened(), item(at=day(9)), CycleHeld(at=day(3), kind="person", reason="x"))

    assert [entry.at for entry in customer_story(history, "usd")] == [day(1), day(3), day(9)]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        pytest.param(
            Cause(
                kind="service_attached",
                amount=1,
                what="w",
                count=1,
                event=attached("a1", carried=True),
            ),
            "runs on",
            id="carried over",
        ),
        pytest.param(
            Cause(kind="late", amount=1, what="Late facts of acme.2025-12-01", count=1),
            "Usage of an earlier period that came late",
            id="from outside",
        ),
        pytest.param(
            Cause(kind="usage", amount=1, what="2 usage records", count=2, positions=(3, 4)),
            "2 usage records",
            id="usage",
        ),
        pytest.param(
            Cause(kind="others", amount=1, what="9 events more", count=9, positions=(1, 9)),
            ELSE,
            id="many",
        ),
        pytest.param(
            Cause(kind="edits_adopted", amount=1, what="w", count=1, positions=(9, 9)),
            ELSE,
            id="ours alone",
        ),
    ],
)
def test_why_an_amount_changed(cause: Cause, words: str) -> None:
    assert words in cause_words(cause, "usd")


@pytest.mark.parametrize(
    ("refund", "words"),
    [
        (0, "10.00 USD credited on this invoice"),
        (1_000, "10.00 USD credited on this invoice; all of it is paid back to you"),
        (400, "10.00 USD credited on this invoice; 4.00 USD of it is paid back to you"),
    ],
)
def test_a_credit_says_what_of_it_is_paid_back(refund: int, words: str) -> None:
    note = replace(example(CreditNoteIssued, full=True), amount=1_000, tax=None, refund=refund)

    assert [each.what for each in customer_story(recorded(note), "usd")] == [words]
