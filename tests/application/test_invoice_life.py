"""From the end of a period to the money: approval, holds, credits, discounts, voids, notes."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.adjusting import NewDiscount
from application.gateway import CreditNote
from domain.errors import InvalidInput, RuleViolation
from tests.application.test_verification import broken
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
FEE, CPU = "fee/a1/base@1", "usage/a1/cpu@1"
GRACE_OVER = FEBRUARY + timedelta(hours=12)


def running(**policies: object) -> World:
    made = world()
    if policies:
        made.register(policies=policies)
    made.attach("a1", "machine", JANUARY)
    return made


def issued(**policies: object) -> World:
    made = running(**policies)
    made.travel(GRACE_OVER)
    assert made.advance().issued == [FIRST]
    return made


def waiting(made: World) -> list[str]:
    return [each.code for each in made.advance().waiting]


# Approval


def test_an_invoice_waits_until_a_person_approves_it() -> None:
    made = running(approval="always")
    made.travel(GRACE_OVER)
    assert waiting(made) == ["approval_required"]
    made.holding.approve(FIRST, "checked", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST]
    assert made.names().count("ApprovalRequested") == 1


def test_an_invoice_that_changed_after_its_approval_is_asked_for_again() -> None:
    made = running(approval="always")
    made.travel(GRACE_OVER)
    made.advance()
    made.holding.approve(FIRST, "checked", actor=ACTOR, at=made.now)
    made.item("i1", 500, day(9))
    assert waiting(made) == ["approval_required"]
    made.holding.approve(FIRST, "checked again", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST]
    assert made.names().count("ApprovalRequested") == 2


@pytest.mark.parametrize(
    ("amount", "codes"),
    [
        pytest.param(3099, ["approval_required"], id="3100 is above 3099"),
        pytest.param(3100, [], id="3100 is not above 3100"),
    ],
)
def test_only_large_invoices_may_need_approval(amount: int, codes: list[str]) -> None:
    made = running(approval="above", approval_amount=amount)
    made.travel(GRACE_OVER)
    assert waiting(made) == codes


# Holds


def test_what_a_held_cycle_would_carry_keeps_the_next_one_waiting() -> None:
    """A credit of 49 is too small an invoice: it is carried, and so February waits for it."""
    made = world()
    made.item("i1", 49, day(9))
    made.holding.hold(FIRST, "odd", actor=ACTOR, at=JANUARY)
    made.travel(FEBRUARY)
    made.attach("a1", "machine", FEBRUARY)
    made.travel(MARCH + timedelta(days=1))
    assert waiting(made) == ["cycle_held", "carried_amount_open"]
    assert made.lines(SECOND) == {FEE: 3100, "carry/in": 49}
    made.holding.release(FIRST, "fine", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST, SECOND]
    assert made.lines() == {"item/i1": 49, "carry/out": -49}
    assert made.lines(SECOND) == {FEE: 3100, "carry/in": 49}


# What people decide, by the clock


def test_waiving_takes_off_what_accrued_and_later_usage_adds_on() -> None:
    made = running()
    made.travel(day(11))
    made.use("8", day(5))
    made.adjusting.waive(FIRST, CPU, "sorry", at=day(11), actor=ACTOR)
    made.adjusting.waive(FIRST, FEE, "sorry", at=day(11), actor=ACTOR)
    made.use("2", day(9))
    assert made.lines() == {FEE: 3100, CPU: 50, f"waive/{CPU}": -40, f"waive/{FEE}": -1000}


def test_setting_an_amount_sets_what_accrued_so_far() -> None:
    made = running()
    made.travel(day(11))
    set_fee = made.adjusting.override
    set_fee(FIRST, FEE, 400, "agreed", final=False, at=day(11), actor=ACTOR)
    assert made.lines() == {FEE: 3100, f"override/{FEE}": -600}, "400 instead of 1000"


def test_a_final_amount_can_be_set_once_the_period_is_over() -> None:
    made = running()
    override = made.adjusting.override
    with pytest.raises(RuleViolation) as refusal:
        override(FIRST, FEE, 400, "agreed", final=True, at=day(11), actor=ACTOR)
    assert refusal.value.code == "cycle_accruing"
    made.travel(FEBRUARY + timedelta(hours=1))
    made.advance()
    override(FIRST, FEE, 400, "agreed", final=True, at=made.now, actor=ACTOR)
    made.detach("a1", day(11))
    assert made.lines() == {FEE: 1000, f"override/{FEE}": -600}, "400, whatever else is known"


# Credits


def test_credits_expire_and_those_that_expire_first_are_used_first() -> None:
    made = running()
    made.credit("never", 5000)
    made.credit("soon", 1000, day(20))
    assert made.lines() == {FEE: 3100, "credit/soon": -1000, "credit/never": -2100}
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    views = {each.credit: (each.applied, each.expired) for each in made.holdings.credits("acme")}
    assert views == {"never": (5000, 0), "soon": (1000, 0)}


def test_what_is_left_of_a_credit_lapses_when_no_cycle_can_use_it() -> None:
    made = running()
    made.credit("soon", 9000, day(20))
    made.travel(GRACE_OVER)
    made.advance()
    assert made.lines() == {FEE: 3100, "credit/soon": -3100}
    assert made.lines(SECOND) == {FEE: 3100}
    (view,) = made.holdings.credits("acme")
    assert (view.applied, view.expired, view.remaining) == (3100, 5900, 0)


# Discounts across cycles


def discount(made: World, **terms: Any) -> None:
    new = NewDiscount(discount="d1", reason="new", **terms)
    made.adjusting.grant_discount("acme", new, at=made.now, actor=ACTOR)


def test_a_discount_counts_for_as_many_invoices_as_it_says() -> None:
    made = running()
    discount(made, percent=Decimal(50), cycles=2)
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    assert [made.lines(each).get("discount/d1") for each in (FIRST, SECOND, THIRD)] == [
        -1550,
        -1550,
        None,
    ]


def test_a_discount_that_is_sent_again_after_the_issue_does_nothing() -> None:
    made = running()
    new = NewDiscount(discount="d1", reason="new", percent=Decimal(50), cycles=2)
    made.adjusting.grant_discount("acme", new, at=made.now, actor=ACTOR)
    made.travel(GRACE_OVER)
    made.advance()
    before = list(made.store.events)
    again = made.adjusting.grant_discount("acme", new, at=JANUARY, actor=ACTOR)
    assert (again.effect, made.store.events) == ("nothing", before)
    other = replace(new, percent=Decimal(60))
    with pytest.raises(RuleViolation, match="another content"):
        made.adjusting.grant_discount("acme", other, at=JANUARY, actor=ACTOR)


def test_a_discount_that_is_ended_counts_no_more_in_open_cycles() -> None:
    made = running()
    discount(made, amount=100)
    made.travel(GRACE_OVER)
    made.advance()
    assert made.lines(SECOND) == {FEE: 3100, "discount/d1": -100}
    made.adjusting.end_discount("acme", "d1", "over", at=made.now, actor=ACTOR)
    assert made.lines(SECOND) == {FEE: 3100}
    assert made.lines()["discount/d1"] == -100


def test_a_discount_is_granted_once_and_not_with_other_terms() -> None:
    made = running()
    discount(made, amount=100)
    before = list(made.store.events)
    discount(made, amount=100)
    assert made.store.events == before
    with pytest.raises(RuleViolation):
        discount(made, amount=200)
    with pytest.raises(InvalidInput):
        discount(made, amount=100, percent=Decimal(5))


def test_a_late_detach_takes_its_part_of_the_discount_with_it() -> None:
    """Half of 3100 was billed; a third was owed: 1000 - 3100, and half of that back."""
    made = running()
    discount(made, percent=Decimal(50), cycles=1)
    made.travel(GRACE_OVER)
    made.advance()
    made.detach("a1", day(11))
    assert made.lines(SECOND) == {
        f"late/2026-01-01/{FEE}": -2100,
        "late/2026-01-01/discount/d1": 1050,
    }


# Voids


def test_a_reissue_gives_back_credits_and_rates_anew() -> None:
    made = running()
    made.credit("k1", 1000)
    made.travel(GRACE_OVER)
    made.advance()
    made.voiding.void(FIRST, "reissue", "wrong", actor=ACTOR)
    made.detach("a1", day(11))
    assert made.lines() == {FEE: 3100, "credit/k1": -1000}, "its cut-off is the void"
    assert made.lines(SECOND) == {}, "what comes after that is late once more"
    assert made.advance().issued == [FIRST]
    assert made.lines(SECOND) == {f"late/2026-01-01/{FEE}": -2100}
    view = made.invoice()
    assert (view.invoice.revision, view.status, view.total) == (2, "issued", 2100)


def test_a_reissue_that_comes_to_nothing_is_issued_in_our_books_alone() -> None:
    made = running()
    made.travel(GRACE_OVER)
    made.advance()
    made.detach("a1", JANUARY)
    made.voiding.void(FIRST, "reissue", "it never ran", actor=ACTOR)
    assert made.advance().issued == [FIRST]
    view, cycle = made.invoice(), made.store.cycle(FIRST)
    assert (view.status, view.total, cycle.owed) == ("issued", 0, 0)
    assert cycle.issued is not None
    assert (cycle.issued.total, cycle.issued.stripe_invoice) == (0, None)


def test_forgiving_gives_back_credits_and_asks_for_nothing() -> None:
    made = running()
    made.credit("k1", 1000)
    made.travel(GRACE_OVER)
    made.advance()
    made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    made.voiding.void(FIRST, "forgive", "again", actor=ACTOR)
    assert made.names().count("InvoiceVoided") == 1
    assert made.invoice().status == "void"
    assert made.lines(SECOND) == {FEE: 3100, "credit/k1": -1000}
    assert broken(made) == []


def test_what_was_billed_ahead_on_a_forgiven_invoice_does_not_come_back() -> None:
    made = world()
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "rent", JANUARY)
    made.travel(GRACE_OVER)
    made.advance()
    made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    made.travel(FEBRUARY + timedelta(days=14))
    made.detach("a1", made.now)
    assert made.lines(SECOND) == {}


def test_a_reissue_hands_over_anew_what_is_billed_ahead() -> None:
    """January billed February ahead; known to have ended on the eleventh, it never did."""
    made = world()
    made.price("rent", model="flat", amount="3100", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "rent", JANUARY)
    made.travel(GRACE_OVER)
    made.advance()
    made.detach("a1", day(11))
    unused = {"late/2026-01-01/fee/a1/rent@1": -2100, "unused/a1/rent@1": -3100}
    assert made.lines(SECOND) == unused
    made.voiding.void(FIRST, "reissue", "it had ended", actor=ACTOR)
    assert (made.lines(), made.lines(SECOND)) == ({"fee/a1/rent@1": 1000}, {})
    assert made.advance().issued == [FIRST]
    assert (made.lines(), made.lines(SECOND)) == ({"fee/a1/rent@1": 1000}, {})


def test_a_paid_invoice_is_corrected_by_a_note_only() -> None:
    made = issued()
    invoice = made.store.cycle(FIRST).issued
    assert invoice is not None
    made.client.v1.invoices.pay(invoice.stripe_invoice or "")
    made.reconciler.observe(FIRST, "stripe")
    note = CreditNote(id="n1", lines={FEE: 100}, reason="sorry", credit_balance=100)
    made.crediting.issue(FIRST, note, actor=ACTOR)
    made.crediting.issue(FIRST, note, actor=ACTOR)
    assert made.names().count("CreditNoteIssued") == 1
    with pytest.raises(InvalidInput, match="3000 minor units left"):
        more = CreditNote(id="n2", lines={FEE: 3001}, reason="sorry", credit_balance=3001)
        made.crediting.issue(FIRST, more, actor=ACTOR)


# Past due


def test_an_invoice_that_is_not_paid_in_time_is_past_due_once() -> None:
    made = issued(collection="send_invoice", days_until_due=7)
    made.later(days=7, seconds=1)
    assert made.advance().past_due == [FIRST]
    assert made.advance().past_due == []
    assert made.invoice().status == "past_due"
    (balance,) = made.holdings.balance("acme")
    assert (balance.due, balance.overdue) == (3100, 3100)


# Another currency


def test_another_currency_begins_with_the_next_cycle() -> None:
    made = world()
    made.price("fee", model="flat", amount="3100")
    made.price("fee-eur", model="flat", amount="2800", currency="eur")
    made.service("both", "fee", "fee-eur")
    made.attach("a1", "both", JANUARY)
    made.item("i1", 20, day(1))
    made.register(currency="eur")
    assert made.lines() == {"fee/a1/fee@1": 3100, "item/i1": 20}
    made.travel(GRACE_OVER)
    made.advance()
    assert made.lines(SECOND) == {"fee/a1/fee-eur@1": 2800}
    invoices = [made.invoice(each).invoice for each in (FIRST, SECOND)]
    assert [(each.currency, each.subtotal) for each in invoices] == [("usd", 3120), ("eur", 2800)]


def test_what_is_left_in_the_old_currency_is_never_taken_for_the_new_one() -> None:
    made = world()
    made.price("rent", model="flat", amount="3100", billing="in_advance")
    made.price("rent-eur", model="flat", amount="2800", currency="eur", billing="in_advance")
    made.service("both", "rent", "rent-eur")
    made.attach("a1", "both", JANUARY)
    made.travel(day(2))
    made.register(currency="eur")
    assert made.lines() == {"fee/a1/rent@1": 3100}, "nothing is billed ahead in dollars"
    made.travel(GRACE_OVER)
    made.advance()
    lines = made.lines(SECOND)
    assert lines == {"fee/a1/rent-eur@1": 2800, "coming/a1/rent-eur@1": 2800}
    made.detach("a1", day(11))
    assert made.lines(SECOND) == {}, "dollars of January are no line of an invoice in euros"


# What never changes


def test_a_settled_invoice_never_changes_whatever_comes_later() -> None:
    made = running()
    made.use("12", JANUARY)
    discount(made, percent=Decimal(10))
    made.credit("k1", 100)
    made.travel(GRACE_OVER)
    made.advance()
    settled = made.invoice()
    made.price("cpu", meter="cpu", model="per_unit", unit_amount="99")
    made.meter("cpu", "max")
    made.use("500", day(9))
    made.detach("a1", day(2))
    made.credit("k2", 5000)
    made.register(time_zone="Asia/Tokyo", anchor_day=9)
    made.adjusting.end_discount("acme", "d1", "over", at=made.now, actor=ACTOR)
    made.travel(datetime.fromisoformat("2026-05-01T12:00:00Z"))
    made.advance()
    now = made.invoice()
    assert (now.digest, now.invoice.lines) == (settled.digest, settled.invoice.lines)
