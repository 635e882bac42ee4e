"""Payments, credit notes, refunds and disputes read through the real SDK, in our words."""

from datetime import timedelta

import pytest

from application.gateway import CreditNote, StripeDispute, StripePayment, StripeRefund
from tests.stripe_memory import CYCLE, Billed

OWED = {f"usage/a{n}": 100 for n in range(12)}


@pytest.fixture
def billed() -> Billed:
    """An invoice of 1,200 that is issued and not paid."""
    billed = Billed(OWED)
    billed.reconciler.finalize(CYCLE, "scheduler")
    return billed


def pay(billed: Billed) -> str:
    """Pay the invoice; the intent it was paid with."""
    billed.sandbox.dashboard.act(billed.invoice["id"], "pay")
    (intent,) = billed.sandbox.world.ledger.every("payment_intent")
    return str(intent["id"])


@pytest.mark.parametrize(
    ("trouble", "status", "failure", "attempts"),
    [
        pytest.param((), "open", "", 0, id="nothing was tried yet"),
        pytest.param(("decline",), "failed", "Your card was declined.", 1, id="declined"),
        pytest.param(("decline", "decline"), "failed", "Your card was declined.", 2, id="again"),
        pytest.param(("ask_customer",), "action_required", "", 1, id="the customer must confirm"),
    ],
)
def test_an_open_payment_says_what_became_of_the_last_attempt(
    billed: Billed, trouble: tuple[str, ...], status: str, failure: str, attempts: int
) -> None:
    invoice = billed.invoice["id"]
    for each in trouble:
        getattr(billed.sandbox.dashboard, each)(invoice)
    (payment,) = billed.gateway.payments(invoice)
    assert (payment.status, payment.failure, payment.amount) == (status, failure, 1200)
    seen = billed.gateway.glance(invoice)
    assert seen and seen.issue.attempts == attempts
    tomorrow = billed.now + timedelta(days=1)
    assert seen.issue.next_attempt_at == (tomorrow if "decline" in trouble else None)


def test_a_paid_payment_names_its_intent(billed: Billed) -> None:
    intent = pay(billed)
    paid = StripePayment(reference=intent, amount=1200, status="paid")
    assert billed.gateway.payments(billed.invoice["id"]) == (paid,)


def test_every_event_about_money_leads_to_its_invoice(billed: Billed) -> None:
    invoice = billed.invoice["id"]
    pay(billed)
    board, ledger = billed.sandbox.dashboard, billed.sandbox.world.ledger
    note = board.credit(invoice, amount=5, credit_amount=5)
    refund, dispute = board.refund(invoice, 10), board.dispute(invoice)
    about = {
        "invoice.paid": invoice,
        "invoice_payment.paid": ledger.every("invoice_payment")[0]["id"],
        "credit_note.created": note["id"],
        "charge.refunded": ledger.every("charge")[0]["id"],
        "charge.refund.updated": refund["id"],
        "refund.created": refund["id"],
        "charge.dispute.created": dispute["id"],
        "charge.dispute.closed": dispute["id"],
    }
    found = {kind: billed.gateway.invoice_of(kind, thing) for kind, thing in about.items()}
    assert found == dict.fromkeys(about, invoice)


@pytest.mark.parametrize(
    "kind",
    [
        "customer.updated",
        "charge.succeeded",
        "credit_note.created",
        "refund.created",
        "charge.refunded",
        "charge.dispute.created",
        "invoice_payment.paid",
    ],
)
def test_what_is_unknown_or_none_of_ours_leads_nowhere(billed: Billed, kind: str) -> None:
    assert billed.gateway.invoice_of(kind, "xx_nowhere") is None


def test_a_charge_that_paid_no_invoice_leads_nowhere(billed: Billed) -> None:
    ledger = billed.sandbox.world.ledger
    ledger.put("charge", {"id": "ch_shop", "payment_intent": "pi_shop"})
    ledger.put("charge", {"id": "ch_old", "payment_intent": None})
    found = [billed.gateway.invoice_of("charge.refunded", each) for each in ("ch_shop", "ch_old")]
    assert found == [None, None]


def test_a_note_is_read_with_all_its_lines(billed: Billed) -> None:
    note = CreditNote(id="n1", lines=dict.fromkeys(OWED, 10), reason="r" * 600, reduce_due=120)
    made = billed.reconciler.credit_note(CYCLE, note, "support")
    assert len(made.lines) == 12 and {amount for _, amount in made.lines} == {10}
    assert (made.note, made.rest, made.reason) == ("n1", 0, "r" * 500)
    assert billed.gateway.notes(billed.invoice["id"]) == (made,)
    assert billed.gateway.note("cn_nowhere") is None


def test_a_note_of_the_dashboard_says_how_it_was_given_back(billed: Billed) -> None:
    pay(billed)
    row = {"type": "custom_line_item", "description": "Sorry", "unit_amount": 30, "quantity": 2}
    ways = {"refund_amount": 10, "credit_amount": 20, "out_of_band_amount": 30}
    board = billed.sandbox.dashboard
    made = board.credit(billed.invoice["id"], lines=[row], memo="a bad week", **ways)
    (note,) = billed.gateway.notes(billed.invoice["id"])
    assert (note.id, note.note, note.reason, note.total) == (made["id"], None, "a bad week", 60)
    assert (note.refund, note.credit_balance, note.out_of_band) == (10, 20, 30)
    assert note.refunds == (made["refunds"][0]["refund"],)
    assert note.lines == ((made["lines"]["data"][0]["id"], 60),)


def test_a_note_taken_back_says_so(billed: Billed) -> None:
    board = billed.sandbox.dashboard
    made = board.credit(billed.invoice["id"], amount=5)
    before = billed.gateway.notes(billed.invoice["id"])
    board.void_note(made["id"])
    after = billed.gateway.notes(billed.invoice["id"])
    assert ([note.void for note in before], [note.void for note in after]) == ([False], [True])


def test_a_refund_that_did_not_arrive_says_why(billed: Billed) -> None:
    intent = pay(billed)
    made = billed.sandbox.dashboard.refund(billed.invoice["id"], 300, "duplicate")
    billed.sandbox.dashboard.fail_refund(made["id"])
    (found,) = billed.gateway.refunds(intent)
    assert (found.amount, found.failure) == (300, "lost or stolen card")


def test_refunds_count_once_the_money_is_back(billed: Billed) -> None:
    intent = pay(billed)
    made = billed.sandbox.dashboard.refund(billed.invoice["id"], 300, "duplicate")
    late = billed.sandbox.dashboard.refund(billed.invoice["id"], 200)
    billed.sandbox.world.ledger.put("refund", late | {"status": "pending"}, parent=intent)
    back = StripeRefund(id=made["id"], amount=300, reason="duplicate")
    assert billed.gateway.refunds(intent) == (back,)


@pytest.mark.parametrize("decision", [None, "won", "lost"])
def test_a_dispute_has_an_outcome_once_the_bank_decided(
    billed: Billed, decision: str | None
) -> None:
    intent = pay(billed)
    board = billed.sandbox.dashboard
    made = board.dispute(billed.invoice["id"], 700, "product_not_received")
    if decision:
        board.decide(made["id"], decision)
    assert billed.gateway.disputes(intent) == (
        StripeDispute(id=made["id"], amount=700, reason="product_not_received", outcome=decision),
    )


def test_money_that_came_another_way_has_no_refunds_at_stripe(billed: Billed) -> None:
    assert (billed.gateway.refunds("pr_1"), billed.gateway.disputes("pr_1")) == ((), ())
