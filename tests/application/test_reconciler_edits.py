"""Drafts that others changed, and calls that went wrong: what the reconciler sees and does."""

import pytest

from domain.errors import (
    EditedAtStripe,
    GatewayBusy,
    GatewayUnavailable,
    UnsafeChangeSet,
)
from tests.application.bills import Bill, bill
from tests.stripe_memory import CYCLE, Billed

__all__ = ["bill"]


def test_a_line_put_there_by_hand_is_left_alone_and_reported() -> None:
    billed = Billed({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.add_line(billed.invoice["id"], -3, "goodwill")
    assert not billed.reconciler.plan(CYCLE).in_step
    billed.owes({"a": 9})
    for attempt in (billed.reconciler.sync, billed.reconciler.finalize):
        with pytest.raises(EditedAtStripe, match="goodwill"):
            attempt(CYCLE, "worker")
    assert billed.held == {"a": 5, "by hand": -3}
    assert billed.reconciler.audit(CYCLE)[0].kind == "foreign_line"


def test_a_line_of_others_goes_where_a_person_does_not_want_it() -> None:
    billed = Billed({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.add_line(billed.invoice["id"], -3, "goodwill")
    line = billed.lines[-1]["id"]
    billed.forget_calls()
    assert str(billed.overwriting().changes) == f"- stripe/{line}  -3"
    assert (billed.held, billed.writes()) == ({"a": 5}, ["remove_lines"])


def test_a_line_held_twice_keeps_its_first() -> None:
    billed = Billed({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    marks = {"metadata": {"line_key": "a"}}
    billed.sandbox.dashboard.add_line(billed.invoice["id"], 5, "Line a", **marks)
    result = billed.reconciler.sync(CYCLE, "worker")
    assert str(result.changes) == "- a  5 (duplicate)"
    assert billed.held == {"a": 5}


def test_an_edit_in_the_dashboard_is_recorded_and_then_put_right() -> None:
    billed = Billed({"a": 5, "b": 6})
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.edit_line(billed.lines[0]["id"], amount=1)
    assert [str(each) for each in billed.reconciler.audit(CYCLE)] == [
        "amount a: ours 5, Stripe's 1"
    ]
    billed.overwriting()
    assert billed.held == {"a": 5, "b": 6}
    assert billed.stream.names()[-2:] == ["DiscrepancyResolved", "InvoiceProvedEqual"]
    assert billed.reconciler.audit(CYCLE) == ()


def test_what_accrued_since_the_last_sync_is_no_discrepancy(bill: Bill) -> None:
    billed = bill({"a": 5})
    assert billed.reconciler.audit(CYCLE) == ()
    billed.reconciler.sync(CYCLE, "worker")
    billed.owes({"a": 500})
    assert billed.reconciler.audit(CYCLE) == ()
    assert str(billed.reconciler.pending(CYCLE)) == "~ a  5 → 500"


def test_a_second_invoice_for_the_cycle_is_reported() -> None:
    billed = Billed({"a": 5})
    billed.reconciler.sync(CYCLE, "worker")
    twin = billed.invoice | {"id": "in_twin"}
    billed.sandbox.world.ledger.put("invoice", twin, parent=twin["customer"])
    assert [each.id for each in billed.reconciler.audit(CYCLE)] == ["second_invoice/in_twin"]


def test_an_unsafe_plan_waits_for_a_person_and_is_a_problem_once(bill: Bill) -> None:
    billed = bill({f"usage/a{n:02}": 5 for n in range(20)})
    billed.reconciler.sync(CYCLE, "worker")
    billed.owes({"usage/a00": 5})
    for _ in range(3):
        with pytest.raises(UnsafeChangeSet, match="would remove 19 of 20 lines"):
            billed.reconciler.sync(CYCLE, "worker")
    assert billed.stream.names().count("SyncFailed") == 1
    assert billed.reconciler.sync(CYCLE, "support", force=True).proof
    assert billed.held == {"usage/a00": 5}


def test_an_invoice_finalized_behind_our_back_is_never_changed() -> None:
    billed = Billed({"a": 500})
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.act(billed.invoice["id"], "finalize")
    billed.owes({"a": 700})
    with pytest.raises(UnsafeChangeSet, match="is open, no longer a draft"):
        billed.reconciler.sync(CYCLE, "support", force=True)
    assert {each.kind for each in billed.reconciler.audit(CYCLE)} == {"status", "amount"}
    assert billed.held == {"a": 500}


def test_a_draft_deleted_behind_our_back_is_made_again() -> None:
    billed = Billed({"a": 500})
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.act(billed.invoice["id"], "delete")
    assert [each.kind for each in billed.reconciler.audit(CYCLE)] == ["missing_invoice"]
    assert billed.overwriting().proof
    assert billed.held == {"a": 500}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", GatewayBusy),
        ("lock_timeout", GatewayBusy),
        ("error_before", GatewayUnavailable),
        ("error_after", GatewayUnavailable),
        ("partial", GatewayUnavailable),
        ("lost_response", GatewayUnavailable),
        ("hang", GatewayUnavailable),
    ],
)
@pytest.mark.parametrize("nth", [0, 1], ids=["create", "add_lines"])
def test_trouble_at_stripe_never_doubles_anything(
    fault: str, error: type[Exception], nth: int
) -> None:
    billed = Billed({"a": 5, "b": 6, "c": 7, "d": 8})
    billed.sandbox.faults.add(fault, skip=nth)
    with pytest.raises(error):
        billed.reconciler.sync(CYCLE, "worker")
    assert billed.reconciler.audit(CYCLE)[0].kind == "unanswered_call"
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.held == {"a": 5, "b": 6, "c": 7, "d": 8}
    assert len(billed.invoices) == 1


def test_a_call_unanswered_for_a_day_is_read_back_not_repeated() -> None:
    billed = Billed({"a": 5})
    billed.sandbox.faults.add("lost_response")
    with pytest.raises(GatewayUnavailable):
        billed.reconciler.sync(CYCLE, "worker")
    billed.later(hours=30)
    billed.forget_calls()
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.writes() == ["add_lines"]
    assert len(billed.invoices) == 1 and billed.held == {"a": 5}


def test_a_customer_made_without_an_answer_is_found_again_after_a_day() -> None:
    billed = Billed({"a": 5}, linked=False)
    billed.sandbox.faults.add("lost_response", path="customers")
    with pytest.raises(GatewayUnavailable):
        billed.reconciler.sync(CYCLE, "worker")
    billed.later(hours=30)
    billed.reconciler.sync(CYCLE, "worker")
    (customer,) = billed.sandbox.world.ledger.every("customer")
    assert billed.links == {"acme": customer["id"]}


def test_an_invoice_voided_behind_our_back_is_seen_and_never_made_again() -> None:
    billed = Billed({"a": 500})
    billed.reconciler.finalize(CYCLE, "scheduler")
    billed.sandbox.dashboard.act(billed.invoice["id"], "void")
    billed.reconciler.observe(CYCLE, "webhook")
    assert billed.stream.names()[-1] == "InvoiceVoidedAtStripe"
    assert [each.kind for each in billed.reconciler.audit(CYCLE)] == ["status"]
    assert billed.reconciler.sync(CYCLE, "worker").writes == 0


def test_edits_in_sight_that_keep_the_total_are_found_by_a_glance() -> None:
    billed = Billed({f"usage/a{n:02}": 50 for n in range(20)})
    billed.reconciler.sync(CYCLE, "worker")
    for place, amount in ((0, 49), (1, 51)):
        billed.sandbox.dashboard.edit_line(billed.lines[place]["id"], amount=amount)
    assert len(billed.overwriting().changes.changes) == 2
    assert set(billed.held.values()) == {50}


def test_a_line_that_took_anothers_key_is_found_by_a_glance() -> None:
    billed = Billed({f"usage/a{n:02}": 50 for n in range(11)})
    billed.reconciler.sync(CYCLE, "worker")
    first, second, *_ = billed.lines
    billed.sandbox.dashboard.edit_line(second["id"], metadata=first["metadata"])
    assert billed.overwriting().proof
    assert billed.held == {f"usage/a{n:02}": 50 for n in range(11)}
