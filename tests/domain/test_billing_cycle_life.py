"""The life of a billing cycle: closing, settling, issuing, holds, outcomes."""

from dataclasses import replace
from typing import Any

import pytest

from domain.billing_cycle import BillingCycle, Status
from domain.errors import RuleViolation
from domain.events.amounts import CreditApplied
from domain.events.cycle import CycleHeld, CycleReleased, FinalizationStarted
from domain.events.outcome import (
    InvoiceBilledElsewhere,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
)
from domain.rating import rate
from tests.given import given
from tests.january import (
    BOOK,
    CLOSED,
    CLOSING,
    FEBRUARY,
    ISSUED,
    OPENED,
    SETTLED,
    attached,
    opened,
)

PAID = InvoicePaid(at=FEBRUARY, amount=0)
HELD = CycleHeld(at=FEBRUARY, kind="person", reason="looks odd")


# The life of a cycle


def test_a_cycle_closes_in_two_steps_and_each_counts_once() -> None:
    given(OPENED).when(lambda each: each.begin_closing(FEBRUARY)).then(CLOSING)
    given(OPENED, CLOSING).when(lambda each: each.begin_closing(FEBRUARY)).then_nothing()
    given(OPENED, CLOSING).when(lambda each: each.close(2, CLOSED.at)).then(CLOSED)
    given(OPENED, CLOSING, CLOSED).when(lambda each: each.close(2, CLOSED.at)).then_nothing()


def test_usage_is_not_cut_off_while_the_period_runs() -> None:
    (
        given(OPENED)
        .when(lambda each: each.close(2, FEBRUARY))
        .then_refused(RuleViolation, "cycle_accruing")
    )


def settle(cycle: BillingCycle) -> list[Any]:
    invoice = rate(cycle, {}, BOOK, {}).invoice
    basis = {line.key: line.amount for line in invoice.lines}
    return list(cycle.start_finalization(invoice, basis, None, 3, CLOSED.at))


def test_settling_fixes_digest_and_amounts() -> None:
    cycle = given(OPENED, attached("a1"), CLOSING, CLOSED).cycle
    invoice = rate(cycle, {}, BOOK, {}).invoice
    started = FinalizationStarted(
        at=CLOSED.at,
        version=3,
        digest=invoice.digest(),
        subtotal=3100,
        lines={"fee/a1/base@1": 3100},
        basis={"fee/a1/base@1": 3100},
    )
    given(OPENED, attached("a1"), CLOSING, CLOSED).when(settle).then(started)


def test_settling_twice_does_nothing() -> None:
    given(OPENED, CLOSING, CLOSED, SETTLED).when(settle).then_nothing()


def test_settling_waits_for_the_cut_off_and_for_a_person() -> None:
    given(OPENED, CLOSING).when(settle).then_refused(RuleViolation, "cycle_not_closed")
    (given(OPENED, CLOSING, CLOSED, HELD).when(settle).then_refused(RuleViolation, "cycle_held"))


def test_a_settled_cycle_rates_to_the_credits_it_used_whatever_is_left_of_them() -> None:
    used = CreditApplied(at=CLOSED.at, credit="k1", amount=100, reason="sorry")
    cycle = given(OPENED, attached("a1"), CLOSING, CLOSED, used, SETTLED).cycle
    assert rate(cycle, {}, BOOK, {}).invoice.subtotal == 3000


def test_issuing_needs_a_settled_cycle_and_counts_once() -> None:
    (
        given(OPENED, CLOSING, CLOSED)
        .when(lambda each: each.finalize(ISSUED))
        .then_refused(RuleViolation, "cycle_not_finalizing")
    )
    given(OPENED, CLOSING, CLOSED, SETTLED).when(lambda each: each.finalize(ISSUED)).then(ISSUED)
    (
        given(OPENED, CLOSING, CLOSED, SETTLED, ISSUED)
        .when(lambda each: each.finalize(replace(ISSUED, total=1)))
        .then_nothing()
    )


def test_a_hold_has_one_reason_and_ends_by_release() -> None:
    given(OPENED).when(lambda each: each.hold(HELD)).then(HELD)
    given(OPENED, HELD).when(lambda each: each.hold(HELD)).then_nothing()
    (
        given(OPENED, HELD)
        .when(lambda each: each.hold(replace(HELD, reason="x")))
        .then_refused(RuleViolation, "cycle_held")
    )
    released = CycleReleased(at=FEBRUARY, reason="checked")
    given(OPENED, HELD).when(lambda each: each.release("checked", FEBRUARY)).then(released)
    given(OPENED).when(lambda each: each.release("checked", FEBRUARY)).then_nothing()


def test_it_is_too_late_to_hold_what_is_being_issued() -> None:
    (
        given(OPENED, CLOSING, CLOSED, SETTLED)
        .when(lambda each: each.hold(HELD))
        .then_refused(RuleViolation, "too_late")
    )


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (PAID, Status.PAID),
        (InvoiceVoided(at=FEBRUARY, reason="wrong"), Status.VOID),
        (InvoiceMarkedUncollectible(at=FEBRUARY), Status.UNCOLLECTIBLE),
        (InvoiceBilledElsewhere(at=FEBRUARY), Status.BILLED_ELSEWHERE),
    ],
)
def test_an_outcome_counts_once_and_only_for_what_was_issued(outcome: Any, status: Status) -> None:
    issued = (OPENED, CLOSING, CLOSED, SETTLED, ISSUED)
    cycle = given(*issued).when(lambda each: each.record_outcome(outcome)).then(outcome)
    assert cycle.status is status
    given(*issued, outcome).when(lambda each: each.record_outcome(outcome)).then_nothing()
    (
        given(OPENED)
        .when(lambda each: each.record_outcome(outcome))
        .then_refused(RuleViolation, "not_issued")
    )


def test_an_unknown_event_stops_the_replay() -> None:
    with pytest.raises(TypeError, match="no CycleOpened"):
        given(OPENED).cycle.apply(opened())
