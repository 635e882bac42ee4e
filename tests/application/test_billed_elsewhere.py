"""Cycles that another program bills: issued in our books alone, and nothing is owed of them."""

from datetime import datetime, timedelta

import pytest

from application.closing import Closing
from application.issuing import BilledByOthers, Issuing, by_nobody_else
from application.shadowing.books_alone import InBooksAlone
from domain.errors import RuleViolation
from tests.january import FEBRUARY, JANUARY
from tests.world import World, world

CYCLE = "acme.2026-01-01"
NEXT = "acme.2026-02-01"
GRACE_OVER = FEBRUARY + timedelta(hours=12)


def january_is_theirs(cycle: str) -> bool:
    return cycle == CYCLE


def advance(
    made: World, theirs: BilledByOthers = january_is_theirs, told: BilledByOthers | None = None
) -> None:
    """Our own clock ticks. told: what is said of issued invoices, by default what is so."""
    at_stripe = InBooksAlone(
        made.reconciler, made.store, made.stripe, made.clock, lambda cycle: None, theirs=theirs
    )
    issuing = Issuing(made.store, at_stripe, made.stripe, told or theirs)
    closing = Closing(made.store, made.store, issuing, made.crediting)
    closing.advance("acme", made.now, "scheduler")


def over(at: datetime = GRACE_OVER) -> World:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.use("12", JANUARY)
    made.travel(at)
    return made


def test_it_is_issued_and_asks_for_nothing() -> None:
    made = over()
    advance(made)
    assert made.names()[-2:] == ["InvoiceFinalized", "InvoiceBilledElsewhere"]
    view = made.invoice()
    assert (view.status, view.total, view.amount_paid, view.amount_remaining) == (
        "billed_elsewhere",
        3156,
        0,
        0,
    )
    assert made.store.outstanding("acme") == []
    assert made.store.snapshot("acme", CYCLE).asked.cycle.owed == 0  # type: ignore[union-attr]


def test_what_was_issued_before_anybody_said_so_is_told_with_the_next_step() -> None:
    made = over()
    advance(made, told=by_nobody_else)
    assert (made.invoice().status, made.invoice().amount_remaining) == ("issued", 3156)
    advance(made)
    assert (made.invoice().status, made.invoice().amount_remaining) == ("billed_elsewhere", 0)
    known = len(made.names())
    advance(made)
    assert len(made.names()) == known


def test_what_we_issued_at_stripe_is_ours_whatever_is_said_later() -> None:
    made = over()
    advance(made, by_nobody_else, january_is_theirs)
    assert (made.invoice().status, made.invoice().amount_remaining) == ("issued", 3156)


def test_what_becomes_known_late_of_it_is_billed_on_the_running_cycle() -> None:
    made = over()
    advance(made)
    assert made.use("1", FEBRUARY - timedelta(days=1)).late == 1
    assert made.lines(NEXT)["late/2026-01-01/usage/a1/cpu@1"] == 3


def test_nobody_takes_back_or_gives_up_what_was_never_asked_for() -> None:
    made = over()
    advance(made)
    known = len(made.names())
    with pytest.raises(RuleViolation, match="billed_elsewhere; only an issued invoice"):
        made.voiding.void(CYCLE, "reissue", "wrong", actor="support")
    made.voiding.mark_uncollectible(CYCLE, "gone", actor="support")
    assert len(made.names()) == known
