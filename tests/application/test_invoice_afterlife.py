"""After the issue: voids, notes, past due, another currency; and what never changes."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from application.gateway import CreditNote
from domain.errors import InvalidInput
from tests.application.given_issued import FEE, FIRST, GRACE_OVER, SECOND, discount, issued, running
from tests.application.test_verification import broken
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, world

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
