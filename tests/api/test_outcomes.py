"""What became of an issued invoice, as the API says it."""

import pytest

from api.schemas.outcomes import OutcomesSchema, by_kind
from domain.billing_cycle import Outcome
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoicePaid,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from tests.january import day

FAILED = PaymentFailed(at=day(1), attempt=1, reason="the card has expired", next_attempt_at=day(4))
ACTION = PaymentActionRequired(at=day(2), attempt=1)
PART = PaymentRecorded(at=day(3), amount=300, reference="pi_1")
PAID = InvoicePaid(at=day(3), amount=300)
DISPUTE = DisputeOpened(at=day(5), dispute="du_1", amount=300, reason="fraudulent")


@pytest.mark.parametrize(
    ("outcomes", "payments", "action"),
    [
        pytest.param([ACTION], [], True, id="the customer has to confirm"),
        pytest.param([ACTION, PART, PAID], ["pi_1"], False, id="a payment is told once"),
        pytest.param([PAID], [None], False, id="only the whole is known"),
    ],
)
def test_payments(outcomes: list[Outcome], payments: list[str | None], action: bool) -> None:
    told = OutcomesSchema().dump(by_kind(outcomes))
    assert [each["reference"] for each in told["payments"]] == payments
    assert told["action_required"] is action


def test_failures_refunds_disputes_and_notes_are_told_in_plain_words() -> None:
    refund = RefundRecorded(at=day(6), refund="re_1", amount=100, reason="requested by customer")
    note = CreditNoteIssued(
        at=day(7), note="n1", amount=50, lines={"item/i1": 50}, reason="outage", refund=50
    )
    told = OutcomesSchema().dump(by_kind([FAILED, DISPUTE, refund, note]))
    assert told["failures"] == [
        {
            "at": "2026-01-01T00:00:00Z",
            "attempt": 1,
            "reason": "the card has expired",
            "next_attempt_at": "2026-01-04T00:00:00Z",
        }
    ]
    assert [(each["dispute"], each["outcome"]) for each in told["disputes"]] == [("du_1", None)]
    assert [each["refund"] for each in told["refunds"]] == ["re_1"]
    assert [(each["note"], each["refund"]) for each in told["credit_notes"]] == [("n1", 50)]


def test_what_was_given_back_in_vain_is_told() -> None:
    note = CreditNoteIssued(
        at=day(7), note="n1", amount=50, lines={"item/i1": 50}, reason="outage", reduce_due=50
    )
    void = CreditNoteVoided(at=day(8), note="n1", amount=50)
    failed = RefundFailed(at=day(9), refund="re_1", amount=100, reason="lost or stolen card")
    told = OutcomesSchema().dump(by_kind([note, void, failed]))
    assert [each["void_at"] for each in told["credit_notes"]] == ["2026-01-08T00:00:00Z"]
    assert told["refund_failures"] == [
        {
            "at": "2026-01-09T00:00:00Z",
            "refund": "re_1",
            "amount": 100,
            "reason": "lost or stolen card",
        }
    ]


def test_a_dispute_has_its_outcome_once_the_bank_decided() -> None:
    closed = DisputeClosed(at=day(9), dispute="du_1", outcome="won")
    told = by_kind([DISPUTE, closed])["disputes"]
    assert [each["outcome"] for each in told] == ["won"]
