"""The journal: it balances, its receivables are what invoices are owed, and ids never change."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from application.exporting import Exporting, Window
from application.gateway import CreditNote
from domain.errors import InvalidInput, NotFound
from projections.journal.accounts import RECEIVABLE, Role
from projections.journal.transactions import Transaction, balances
from tests.application.test_inbox_outcomes import SEAT, Mail
from tests.application.test_stories import (
    a_swap_and_a_trial,
    closing_an_organization,
    fees_in_advance,
    late_facts,
    void_and_reissue,
)
from tests.january import FEBRUARY, JANUARY
from tests.world import ACTOR, World, january, world

CYCLE = "acme.2026-01-01"
EVER = Window()

Story = Callable[[World], None]


def exporting(made: World) -> Exporting:
    return Exporting(made.store, made.store, made.store, made.store)


def journal(made: World, window: Window = EVER) -> list[Transaction]:
    return list(exporting(made).journal(window))


def comes_to(made: World) -> dict[str, int]:
    """What is on each account in the end, by what it is for."""
    found: Counter[str] = Counter()
    for (account, _), amount in balances(journal(made)).items():
        found[account.role.value] += amount
    return {role: amount for role, amount in found.items() if amount}


def told(made: World, kind: str) -> list[tuple[str, dict[str, int]]]:
    """Transactions of a kind: the id, and what each account gets."""
    return [
        (each.id, {posting.account.role.value: posting.amount for posting in each.postings})
        for each in journal(made)
        if each.kind == kind
    ]


STORIES = [
    january,
    a_swap_and_a_trial,
    late_facts,
    void_and_reissue,
    fees_in_advance,
    closing_an_organization,
]


@pytest.mark.parametrize("happened", STORIES)
def test_every_transaction_balances_and_nothing_is_unexplained(happened: Story) -> None:
    made = world()
    happened(made)
    found = journal(made)
    assert found
    assert [each.id for each in found if sum(p.amount for p in each.postings)] == []
    assert [each.id for each in found if not all(p.amount for p in each.postings)] == []
    assert len({each.id for each in found}) == len(found)
    assert found == sorted(found, key=lambda each: each.place) == journal(made)
    assert Role.UNEXPLAINED.value not in comes_to(made)


@pytest.mark.parametrize("happened", STORIES)
def test_the_receivable_is_what_invoices_are_owed(happened: Story) -> None:
    made = world()
    happened(made)
    issued = [made.invoice(name) for name in made.store.cycle_names("acme")]
    owed = sum(view.amount_remaining for view in issued if view.issued_at)
    assert comes_to(made).get("receivable", 0) == owed


def test_an_invoice_debits_the_customer_and_credits_what_was_sold() -> None:
    made = world()
    january(made)
    (invoice,) = [each for each in journal(made) if each.kind == "invoice"]
    view = made.invoice()
    assert (invoice.id, invoice.document) == (f"{CYCLE}/invoice", view.number)
    assert invoice.postings[0].account == RECEIVABLE
    by_line = {each.line: -each.amount for each in invoice.postings[1:]}
    assert by_line == {line.key: line.amount for line in view.invoice.lines if line.amount}


def test_a_credit_is_a_debt_until_an_invoice_uses_it() -> None:
    made = world()
    made.credit("sorry", 1000)
    assert comes_to(made) == {"credits_granted": 1000, "credits": -1000}
    january_with_a_seat(made)
    assert comes_to(made) == {"credits_granted": 1000, "fees": -3100, "receivable": 2100}


def january_with_a_seat(made: World) -> None:
    made.attach("a1", "seat", JANUARY)
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()


def test_a_credit_that_expires_is_no_debt_any_more() -> None:
    made = world()
    made.credit("sorry", 9000, expires_at=JANUARY + timedelta(days=20))
    january_with_a_seat(made)
    made.travel(FEBRUARY + timedelta(days=40))
    made.advance()
    assert [id_ for id_, _ in told(made, "credit_expired")] == ["acme/credit_expired/sorry"]
    assert "credits" not in comes_to(made)


def test_a_payment_is_booked_once_whoever_tells_of_it() -> None:
    mail = Mail()
    mail.pay()
    mail.deliver()
    ((id_, moved),) = told(mail.made, "payment")
    assert id_.startswith(f"{CYCLE}/payment/pi_")
    assert moved == {"cash": 3100, "receivable": -3100}
    assert comes_to(mail.made) == {"cash": 3100, "fees": -3100}


def test_a_note_takes_off_what_is_owed_or_gives_money_back() -> None:
    mail = Mail()
    mail.made.crediting.issue(
        CYCLE, CreditNote(id="n1", lines={SEAT: 100}, reason="late", reduce_due=100), actor=ACTOR
    )
    assert told(mail.made, "note") == [(f"{CYCLE}/note/n1", {"fees": 100, "receivable": -100})]
    mail.pay()
    mail.deliver()
    mail.made.crediting.issue(
        CYCLE, CreditNote(id="n2", lines={SEAT: 300}, reason="bad", refund=300), actor=ACTOR
    )
    assert comes_to(mail.made) == {"cash": 2700, "fees": -2700}


def test_what_the_processor_keeps_for_a_customer_pays_the_next_invoice() -> None:
    mail = Mail()
    mail.pay()
    mail.deliver()
    note = CreditNote(id="n1", lines={SEAT: 1100}, reason="bad", credit_balance=1100)
    mail.made.crediting.issue(CYCLE, note, actor=ACTOR)
    assert comes_to(mail.made)["balance"] == -1100
    mail.made.travel(FEBRUARY + timedelta(days=29))
    mail.made.advance()
    view = mail.made.invoice("acme.2026-02-01")
    assert (view.balance_applied, view.amount_remaining) == (1100, 2000)
    assert comes_to(mail.made) == {"cash": 3100, "receivable": 2000, "fees": -5100}


def test_a_refund_and_a_lost_dispute_are_costs() -> None:
    mail = Mail()
    mail.pay()
    mail.board.refund(mail.invoice, 100)
    dispute = mail.board.dispute(mail.invoice, 3000, "duplicate")
    mail.deliver()
    assert comes_to(mail.made) == {"refunds": 100, "disputed": 3000, "fees": -3100}
    mail.board.decide(dispute["id"], "lost")
    mail.deliver()
    assert comes_to(mail.made) == {"refunds": 100, "disputes": 3000, "fees": -3100}


def test_an_invoice_given_up_is_bad_debt_until_it_is_paid_after_all() -> None:
    mail = Mail()
    mail.made.voiding.mark_uncollectible(CYCLE, "moved away", actor=ACTOR)
    assert comes_to(mail.made) == {"bad_debt": 3100, "fees": -3100}
    mail.pay()
    mail.deliver()
    assert comes_to(mail.made) == {"cash": 3100, "fees": -3100}


def test_a_void_takes_everything_back_and_the_next_revision_stands_for_itself() -> None:
    made = world()
    void_and_reissue(made)
    ids = [each.id for each in journal(made)]
    assert ids[1:] == [f"{CYCLE}/invoice", f"{CYCLE}/void", f"{CYCLE}#2/invoice"]
    assert comes_to(made) == {"credits_granted": 1000, "fees": -1000}
    assert made.invoice().total == 0


def test_a_void_of_the_dashboard_is_booked_once_however_it_is_decided() -> None:
    mail = Mail()
    mail.board.act(mail.invoice, "void")
    mail.deliver()
    assert comes_to(mail.made) == {}
    mail.made.voiding.void(CYCLE, "forgive", "it was a test", actor=ACTOR)
    assert [id_ for id_, _ in told(mail.made, "void")] == [f"{CYCLE}/void"]


def test_windows_that_tile_have_every_transaction_once() -> None:
    made = world()
    late_facts(made)
    cuts = [None, JANUARY, FEBRUARY, FEBRUARY + timedelta(hours=12), None]
    parts = [
        each
        for start, end in pairwise(cuts)
        for each in journal(made, Window(start=start, end=end))
    ]
    assert sorted(parts, key=lambda each: each.place) == journal(made)
    with pytest.raises(InvalidInput, match="after from"):
        Window(start=FEBRUARY, end=JANUARY)


def test_one_organization_may_be_asked_for() -> None:
    made = world()
    made.register("other")
    january_with_a_seat(made)
    found = exporting(made)
    assert list(found.journal(EVER, "acme")) == journal(made)
    assert list(found.journal(EVER, "other")) == []
    with pytest.raises(NotFound):
        found.journal(EVER, "nobody")
