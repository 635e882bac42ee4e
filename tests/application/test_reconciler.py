"""The reconciler: what the sandbox, through the real SDK, or the journal holds afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from adapters.postgres.database import Database
from domain.errors import (
    EditedAtStripe,
    GatewayBusy,
    GatewayUnavailable,
    RuleViolation,
    UnsafeChangeSet,
)
from projections.remote_invoice import Collection
from tests.journal_billed import JournalBilled
from tests.stripe_memory import CYCLE, Billed, line, owed

Bill = Callable[..., Billed]


@pytest.fixture(params=["stripe", "journal"])
def bill(request: pytest.FixtureRequest) -> Iterator[Bill]:
    """Whatever holds the invoices, these hold: an organization billed by Stripe or the journal."""
    if request.param == "stripe":
        yield Billed
        return
    database = Database(request.getfixturevalue("database_url"), size=2)
    yield partial(JournalBilled, database)
    database.close()


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
