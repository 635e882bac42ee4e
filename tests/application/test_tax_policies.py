"""Stripe Tax switched on and off on an open draft, and switches that are interrupted."""

from typing import Any

import pytest

from domain.errors import CyclebookError, GatewayRejected
from tests.application.taxed import FEE, SEATS, ended, held, invoice, paths, synced
from tests.stripe_memory import CYCLE

# The policies, on an open draft


def test_a_policy_switched_on_gives_every_line_its_new_form_first() -> None:
    made = synced(automatic_tax=False)
    made.credit("sorry", 1000)
    made.reconciler.sync(CYCLE, "worker")
    assert held(made) == {"credit/sorry": -1000, FEE: 3100, SEATS: 3100}
    made.register(policies={"automatic_tax": True})
    before = len(paths(made))
    result = made.reconciler.sync(CYCLE, "worker")
    assert str(result.changes).endswith(
        "~ draft  charge_automatically → charge_automatically, automatic tax"
    )
    writes = [each.rpartition("/")[2] for each in paths(made)[before:] if each.startswith("POST")]
    assert writes == ["products", "products", "remove_lines", "update_lines", invoice(made)["id"]]
    assert result.proof and invoice(made)["automatic_tax"]["enabled"]
    assert held(made) == {FEE: 2100, SEATS: 3100}
    assert not made.reconciler.sync(CYCLE, "worker").writes


def test_a_policy_switched_off_lets_lines_below_zero_back() -> None:
    made = synced()
    made.credit("sorry", 1000)
    made.reconciler.sync(CYCLE, "worker")
    made.register(policies={"automatic_tax": False})
    result = made.reconciler.sync(CYCLE, "worker")
    assert result.proof and not invoice(made)["automatic_tax"]["enabled"]
    assert held(made) == {"credit/sorry": -1000, FEE: 3100, SEATS: 3100}
    assert not made.reconciler.sync(CYCLE, "worker").writes


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {},
            {"collection": "send_invoice", "days_until_due": 14},
            "charge_automatically → send_invoice, due in 14 days",
        ),
        (
            {"collection": "send_invoice"},
            {"collection": "send_invoice", "days_until_due": 7},
            "send_invoice, due in 30 days → send_invoice, due in 7 days",
        ),
        (
            {"collection": "send_invoice"},
            {"collection": "charge_automatically"},
            "send_invoice, due in 30 days → charge_automatically",
        ),
    ],
)
def test_how_it_is_collected_follows_the_policy_at_one_call(
    before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    made = synced(automatic_tax=False, **before)
    made.register(policies=before | after)
    result = made.reconciler.sync(CYCLE, "worker")
    assert str(result.changes) == f"~ draft  {told}"
    assert (result.writes, result.changes.calls) == (1, 1)
    assert invoice(made)["collection_method"] == after["collection"]
    if days := after.get("days_until_due"):
        assert invoice(made)["days_until_due"] == days
    assert not made.reconciler.sync(CYCLE, "worker").writes


def test_an_issued_invoice_is_collected_as_it_was_issued() -> None:
    made = ended(synced())
    made.register(policies={"collection": "send_invoice", "automatic_tax": True})
    assert not made.reconciler.plan(CYCLE)
    assert made.reconciler.audit(CYCLE) == ()


# Crashes


@pytest.mark.parametrize("skip", range(8))
@pytest.mark.parametrize("fault", ["lost_response", "error_after", "dropped"])
def test_a_switch_that_is_interrupted_ends_right(fault: str, skip: int) -> None:
    made = synced(automatic_tax=False)
    made.credit("sorry", 1000)
    made.reconciler.sync(CYCLE, "worker")
    made.register(policies={"automatic_tax": True})
    made.sandbox.faults.add(fault, method="*", skip=skip)
    for _ in range(3):
        try:
            made.reconciler.sync(CYCLE, "worker")
        except GatewayRejected:
            raise
        except CyclebookError:
            continue
    made.sandbox.faults.clear()
    assert made.reconciler.sync(CYCLE, "worker").proof
    assert (held(made), made.reconciler.audit(CYCLE)) == ({FEE: 2100, SEATS: 3100}, ())
