"""What Stripe says of an issued invoice reaches the books: once, and with who did it."""

from datetime import timedelta
from typing import Any

import pytest

from application.gateway import CreditNote
from domain.errors import GatewayUnavailable
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoicePaid,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import CallAnswered
from tests.application.test_inbox import CYCLE, Post
from tests.january import day

SEAT = "fee/a1/seat@1"


class Mail(Post):
    """Every webhook that the sandbox owes, brought to the inbox: twice, and newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.invoice = self.issue()
        self.board = self.made.sandbox.dashboard

    def deliver(self) -> None:
        """Bring everything that happened since the last time."""
        for event in reversed(self.made.sandbox.world.ledger.every("event")):
            for copy in ("", "/again"):
                self.say(event["type"], event["data"]["object"]["id"], event["id"] + copy)
        while self.work():
            assert self.box.errors == {}

    def pay(self) -> None:
        self.board.act(self.invoice, "pay")

    @property
    def news(self) -> list[tuple[str, Any]]:
        """(who, what) since the invoice was issued."""
        history = self.made.store.history(CYCLE)
        new = history[len(history) - len(self.outcomes) :]
        return [(each.actor, each.event) for each in new]

    def only(self, kind: type) -> tuple[str, Any]:
        (found,) = [each for each in self.news if isinstance(each[1], kind)]
        return found


@pytest.fixture
def mail() -> Mail:
    return Mail()


def test_a_failed_payment_says_why_and_when_the_next_one_is(mail: Mail) -> None:
    mail.board.decline(mail.invoice, "Your card has expired.", retry_in_s=3600)
    mail.deliver()
    again = mail.made.now + timedelta(hours=1)
    assert mail.news == [
        (
            "stripe",
            PaymentFailed(
                at=mail.made.now, attempt=1, reason="Your card has expired.", next_attempt_at=again
            ),
        )
    ]


def test_each_attempt_is_news_of_its_own(mail: Mail) -> None:
    for retry in (3600, None):
        mail.board.decline(mail.invoice, retry_in_s=retry)
        mail.deliver()
    assert [event.attempt for _, event in mail.news] == [1, 2]
    assert mail.news[-1][1].next_attempt_at is None


def test_a_customer_who_must_confirm_did_not_fail(mail: Mail) -> None:
    mail.board.ask_customer(mail.invoice)
    mail.deliver()
    mail.made.later(hours=1)
    mail.deliver()
    assert [type(event) for _, event in mail.news] == [PaymentActionRequired]


def test_a_payment_is_recorded_with_its_reference(mail: Mail) -> None:
    mail.pay()
    mail.deliver()
    who, payment = mail.only(PaymentRecorded)
    assert (who, payment.amount, payment.reference[:3]) == ("stripe", 3100, "pi_")
    assert mail.only(InvoicePaid)[1].amount == 3100


def test_a_due_date_gone_by_is_for_our_own_clock_to_say(mail: Mail) -> None:
    mail.board.overdue(mail.invoice)
    mail.deliver()
    assert mail.news == []


def test_a_note_made_in_the_dashboard_is_in_the_books(mail: Mail) -> None:
    (line,) = mail.made.sandbox.world.ledger.every("line", mail.invoice)
    row = {"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": 600}
    made = mail.board.credit(mail.invoice, lines=[row], memo="a bad week")
    mail.deliver()
    assert mail.only(CreditNoteIssued) == (
        "stripe:dashboard",
        CreditNoteIssued(
            at=mail.made.now,
            note=made["id"],
            amount=600,
            lines={SEAT: 600},
            reason="a bad week",
            reduce_due=600,
            tax=0,
            stripe_note=made["id"],
        ),
    )


def test_a_note_line_that_is_none_of_ours_stands_under_stripes_id(mail: Mail) -> None:
    row = {"type": "custom_line_item", "description": "Sorry", "unit_amount": 30}
    made = mail.board.credit(mail.invoice, lines=[row])
    mail.deliver()
    own = made["lines"]["data"][0]["id"]
    assert mail.only(CreditNoteIssued)[1].lines == {f"stripe/{own}": 30}


def test_our_own_note_is_told_by_us_or_else_by_its_webhook_under_our_id(mail: Mail) -> None:
    note = CreditNote(id="n1", lines={SEAT: 3100}, reason="a bad week", reduce_due=3100)
    mail.made.reconciler.credit_note(CYCLE, note, "support")
    mail.deliver()
    who, issued = mail.only(CreditNoteIssued)
    assert (who, issued.note, issued.reason) == ("stripe", "n1", "a bad week")
    assert mail.only(InvoicePaid)[1].amount == 0


def test_a_refund_made_in_the_dashboard_is_in_the_books(mail: Mail) -> None:
    mail.pay()
    made = mail.board.refund(mail.invoice, 100)
    mail.deliver()
    assert mail.only(RefundRecorded) == (
        "stripe:dashboard",
        RefundRecorded(
            at=mail.made.now, refund=made["id"], amount=100, reason="requested_by_customer"
        ),
    )


def test_a_refund_that_belongs_to_a_note_is_told_by_the_note(mail: Mail) -> None:
    mail.pay()
    mail.board.credit(mail.invoice, amount=100, refund_amount=100)
    mail.deliver()
    assert mail.only(CreditNoteIssued)[1].refund == 100
    assert not [event for _, event in mail.news if isinstance(event, RefundRecorded)]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_is_opened_and_closed(mail: Mail, outcome: str) -> None:
    mail.pay()
    made = mail.board.dispute(mail.invoice, 3100, "duplicate")
    mail.deliver()
    opened = mail.only(DisputeOpened)
    assert (opened[1].dispute, opened[1].amount, opened[1].reason) == (
        made["id"],
        3100,
        "duplicate",
    )
    mail.board.decide(made["id"], outcome)
    mail.deliver()
    assert mail.only(DisputeOpened) == opened
    assert mail.only(DisputeClosed)[1].outcome == outcome


def test_a_refund_that_does_not_arrive_is_told_days_later(mail: Mail) -> None:
    mail.pay()
    made = mail.board.refund(mail.invoice, 100)
    mail.deliver()
    refunded = mail.only(RefundRecorded)
    mail.made.later(days=5)
    mail.board.fail_refund(made["id"])
    mail.deliver()
    assert mail.only(RefundRecorded) == refunded
    assert mail.only(RefundFailed) == (
        "stripe",
        RefundFailed(at=mail.made.now, refund=made["id"], amount=100, reason="lost or stolen card"),
    )
    assert mail.made.invoice().amount_paid == 3100


def test_a_refund_that_belongs_to_a_note_can_fail_too(mail: Mail) -> None:
    mail.pay()
    made = mail.board.credit(mail.invoice, amount=100, refund_amount=100)
    mail.board.fail_refund(made["refunds"][0]["refund"])
    mail.deliver()
    assert mail.only(CreditNoteIssued)[1].refund == 100
    assert mail.only(RefundFailed)[1].amount == 100
    assert not [event for _, event in mail.news if isinstance(event, RefundRecorded)]


def test_what_a_note_took_off_is_asked_for_again_once_it_is_taken_back(mail: Mail) -> None:
    note = CreditNote(id="n1", lines={SEAT: 600}, reason="a bad week", reduce_due=600)
    issued = mail.made.reconciler.credit_note(CYCLE, note, "support")
    mail.deliver()
    assert mail.made.invoice().amount_remaining == 2500
    mail.board.void_note(issued.id)
    mail.deliver()
    assert mail.only(CreditNoteVoided) == (
        "stripe:dashboard",
        CreditNoteVoided(at=mail.made.now, note="n1", amount=600, tax=0),
    )
    assert mail.made.invoice().amount_remaining == 3100
    cycle = mail.made.store.cycle(CYCLE)
    assert (cycle.owed, cycle.standing_notes, list(cycle.notes)) == (3100, (), ["n1"])


def test_a_note_for_a_late_amount_that_was_taken_back_is_not_issued_again(mail: Mail) -> None:
    mail.made.register(policies={"late_facts": "credit_note_or_charge"})
    mail.made.detach("a1", day(16))
    mail.made.advance()
    (note,) = mail.made.store.cycle(CYCLE).notes.values()
    mail.board.void_note(note.stripe_note or "")
    mail.deliver()
    assert mail.only(CreditNoteVoided)[1].note == note.note
    mail.made.later(hours=1)
    mail.made.advance()
    assert [each["status"] for each in notes(mail)] == ["void"]


def test_a_void_of_the_dashboard_waits_for_somebody_to_decide(mail: Mail) -> None:
    mail.board.act(mail.invoice, "void")
    mail.deliver()
    who, voided = mail.only(InvoiceVoided)
    assert (who, voided.mode) == ("stripe:dashboard", "")


def test_a_void_of_ours_is_ours(mail: Mail) -> None:
    mail.made.reconciler.void(CYCLE, "support")
    mail.deliver()
    assert mail.only(InvoiceVoided)[0] == "stripe"


def test_a_call_left_open_is_waited_for_and_then_asked_for(mail: Mail) -> None:
    mail.made.sandbox.faults.add("lost_response", path="credit_notes")
    note = CreditNote(id="n1", lines={SEAT: 100}, reason="r", reduce_due=100)
    with pytest.raises(GatewayUnavailable):
        mail.made.reconciler.credit_note(CYCLE, note, "support")
    mail.say("credit_note.created", notes(mail)[0]["id"])
    mail.work()
    assert (mail.resynced, mail.box.errors["evt_1"][:5]) == ([], "busy:")
    mail.made.later(minutes=1)
    mail.work()
    assert mail.resynced == [CYCLE]
    mail.made.reconciler.sync(CYCLE, "sync")
    mail.made.later(minutes=1)
    mail.work()
    assert (mail.box.open, mail.only(CreditNoteIssued)[1].note) == ({}, "n1")


def notes(mail: Mail) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mail.made.sandbox.world.ledger.every("credit_note")
    return found


def test_news_of_an_invoice_that_has_a_successor_is_old(mail: Mail) -> None:
    mail.made.reconciler.void(CYCLE, "support")
    state, version = mail.made.stripe.load(CYCLE)
    plan = state.planned(revision=2, digest="", subtotal=1, changes=(), calls=1, forced=False)
    mail.made.stripe.append(CYCLE, version, [plan], "sync")
    state, version = mail.made.stripe.load(CYCLE)
    attempt = state.attempted(
        purpose="create", key="k2", method="post", endpoint="/", form={}, at=mail.made.now
    )
    mail.made.stripe.append(CYCLE, version, [attempt, created("k2", "in_2")], "sync")
    mail.deliver()
    assert (mail.outcomes, mail.box.errors) == ([], {})


def created(key: str, invoice: str) -> CallAnswered:
    return CallAnswered(
        key=key, status=200, reference=invoice, request=None, code=None, message=None
    )
