"""Payments and credit notes in the journal: to the cent, and only what can be."""

import pytest

from adapters.postgres.database import Database
from domain.errors import GatewayRejected, InvalidInput, RuleViolation
from projections.remote_invoice import RemoteInvoice
from tests.adapters.journal_writes import OWED, again, billed, credit, database, issued, pay, seen
from tests.journal_billed import JournalBilled
from tests.stripe_memory import CYCLE

__all__ = ["billed", "database", "issued"]


# Payments


def test_parts_of_an_invoice_are_paid_and_then_all_of_it(issued: JournalBilled) -> None:
    pay(issued, 600)
    assert (seen(issued).status, seen(issued).issue.amount_remaining) == ("open", 900)
    for _ in range(2):
        pay(issued, 900, "bank 2")
    assert (seen(issued).status, seen(issued).issue.amount_paid) == ("paid", 1500)
    payments = issued.gateway.payments(issued.invoice["id"])
    assert [(each.reference, each.amount) for each in payments] == [
        ("bank 1", 600),
        ("bank 2", 900),
    ]


@pytest.mark.parametrize(
    ("amount", "reference", "code"),
    [(1500, "bank 2", "overpaid"), (500, "bank 1", "conflict")],
)
def test_what_cannot_have_been_paid_is_refused(
    issued: JournalBilled, amount: int, reference: str, code: str
) -> None:
    pay(issued, 600)
    with pytest.raises(RuleViolation) as refused:
        pay(issued, amount, reference)
    assert refused.value.code == code
    assert seen(issued).issue.amount_paid == 600


def test_a_draft_is_not_paid_and_a_partly_paid_invoice_not_void(billed: JournalBilled) -> None:
    billed.reconciler.sync(CYCLE, "worker")
    with pytest.raises(RuleViolation, match="is draft"):
        pay(billed, 1)
    billed.reconciler.finalize(CYCLE, "scheduler")
    pay(billed, 1)
    with pytest.raises(GatewayRejected, match="paid in part"):
        billed.reconciler.void(CYCLE, "support")


def test_an_invoice_given_up_can_still_be_paid(issued: JournalBilled) -> None:
    issued.reconciler.mark_uncollectible(CYCLE, "support")
    pay(issued, 1500)
    assert seen(issued).status == "paid"


# Credit notes


def test_a_note_takes_off_what_is_due_and_the_last_of_it_settles(issued: JournalBilled) -> None:
    credit(issued, lines={"fee": 300}, reduce_due=300)
    assert (seen(issued).issue.amount_due, seen(issued).issue.credited) == (1200, 300)
    credit(issued, lines={"fee": 300}, reduce_due=300)  # the same note again
    pay(issued, 700)
    credit(issued, id="n2", lines={"usage": 500}, reduce_due=500)
    assert (seen(issued).status, seen(issued).issue.amount_remaining) == ("paid", 0)


def test_a_note_on_a_paid_invoice_gives_back(issued: JournalBilled) -> None:
    pay(issued, 1500)
    credit(issued, lines={"fee": 300}, refund=200, out_of_band=100)
    (note,) = issued.gateway.notes(issued.invoice["id"])
    assert (note.note, note.total, note.tax) == ("n1", 300, 0)
    assert (note.reduce_due, note.refund, note.out_of_band) == (0, 200, 100)
    assert issued.gateway.note(note.id) == note


def test_what_is_kept_for_a_customer_comes_off_the_next_invoice(
    database: Database, issued: JournalBilled
) -> None:
    pay(issued, 1500)
    credit(issued, lines={"fee": 1000}, credit_balance=1000)
    for revision, (due, status) in ((2, (500, "open")), (3, (1500, "open"))):
        later = again(database, OWED, revision)
        found = later.gateway.find(later.links["acme"], CYCLE)[-1]
        assert (found.issue.amount_due, found.status) == (due, status)
    assert later.reconciler.audit(CYCLE) == ()


def test_a_void_invoice_gives_what_was_kept_back(database: Database, issued: JournalBilled) -> None:
    pay(issued, 1500)
    credit(issued, lines={"fee": 1000}, credit_balance=1000)
    again(database, OWED, 2).reconciler.void(CYCLE, "support")
    later = again(database, {"fee": 900}, 3)
    assert later.invoices[-1]["status"] == "paid"
    assert seen_last(later).issue.amount_due == 0


def seen_last(billed: JournalBilled) -> RemoteInvoice:
    return billed.gateway.find(billed.links["acme"], CYCLE)[-1]


@pytest.mark.parametrize(
    ("note", "error"),
    [
        ({"lines": {"fee": 1001}, "reduce_due": 1001}, GatewayRejected),
        ({"lines": {"fee": 300}, "refund": 300}, RuleViolation),
        ({"lines": {"none": 300}, "reduce_due": 300}, InvalidInput),
    ],
    ids=["more than the line", "a refund before it is paid", "no such line"],
)
def test_a_note_that_cannot_be_is_refused(
    issued: JournalBilled, note: dict, error: type[Exception]
) -> None:
    with pytest.raises(error):
        credit(issued, **note)
    assert issued.gateway.notes(issued.invoice["id"]) == ()
