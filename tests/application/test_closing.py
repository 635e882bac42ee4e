"""The life of a cycle by our own clock: closed, cut off, settled, issued, one after the other."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from application.closing import Closing
from application.issuing import Finalizer, Issuing
from domain.errors import GatewayUnavailable, StoreUnavailable
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import World, world

CYCLE = "acme.2026-01-01"
NEXT = "acme.2026-02-01"
GRACE_OVER = FEBRUARY + timedelta(hours=12)


def running(cost: bool = True) -> World:
    made = world()
    if cost:
        made.attach("a1", "machine", JANUARY)
        made.use("12", JANUARY)
    return made


def test_nothing_is_due_while_the_period_runs() -> None:
    made = running()
    before = list(made.store.events)
    made.travel(FEBRUARY - timedelta(microseconds=1))
    done = made.advance()
    assert (done.closing, done.closed, done.issued) == ([], [], [])
    assert made.store.events == before


def test_at_its_end_a_cycle_closes_and_the_next_is_open() -> None:
    made = running()
    made.travel(FEBRUARY)
    assert made.advance().closing == [CYCLE]
    assert made.store.cycle_names("acme") == [CYCLE, NEXT]
    assert made.lines(NEXT) == {"fee/a1/base@1": 3100}
    assert made.advance().closing == []


def test_late_usage_counts_until_grace_is_over() -> None:
    made = running()
    made.travel(GRACE_OVER - timedelta(seconds=1))
    made.advance()
    assert made.use("1", day(31)).refusals == {}
    made.travel(GRACE_OVER)
    assert made.advance().closed == [CYCLE]
    assert made.use("1", day(31)).late == 1
    assert made.lines()["usage/a1/cpu@1"] == 59
    assert made.lines(NEXT)["late/2026-01-01/usage/a1/cpu@1"] == 3


def test_an_invoice_is_settled_proved_and_issued() -> None:
    made = running()
    made.travel(GRACE_OVER)
    done = made.advance()
    assert (done.settled, done.issued, done.waiting) == ([CYCLE], [CYCLE], [])
    assert made.names()[-4:] == [
        "CycleClosing",
        "CycleClosed",
        "FinalizationStarted",
        "InvoiceFinalized",
    ]
    view = made.invoice()
    assert (view.status, view.total, view.amount_due) == ("issued", 3156, 3156)
    assert view.number is not None
    assert (view.stripe.state, view.issued_at) == ("in_step", GRACE_OVER)
    assert made.current().awaiting == ()


def test_everything_twice_changes_nothing() -> None:
    made = running()
    made.travel(GRACE_OVER)
    made.advance()
    before = list(made.store.events)
    made.advance()
    assert made.store.events == before


def test_what_costs_nothing_is_issued_in_our_books_alone() -> None:
    made = running(cost=False)
    made.travel(GRACE_OVER)
    assert made.advance().issued == [CYCLE]
    view = made.invoice()
    assert (view.status, view.total, view.number, view.stripe.invoice) == ("issued", 0, None, None)
    assert made.sandbox.world.ledger.every("invoice") == []


def test_a_credit_that_covers_all_leaves_nothing_to_pay_and_is_used_up_by_that_much() -> None:
    made = running()
    made.credit("k1", 4000)
    made.travel(GRACE_OVER)
    made.advance()
    assert made.invoice().total == 0
    assert made.names().count("CreditApplied") == 1
    (view,) = made.holdings.credits("acme")
    assert (view.applied, view.remaining) == (3156, 844)
    assert made.lines(NEXT)["credit/k1"] == -844


def test_settling_uses_credits_oldest_cycle_first_even_when_several_are_due() -> None:
    made = running()
    made.credit("k1", 4000)
    made.travel(MARCH + timedelta(days=1))
    assert made.advance().issued == [CYCLE, NEXT]
    assert made.lines()["credit/k1"] == -3156
    assert made.lines(NEXT) == {"fee/a1/base@1": 3100, "credit/k1": -844}


def test_an_organization_left_alone_catches_up_cycle_by_cycle() -> None:
    made = running()
    made.travel(datetime.fromisoformat("2026-05-10T00:00:00Z"))
    done = made.advance()
    months = [f"acme.2026-0{month}-01" for month in range(1, 6)]
    assert made.store.cycle_names("acme") == months
    assert done.issued == months[:4]
    assert made.lines(months[4]) == {"fee/a1/base@1": 3100}


def test_a_held_cycle_waits_and_the_others_go_on() -> None:
    made = running()
    holding = made.holding
    holding.hold(CYCLE, "looks odd", actor="support", at=JANUARY)
    made.travel(MARCH + timedelta(days=1))
    done = made.advance()
    assert (done.closed, done.issued) == ([CYCLE, NEXT], [NEXT])
    assert [(each.cycle, each.code) for each in done.waiting] == [(CYCLE, "cycle_held")]
    assert made.invoice().held == "looks odd"
    holding.release(CYCLE, "it was fine", actor="support", at=made.now)
    assert made.advance().issued == [CYCLE]


def test_more_lines_than_an_invoice_takes_are_rolled_up_and_issued_to_the_cent() -> None:
    made = world()
    made.price("disk", meter="cpu", model="per_unit", unit_amount="1.5", group_by=["region"])
    made.service("store", "disk")
    made.attach("a1", "store", JANUARY)
    made.item("i1", 500, JANUARY)
    made.credit("k1", 100)
    made.travel(day(5))
    made.record([made.usage("1", day(5), properties={"region": f"r{n:03}"}) for n in range(300)])
    lines = made.lines()
    assert (len(lines), lines["item/i1"], lines["other/disk@1"]) == (202, 500, 101 * 2)
    explained = made.invoices.explain(CYCLE, "other/disk@1")
    assert explained.line.unrounded == sum(each.amount for each in explained.line.charges)
    made.reconciler.sync(CYCLE, "sync")
    made.travel(GRACE_OVER)
    assert made.advance().issued == [CYCLE]
    assert made.invoice().total == 300 * 2 + 500 - 100


def closing_by(made: World, finalizer: Finalizer) -> Closing:
    issuing = Issuing(made.store, finalizer, made.stripe)
    return Closing(made.store, made.store, issuing, made.crediting)


class PaidAtOnce:
    """A finalizer whose customer pays before anybody can note that the invoice is issued."""

    def __init__(self, made: World, action: str) -> None:
        self._made = made
        self._action = action

    def finalize(self, cycle: str, actor: str) -> object:
        answer = self._made.reconciler.finalize(cycle, actor)
        getattr(self._made.client.v1.invoices, self._action)(answer.invoice or "")
        self._made.reconciler.observe(cycle, "stripe")
        return answer


@pytest.mark.parametrize(
    ("action", "outcome", "status"),
    [
        ("pay", "InvoicePaid", "paid"),
        ("void_invoice", "InvoiceVoided", "void"),
        ("mark_uncollectible", "InvoiceMarkedUncollectible", "uncollectible"),
    ],
)
def test_what_became_of_an_invoice_while_it_was_issued_is_recorded_with_it(
    action: str, outcome: str, status: str
) -> None:
    made = running()
    made.travel(GRACE_OVER)
    closing = closing_by(made, PaidAtOnce(made, action))
    closing.advance("acme", made.now, "scheduler")
    assert made.names()[-2:] == ["InvoiceFinalized", outcome]
    view = made.invoice()
    assert (view.status, view.amount_paid) == (status, 3156 if status == "paid" else 0)


class Failing:
    """A finalizer that cannot do its part for some cycles."""

    def __init__(self, error: Exception, made: World, cycles: str = "") -> None:
        self._error = error
        self._cycles = cycles
        self._reconciler = made.reconciler

    def finalize(self, cycle: str, actor: str) -> object:
        if cycle.startswith(self._cycles):
            raise self._error
        return self._reconciler.finalize(cycle, actor)


def closing_with(made: World, error: Exception, cycles: str = "") -> Closing:
    return closing_by(made, Failing(error, made, cycles))


def test_while_stripe_is_away_a_settled_cycle_waits_and_is_issued_later() -> None:
    made = running()
    made.travel(GRACE_OVER)
    away = closing_with(made, GatewayUnavailable("no answer from Stripe; outcome unknown"))
    done = away.advance("acme", made.now, "scheduler")
    assert (done.settled, done.issued) == ([CYCLE], [])
    assert [each.code for each in done.waiting] == ["gateway_unavailable"]
    assert made.invoice().status == "finalizing"
    made.credit("k1", 100)
    assert made.advance().issued == [CYCLE]
    assert made.invoice().total == 3156, "what came after settling is not on it"


def test_who_is_due_is_advanced_and_one_failure_stops_nobody() -> None:
    made = running()
    made.register("aardvark")
    made.register("zebra")
    made.travel(GRACE_OVER)
    failed: list[str] = []
    closing = closing_with(made, TypeError("no such event"), "aardvark")
    done = closing.advance_due(made.now, "scheduler", lambda name, error: failed.append(name))
    assert (sorted(done), failed) == (["acme", "zebra"], ["aardvark"])
    assert done["acme"].issued == [CYCLE]


def test_a_store_that_does_not_answer_stops_the_round() -> None:
    made = running()
    made.travel(GRACE_OVER)
    with pytest.raises(StoreUnavailable):
        closing_with(made, StoreUnavailable("gone")).advance_due(
            made.now, "scheduler", lambda name, error: None
        )


def test_a_moved_anchor_makes_one_short_cycle_and_tiles_time() -> None:
    made = running()
    made.register(anchor_day=15)
    made.travel(datetime.fromisoformat("2026-03-20T00:00:00Z"))
    made.advance()
    periods = [made.invoice(name).invoice.period for name in made.store.cycle_names("acme")]
    starts = [f"{period.start:%m-%d}" for period in periods]
    assert starts == ["01-01", "02-01", "02-15", "03-15"]
    for before, after in pairwise(periods):
        assert before.end == after.start
    assert made.lines(NEXT) == {"fee/a1/base@1": 1400}, "3100 × 14 ÷ 31 from January 15 on"


def test_clocks_moved_west_twice_in_a_day_still_give_every_cycle_a_name_of_its_own() -> None:
    made = running()
    made.register(time_zone="America/New_York")
    made.travel(FEBRUARY + timedelta(minutes=1))
    made.advance()
    made.register(time_zone="Pacific/Honolulu")
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()
    names = made.store.cycle_names("acme")
    assert names == [CYCLE, "acme.2026-01-31", "acme.2026-02-01", "acme.2026-02-02"]
    periods = [made.invoice(name).invoice.period for name in names]
    for before, after in pairwise(periods):
        assert before.end == after.start
