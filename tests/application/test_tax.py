"""Stripe Tax by policy: lines in the form it allows, and proof on amounts without tax."""

from decimal import Decimal

import pytest

from application.adjusting import NewDiscount
from domain.errors import EditedAtStripe, RuleViolation
from projections.steps import IN_THE_LINE
from tests.application.taxed import (
    BERLIN,
    FEE,
    SEATS,
    SOFTWARE,
    ended,
    held,
    invoice,
    paths,
    products,
    synced,
    taxed,
)
from tests.application.test_verification import broken
from tests.january import FEBRUARY, MARCH, day
from tests.stripe_memory import CYCLE
from tests.world import ACTOR

# The form of lines


def test_lines_sell_a_product_that_carries_the_tax_code_of_the_price() -> None:
    made = taxed()
    made.attach("a3", "host", day(1))
    made.reconciler.sync(CYCLE, "worker")
    assert products(made) == {
        "cyclebook_base": None,
        "cyclebook_seat": None,
        f"cyclebook_hosting_{SOFTWARE}": SOFTWARE,
    }
    line = next(each for each in made.sandbox.world.ledger.every("line") if each["amount"] == 5000)
    sold = line["pricing"]["price_details"]["product"]
    assert (sold, line["quantity"]) == (f"cyclebook_hosting_{SOFTWARE}", 1)


def test_a_product_is_made_once_and_found_where_somebody_else_made_it() -> None:
    made = taxed()
    made.client.v1.products.create({"id": "cyclebook_seat", "name": "Seat"})
    made.reconciler.sync(CYCLE, "worker")
    first = paths(made)
    made.attach("a3", "seat", day(5))
    made.reconciler.sync(CYCLE, "worker")
    assert first.count("POST /v1/products") == 2  # one of them by us
    assert [each for each in paths(made)[len(first) :] if "products" in each] == []


def test_a_product_that_another_worker_makes_meanwhile_is_as_good_as_ours() -> None:
    made = taxed()
    made.client.v1.products.create({"id": "cyclebook_seat", "name": "Seat"})
    made.client.v1.products.create({"id": "cyclebook_base", "name": "Base"})
    made.gateway.has_product = lambda sold, ask: False  # type: ignore[method-assign]
    assert made.reconciler.sync(CYCLE, "worker").proof
    assert made.stripe.load(CYCLE)[0].problem is None


def test_credits_and_discounts_reduce_lines_and_the_customer_is_told() -> None:
    made = synced()
    made.credit("sorry", 1000)
    assert made.reconciler.sync(CYCLE, "worker").proof
    assert held(made) == {FEE: 2100, SEATS: 3100}
    text = {each["amount"]: each["description"] for each in made.sandbox.world.ledger.every("line")}
    assert text[2100].endswith(": 31.00, less 10.00 Credit sorry: sorry")


# What stays true


def test_every_line_and_its_steps_still_sum() -> None:
    made = synced()
    made.credit("sorry", 1000)
    made.item("set-up", 4900, day(5))
    made.adjusting.waive(CYCLE, SEATS, "not ready", at=made.now, actor=ACTOR)
    for line in made.invoice().invoice.lines:
        steps = made.invoices.explain(CYCLE, line.key).steps
        exact = sum(each.amount or 0 for each in steps if each.kind in IN_THE_LINE)
        assert exact == line.unrounded == line.amount, line.key


def test_a_waiver_is_of_the_whole_line_and_gives_the_credit_back() -> None:
    made = synced()
    made.credit("sorry", 1000)
    made.travel(FEBRUARY.replace(hour=1))
    made.advance()
    made.adjusting.waive(CYCLE, FEE, "not ready", at=made.now, actor=ACTOR)
    assert made.lines() == {FEE: 0, SEATS: 2100}
    made.travel(FEBRUARY.replace(hour=13))
    made.advance()
    assert made.lines() == {FEE: 0, SEATS: 2100}


def test_a_credit_is_used_up_once_over_cycles() -> None:
    made = synced()
    made.credit("sorry", 7000)
    ended(made)
    assert (made.invoice().total, made.lines()) == (0, {FEE: 0, SEATS: 0})
    assert made.lines("acme.2026-02-01") == {FEE: 2300, SEATS: 3100}  # 7000 - 6200 off 3100


def test_the_settled_invoice_stays_as_it_is_when_the_policy_changes() -> None:
    made = synced()
    made.credit("sorry", 1000)
    ended(made)
    before = made.invoice()
    made.register(policies={"automatic_tax": False})
    after = made.invoice()
    assert (after.digest, after.invoice) == (before.digest, before.invoice)
    february = made.lines("acme.2026-02-01")
    assert all(amount >= 0 for amount in february.values())


def test_what_is_left_below_zero_is_carried_and_no_draft_holds_it() -> None:
    made = ended(synced())
    made.detach("a1", day(11))
    made.detach("a2", day(11))  # late facts: 21 of 31 days of both come back
    made.reconciler.sync("acme.2026-02-01", "worker")
    assert len(made.sandbox.world.ledger.every("invoice")) == 1
    made.travel(MARCH.replace(hour=13))
    made.advance()
    february = made.invoice("acme.2026-02-01")
    assert (february.total, february.stripe.state) == (0, "in_step")
    made.attach("a3", "seat", MARCH)
    march = made.invoice("acme.2026-03-01").invoice
    assert {line.key: line.amount for line in march.lines} == {"carry/out": 0, "fee/a3/seat@1": 0}
    assert len(made.sandbox.world.ledger.every("invoice")) == 1


def test_a_second_plain_count_agrees() -> None:
    made = synced()
    made.credit("sorry", 7000)
    tenth = NewDiscount(discount="d1", reason="launch", percent=Decimal(10))
    made.adjusting.grant_discount("acme", tenth, at=made.now, actor=ACTOR)
    made.adjusting.waive(CYCLE, SEATS, "not ready", at=made.now, actor=ACTOR)
    assert broken(made) == []
    ended(made)
    made.detach("a1", day(11))
    assert broken(made) == []
    made.travel(MARCH.replace(hour=13))
    made.advance()
    assert broken(made) == []


# Proof, without tax


def test_an_invoice_is_proved_on_amounts_without_tax() -> None:
    made = ended(synced())
    there = invoice(made)
    assert (there["status"], there["subtotal"], there["total"]) == ("open", 6200, 7378)
    shown = made.invoice()
    assert (shown.invoice.subtotal, shown.tax, shown.total) == (6200, 1178, 7378)
    assert shown.stripe.state == "in_step"
    assert made.reconciler.audit(CYCLE) == ()


@pytest.mark.parametrize("automatic", [True, False])
def test_a_discount_given_in_the_dashboard_is_a_discrepancy(automatic: bool) -> None:
    made = synced(automatic_tax=automatic)
    made.sandbox.dashboard.discount(invoice(made)["id"], amount_off=500)
    found = made.reconciler.audit(CYCLE)
    assert [str(each) for each in found] == ["total: ours 6200, Stripe's 5700"]
    with pytest.raises(RuleViolation):
        made.reconciler.finalize(CYCLE, "scheduler")
    assert invoice(made)["status"] == "draft"


def test_a_discount_that_nobody_wants_comes_off_the_draft() -> None:
    made = synced()
    made.sandbox.dashboard.discount(invoice(made)["id"], amount_off=500)
    with pytest.raises(EditedAtStripe):
        made.conflicts.sync(CYCLE, "worker")
    with pytest.raises(RuleViolation, match="grant the discount in the books"):
        made.conflicts.decide(CYCLE, "adopt", "agreed", actor=ACTOR)
    made.conflicts.decide(CYCLE, "overwrite", "nobody agreed to it", actor=ACTOR)
    result = made.conflicts.sync(CYCLE, "worker")
    assert str(result.changes) == "~ draft  without discount"
    assert (result.writes, result.discrepancies) == (1, ())
    assert (invoice(made)["total"], made.invoice().held) == (6200, None)


# Failures


def test_without_an_address_it_waits_and_says_what_to_do() -> None:
    made = taxed()
    made.reconciler.sync(CYCLE, "worker")
    made.travel(FEBRUARY.replace(hour=13))
    (waiting,) = made.advance().waiting
    assert "open the portal" in waiting.reason
    assert invoice(made)["status"] == "draft"
    shown = made.invoice()
    assert (str(shown.status), shown.stripe.state) == ("finalizing", "failed")
    assert "address" in (shown.stripe.problem or "")
    (customer,) = made.sandbox.world.ledger.every("customer")
    made.sandbox.dashboard.edit_customer(customer["id"], address=BERLIN)
    assert made.advance().issued == [CYCLE]
    assert (invoice(made)["status"], made.invoice().total) == ("open", 7378)


def test_tax_that_was_switched_off_in_the_dashboard_is_switched_on_again() -> None:
    made = synced()
    made.client.v1.invoices.update(invoice(made)["id"], {"automatic_tax": {"enabled": False}})
    ended(made)
    assert (invoice(made)["total"], made.invoice().tax) == (7378, 1178)


def test_an_invoice_that_somebody_finalized_without_tax_is_a_discrepancy() -> None:
    made = synced()
    made.client.v1.invoices.update(invoice(made)["id"], {"automatic_tax": {"enabled": False}})
    made.sandbox.dashboard.act(invoice(made)["id"], "finalize")
    assert "automatic_tax: ours on, Stripe's off" in map(str, made.reconciler.audit(CYCLE))
