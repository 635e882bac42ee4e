"""The reconciler: what the sandbox, through the real SDK, or the journal holds afterwards."""

from dataclasses import replace

import pytest

from domain.errors import (
    RuleViolation,
    UnsafeChangeSet,
)
from projections.remote_invoice import Collection
from tests.application.bills import Bill, bill
from tests.stripe_memory import CYCLE, Billed, line, owed

__all__ = ["bill"]


def test_a_new_invoice_costs_two_writes_and_is_proved(bill: Bill) -> None:
    billed = bill({"fee/a1": 3100, "usage/a1/cpu@1": 56})
    result = billed.reconciler.sync(CYCLE, "worker")
    assert billed.writes() == ["invoices", "add_lines"]
    assert billed.held == {"fee/a1": 3100, "usage/a1/cpu@1": 56}
    assert str(result.changes) == "+ draft\n+ fee/a1  3100\n+ usage/a1/cpu@1  56"
    assert result.proof and result.proof.digest == billed.desired.invoice.digest()
    assert (result.proof.lines, result.proof.subtotal, result.writes) == (2, 3156, 2)


def test_the_draft_is_kept_from_stripes_own_automation_and_carries_our_marks() -> None:
    billed = Billed({"fee/a1": 3100})
    billed.reconciler.sync(CYCLE, "worker")
    assert billed.invoice["auto_advance"] is False
    assert billed.invoice["metadata"] == {
        "cycle_id": CYCLE,
        "revision": "1",
        "plan": "1",
        "digest": billed.desired.invoice.digest(),
    }


def test_a_period_end_is_the_last_second_inside_at_stripe() -> None:
    billed = Billed({"fee/a1": 3100})
    billed.reconciler.sync(CYCLE, "worker")
    assert billed.lines[0]["period"] == {"start": 1767225600, "end": 1769904000 - 1}


def test_changed_amounts_cost_one_write(bill: Bill) -> None:
    billed = bill({f"usage/a{n}": n + 1 for n in range(40)})
    billed.reconciler.sync(CYCLE, "worker")
    billed.forget_calls()
    billed.owes({f"usage/a{n}": n + 7 for n in range(40)})
    assert billed.reconciler.pending(CYCLE).calls == 1
    billed.reconciler.sync(CYCLE, "worker")
    assert billed.writes() == ["update_lines"]
    assert billed.held == {f"usage/a{n}": n + 7 for n in range(40)}


@pytest.mark.parametrize("count", [1, 10, 11, 250])
def test_an_unchanged_invoice_costs_one_read_and_no_event(bill: Bill, count: int) -> None:
    billed = bill({f"usage/a{n}": n + 1 for n in range(count)})
    billed.reconciler.sync(CYCLE, "worker")
    before = billed.stream.names()
    billed.forget_calls()
    result = billed.reconciler.sync(CYCLE, "worker")
    assert (billed.writes(), len(billed.reads())) == ([], 1)
    assert not result.changes and result.proof
    assert billed.stream.names() == before


def test_it_stays_right_where_bulk_calls_ignore_invoice_metadata() -> None:
    billed = Billed({f"usage/a{n}": n + 1 for n in range(30)}, takes_invoice_metadata=False)
    billed.reconciler.sync(CYCLE, "worker")
    billed.forget_calls()
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert (billed.writes(), billed.reads()) == ([], [billed.invoice["id"], "lines"])


def test_adding_changing_and_removing_cost_one_write_each(bill: Bill) -> None:
    billed = bill({"a": 1, "b": 2, "c": 3})
    billed.reconciler.sync(CYCLE, "worker")
    billed.forget_calls()
    billed.owes({"b": 5, "c": 3, "d": 4})
    billed.reconciler.sync(CYCLE, "worker")
    assert billed.writes() == ["remove_lines", "update_lines", "add_lines"]
    assert billed.held == {"b": 5, "c": 3, "d": 4}


@pytest.mark.parametrize("amounts", [{}, {"a": 0, "b": 0}], ids=["no lines", "all zero"])
def test_no_draft_before_the_first_line_that_is_not_zero(
    bill: Bill, amounts: dict[str, int]
) -> None:
    billed = bill(amounts)
    assert not billed.reconciler.sync(CYCLE, "worker").changes
    assert (billed.invoices, billed.writes(), billed.stream.names()) == ([], [], [])


def test_a_customer_is_made_once_and_its_link_passed_on() -> None:
    billed = Billed({"a": 5}, linked=False)
    assert billed.reconciler.pending(CYCLE).calls == billed.reconciler.plan(CYCLE).calls == 3
    result = billed.reconciler.sync(CYCLE, "worker")
    assert (result.changes.calls, result.writes) == (3, 3)
    (customer,) = billed.sandbox.world.ledger.every("customer")
    assert customer["metadata"] == {"organization": "acme"}
    assert billed.links == {"acme": customer["id"]}
    assert billed.writes() == ["customers", "invoices", "add_lines"]


def test_pending_and_plan_change_nothing(bill: Bill) -> None:
    billed = bill({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    before = billed.stream.names()
    billed.owes({"a": 7})
    billed.forget_calls()
    assert str(billed.reconciler.pending(CYCLE)) == "~ a  5 → 7"
    assert billed.reads() == []
    assert str(billed.reconciler.plan(CYCLE)) == "~ a  5 → 7"
    assert (billed.writes(), billed.stream.names()) == ([], before)


def test_finalizing_proves_before_and_after() -> None:
    billed = Billed({"a": 500})
    result = billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.writes() == ["invoices", "add_lines", "finalize"]
    assert (billed.invoice["status"], billed.invoice["auto_advance"]) == ("open", True)
    assert result.proof and result.proof.status == "open"
    state, _ = billed.stream.load(CYCLE)
    assert state.finalized and state.finalized.number == billed.invoice["number"]
    billed.forget_calls()
    assert billed.reconciler.finalize(CYCLE, "scheduler").proof
    assert billed.writes() == []


def test_terms_of_payment_reach_stripe(bill: Bill) -> None:
    billed = bill({"a": 500})
    terms = Collection(method="send_invoice", days_until_due=14)
    billed.desired = replace(billed.desired, collection=terms)
    billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.invoice["due_date"] == int(billed.now.timestamp()) + 14 * 86_400


def test_a_zero_total_closes_without_stripe() -> None:
    billed = Billed({"a": 0}, linked=False)
    result = billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.sandbox.transport.calls.__len__() == 0
    assert result.proof and result.proof.policy == "nothing at Stripe, by policy"
    billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.stream.names() == ["InvoiceProvedEqual"]


def test_a_draft_that_came_down_to_zero_is_deleted_at_the_close(bill: Bill) -> None:
    billed = bill({"a": 500})
    billed.reconciler.sync(CYCLE, "worker")
    billed.owes({"a": 0})
    result = billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.invoices == []
    assert result.proof and result.proof.policy == "nothing at Stripe, by policy"


def test_nothing_negative_is_finalized(bill: Bill) -> None:
    billed = bill({"a": 5, "credit/k1": -9})
    with pytest.raises(RuleViolation, match="nothing negative"):
        billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.invoice["status"] == "draft"


def test_a_void_invoice_makes_room_for_its_next_revision(bill: Bill) -> None:
    billed = bill({"a": 500})
    billed.reconciler.finalize(CYCLE, "scheduler")
    assert billed.reconciler.void(CYCLE, "support").status == "void"
    billed.owes({"a": 400}, revision=2)
    assert billed.reconciler.sync(CYCLE, "worker").proof
    states = [(each["status"], each["metadata"]["revision"]) for each in billed.invoices]
    assert states == [("void", "1"), ("draft", "2")]


def test_more_lines_than_stripe_takes_are_refused_before_any_call(bill: Bill) -> None:
    billed = bill({f"usage/a{n}": 1 for n in range(251)})
    with pytest.raises(UnsafeChangeSet, match="251 lines"):
        billed.reconciler.sync(CYCLE, "support", force=True)
    assert billed.writes() == []


def test_a_changed_description_or_period_is_a_change(bill: Bill) -> None:
    billed = bill({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    renamed = owed(lines=(line("a", 5, "Größer – 5 €"),))
    billed.desired = replace(billed.desired, invoice=renamed)
    assert str(billed.reconciler.sync(CYCLE, "worker").changes) == "~ a  5 (description)"
    assert billed.lines[0]["description"] == "Größer – 5 €"


def test_a_payment_that_a_webhook_hinted_at_is_recorded_once() -> None:
    billed = Billed({"a": 500})
    billed.reconciler.finalize(CYCLE, "scheduler")
    billed.sandbox.dashboard.act(billed.invoice["id"], "pay")
    for _ in range(2):
        seen = billed.reconciler.observe(CYCLE, "webhook")
        assert seen and (seen.status, seen.issue.amount_paid) == ("paid", 500)
    assert billed.stream.names()[-1] == "InvoiceObserved"
    assert billed.stream.load(CYCLE)[0].status == "paid"
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.reconciler.audit(CYCLE) == ()
