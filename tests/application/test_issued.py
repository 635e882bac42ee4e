"""An issued invoice at Stripe is voided, credited or given up; each once, however often asked."""

from dataclasses import replace
from typing import Any

import pytest

from application.gateway import CreditNote, StripeNote
from application.issued import shared_out
from domain.errors import GatewayRejected, GatewayUnavailable, InvalidInput, RuleViolation
from tests.application.test_reconciler_crashes import Life, die_at, mortal
from tests.stripe_memory import CYCLE, Billed

OWED = {"fee": 1000, "usage": 500}
NOTE = CreditNote(
    id="n1", lines={"fee": 300, "usage": 100}, reason="a bad week", memo="Sorry", reduce_due=400
)


def issued(amounts: dict[str, int] = OWED, **more: Any) -> Billed:
    billed = Billed(amounts, **more)
    billed.reconciler.finalize(CYCLE, "scheduler")
    billed.forget_calls()
    return billed


def paid(amounts: dict[str, int] = OWED) -> Billed:
    billed = issued(amounts)
    billed.sandbox.dashboard.act(billed.invoice["id"], "pay")
    return billed


def credit(billed: Billed, note: CreditNote = NOTE) -> StripeNote:
    return billed.reconciler.credit_note(CYCLE, note, "support")


def notes(billed: Billed) -> list[dict[str, Any]]:
    return billed.sandbox.world.ledger.every("credit_note")


# Credit notes


def test_a_note_on_an_open_invoice_takes_off_what_is_still_to_be_paid() -> None:
    billed = issued()
    note = credit(billed)
    assert (note.total, note.tax, note.reduce_due, note.note) == (400, 0, 400, "n1")
    invoice = billed.invoice
    assert (invoice["amount_due"], invoice["amount_remaining"]) == (1100, 1100)
    assert invoice["pre_payment_credit_notes_amount"] == 400


def test_a_note_carries_our_ids_and_the_reason_and_names_stripes_lines() -> None:
    billed = issued()
    credit(billed)
    (note,) = notes(billed)
    ours = {"note_id": "n1", "cycle_id": CYCLE, "reason": "a bad week"}
    assert (note["metadata"], note["memo"], note["reason"]) == (ours, "Sorry", None)
    ids = {line["id"]: line["metadata"]["line_key"] for line in billed.lines}
    credited = {ids[line["invoice_line_item"]]: line["amount"] for line in note["lines"]}
    assert credited == {"fee": 300, "usage": 100}


def test_a_reason_that_stripe_has_a_word_for_is_stripes_too() -> None:
    billed = issued()
    credit(billed, replace(NOTE, reason="duplicate"))
    assert notes(billed)[0]["reason"] == "duplicate"


@pytest.mark.parametrize(
    ("ways", "balance", "refunded"),
    [
        pytest.param({"refund": 400}, 0, 400, id="the card gets it back"),
        pytest.param({"credit_balance": 400}, -400, 0, id="the next invoice is lower"),
        pytest.param({"out_of_band": 400}, 0, 0, id="settled outside of Stripe"),
        pytest.param(
            {"refund": 100, "credit_balance": 250, "out_of_band": 50}, -250, 100, id="each"
        ),
    ],
)
def test_a_note_on_a_paid_invoice_says_where_the_money_goes(
    ways: dict[str, int], balance: int, refunded: int
) -> None:
    billed = paid()
    note = credit(billed, replace(NOTE, reduce_due=0, **ways))
    found = {
        "refund": note.refund,
        "credit_balance": note.credit_balance,
        "out_of_band": note.out_of_band,
    }
    assert {way: amount for way, amount in found.items() if amount} == ways
    ledger = billed.sandbox.world.ledger
    assert ledger.every("customer")[0]["balance"] == balance
    assert sum(refund["amount"] for refund in ledger.every("refund")) == refunded
    assert billed.invoice["post_payment_credit_notes_amount"] == 400


def test_a_note_beyond_what_is_due_is_split_between_both() -> None:
    billed = issued()
    credit(billed, CreditNote(id="n0", lines={"fee": 900}, reason="r", reduce_due=900))
    billed.sandbox.dashboard.act(billed.invoice["id"], "pay")
    last = CreditNote(id="n2", lines={"usage": 500}, reason="r", refund=500)
    assert credit(billed, last).refund == 500
    assert billed.invoice["post_payment_credit_notes_amount"] == 500


def test_an_invoice_with_nothing_left_to_pay_is_paid() -> None:
    billed = issued()
    credit(billed, CreditNote(id="n1", lines=OWED, reason="r", reduce_due=1500))
    assert (billed.invoice["status"], billed.invoice["amount_paid"]) == ("paid", 0)
    assert billed.stream.load(CYCLE)[0].notes == {"n1": notes(billed)[0]["id"]}


def test_a_note_asked_for_twice_is_made_once() -> None:
    billed = issued()
    assert credit(billed) == credit(billed)
    assert (len(notes(billed)), billed.writes()) == (1, ["credit_notes"])


def test_a_note_whose_call_nobody_remembers_is_found_by_its_id() -> None:
    billed = issued()
    billed.sandbox.faults.add("lost_response", path="credit_notes")
    with pytest.raises(GatewayUnavailable):
        credit(billed)
    billed.later(hours=30)
    assert credit(billed).total == 400
    assert len(notes(billed)) == 1
    assert billed.stream.names()[-2:] == ["CallAbandoned", "CreditNoteObserved"]


def test_a_note_with_tax_gives_back_its_share_of_the_tax() -> None:
    billed = Billed(OWED)
    billed.sandbox.dashboard.tax(20)
    billed.reconciler.finalize(CYCLE, "scheduler")
    note = credit(billed)
    assert (note.total, note.tax, note.reduce_due) == (480, 80, 480)
    billed.sandbox.dashboard.act(billed.invoice["id"], "pay")
    rest = CreditNote(
        id="n2", lines={"fee": 100}, reason="r", refund=33, credit_balance=33, out_of_band=34
    )
    note = credit(billed, rest)
    assert (note.total, note.refund, note.credit_balance, note.out_of_band) == (120, 39, 40, 41)


@pytest.mark.parametrize(
    ("was_paid", "ways"),
    [
        pytest.param(False, {"refund": 400}, id="open: what is due falls first"),
        pytest.param(True, {"reduce_due": 400}, id="paid: nothing is due any more"),
        pytest.param(False, {"reduce_due": 300}, id="the ways do not sum to the lines"),
    ],
)
def test_a_note_that_goes_another_way_than_stripe_would_is_refused_before_any_call(
    was_paid: bool, ways: dict[str, int]
) -> None:
    billed = paid() if was_paid else issued()
    with pytest.raises(RuleViolation, match="reduce_due has to be") as refused:
        credit(billed, replace(NOTE, **({"reduce_due": 0} | ways)))
    assert refused.value.code == "split_differs"
    assert billed.writes() == []


def test_a_line_that_is_not_on_the_invoice_is_named() -> None:
    note = CreditNote(id="n1", lines={"fee": 1, "ghost": 2}, reason="r", reduce_due=3)
    with pytest.raises(InvalidInput, match="no line ghost"):
        credit(issued(), note)


def test_more_than_a_line_has_left_is_stripes_to_refuse_and_kept_as_the_problem() -> None:
    billed = issued()
    credit(billed)
    again = CreditNote(id="n2", lines={"fee": 701}, reason="r", reduce_due=701)
    with pytest.raises(GatewayRejected, match="between 0 and 700"):
        credit(billed, again)
    assert billed.stream.load(CYCLE)[0].open is None
    assert len(notes(billed)) == 1


def test_a_draft_has_nothing_to_correct() -> None:
    billed = Billed(OWED)
    billed.reconciler.sync(CYCLE, "worker")
    for work in (
        lambda: credit(billed),
        lambda: billed.reconciler.void(CYCLE, "support"),
        lambda: billed.reconciler.mark_uncollectible(CYCLE, "support"),
    ):
        with pytest.raises(RuleViolation, match="no finalized invoice"):
            work()


def test_shares_sum_to_the_amount() -> None:
    assert shared_out(7, (1, 1, 1)) == (2, 2, 3)
    assert shared_out(0, (0, 0, 0)) == (0, 0, 0)


# Void and uncollectible


def test_an_invoice_is_voided_once() -> None:
    billed = issued()
    for _ in range(2):
        assert billed.reconciler.void(CYCLE, "support").status == "void"
    assert billed.writes() == ["void"]
    assert billed.stream.names().count("InvoiceVoidedAtStripe") == 1


def test_the_invoice_on_record_is_voided_also_when_the_books_moved_on() -> None:
    billed = issued()
    billed.owes({"fee": 900}, revision=2)
    assert billed.reconciler.void(CYCLE, "support").status == "void"
    assert billed.invoice["status"] == "void"


def test_a_void_invoice_of_ours_is_no_discrepancy() -> None:
    billed = issued()
    billed.reconciler.void(CYCLE, "support")
    assert billed.reconciler.audit(CYCLE) == ()


def test_a_void_behind_our_back_is_a_discrepancy_until_it_is_wanted() -> None:
    billed = issued()
    billed.sandbox.dashboard.act(billed.invoice["id"], "void")
    for _ in range(2):
        assert [each.kind for each in billed.reconciler.audit(CYCLE)] == ["status"]
    for _ in range(2):
        assert billed.reconciler.void(CYCLE, "support").voiding
    assert billed.writes() == []
    assert billed.reconciler.audit(CYCLE) == ()
    assert billed.stream.load(CYCLE)[0].discrepancies == {}


def test_a_credited_invoice_still_equals_the_books() -> None:
    billed = issued()
    credit(billed)
    assert billed.reconciler.audit(CYCLE) == ()


def test_a_paid_invoice_is_not_voided() -> None:
    with pytest.raises(RuleViolation, match="credit note") as refused:
        paid().reconciler.void(CYCLE, "support")
    assert refused.value.code == "not_voidable"


def test_an_invoice_is_given_up_once_and_may_still_be_voided() -> None:
    billed = issued()
    for _ in range(2):
        assert billed.reconciler.mark_uncollectible(CYCLE, "support").status == "uncollectible"
    assert billed.writes() == ["mark_uncollectible"]
    assert billed.reconciler.void(CYCLE, "support").status == "void"


def test_nobody_gives_up_on_a_paid_invoice() -> None:
    with pytest.raises(RuleViolation, match="nothing is left"):
        paid().reconciler.mark_uncollectible(CYCLE, "support")


# Killed at any instant


def mortal_issued(life: Life) -> Billed:
    billed = mortal(OWED, life)
    billed.reconciler.finalize(CYCLE, "scheduler")
    return billed


@pytest.mark.parametrize("point", range(24))
@pytest.mark.parametrize("hours", [0, 30], ids=["at once", "after Stripe forgot"])
def test_crediting_may_be_killed_at_any_step(point: int, hours: int) -> None:
    life = Life()
    billed = mortal_issued(life)
    died = die_at(point, life, lambda: credit(billed))
    billed.later(hours=hours)
    assert credit(billed).total == 400
    assert (len(notes(billed)), billed.invoice["amount_due"]) == (1, 1100)
    assert died or point > 10, "it ended before it could be killed"


@pytest.mark.parametrize("point", range(20))
def test_voiding_may_be_killed_at_any_step(point: int) -> None:
    life = Life()
    billed = mortal_issued(life)
    die_at(point, life, lambda: billed.reconciler.void(CYCLE, "support"))
    assert billed.reconciler.void(CYCLE, "support").status == "void"
    assert billed.stream.names().count("InvoiceVoidedAtStripe") == 1


@pytest.mark.parametrize("point", range(20))
def test_giving_up_may_be_killed_at_any_step(point: int) -> None:
    life = Life()
    billed = mortal_issued(life)
    die_at(point, life, lambda: billed.reconciler.mark_uncollectible(CYCLE, "support"))
    assert billed.reconciler.mark_uncollectible(CYCLE, "support").status == "uncollectible"
