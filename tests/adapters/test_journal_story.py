"""A month without Stripe: the same use cases over the journal, down to the audit."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.records import PostgresCycleRecords
from application.changing import Carrying
from application.exporting import Exporting, Window
from application.gateway import CreditNote
from application.paying import NewPayment, Paying
from domain.errors import InvalidInput, RuleViolation
from projections.journal.transactions import Transaction, balances
from tests.january import FEBRUARY, JANUARY
from tests.reconciled_world import Reconciled, reconciled_world
from tests.world import ACTOR, World, january

CYCLE = "acme.2026-01-01"


@pytest.fixture
def case(database_url: str) -> Iterator[Reconciled]:
    with reconciled_world(database_url, journal=True) as case:
        yield case


@pytest.fixture
def made(case: Reconciled) -> World:
    """acme, whose January is issued; it pays by transfer, within two weeks."""
    made = case.made
    made.register(policies={"collection": "send_invoice", "days_until_due": 14})
    january(made)
    return made


def paying(made: World) -> Paying:
    carrying = Carrying(made.books)
    return Paying(made.gateway, made.reconciler.observe, made.stripe, carrying, made.clock)


def status(made: World) -> str:
    """Of the cycle, by its own clock."""
    asked = made.books.snapshot("acme", CYCLE).asked
    assert asked is not None
    return asked.cycle.status.value


def pay(made: World, amount: int, reference: str = "bank 1", by: str = "ada") -> str:
    payment = NewPayment(amount=amount, reference=reference, received_at=made.now)
    return paying(made).note(CYCLE, payment, actor=by).effect


def journal(case: Reconciled) -> list[Transaction]:
    database = case.stored.database
    exporting = Exporting(
        case.made.books,
        case.stored.log,
        PostgresCycleRecords(database),
        PostgresDirectory(database),
    )
    return list(exporting.journal(Window()))


def comes_to(case: Reconciled, *roles: str) -> list[int]:
    """What is on some accounts in the end, by what they are for."""
    found: Counter[str] = Counter()
    for (account, _), amount in balances(journal(case)).items():
        found[account.role.value] += amount
    assert found["unexplained"] == 0
    return [found[role] for role in roles]


def test_an_invoice_is_issued_with_a_number_of_the_journals_own(made: World) -> None:
    view = made.invoice()
    assert (status(made), view.number, view.tax) == ("issued", "J-000001", 0)
    assert (view.stripe.state, view.total) == ("in_step", view.invoice.subtotal)
    assert view.due_at == view.issued_at + timedelta(days=14)


def test_a_payment_noted_by_hand_is_in_the_books_with_who_noted_it(
    case: Reconciled, made: World
) -> None:
    total = made.invoice().total
    assert pay(made, 1000) == "recorded"
    assert pay(made, 1000) == "nothing"
    assert pay(made, total - 1000, "bank 2", by="bob") == "recorded"
    view = made.invoice()
    assert (view.status, view.amount_paid, view.amount_remaining) == ("paid", total, 0)
    told = [(each.actor, type(each.event).__name__) for each in made.books.history(CYCLE)[-3:]]
    assert told == [("ada", "PaymentRecorded"), ("bob", "PaymentRecorded"), ("bob", "InvoicePaid")]
    assert comes_to(case, "cash", "receivable") == [total, 0]


def test_what_cannot_have_been_paid_changes_nothing(made: World) -> None:
    before = len(made.books.history(CYCLE))
    total = made.invoice().total
    with pytest.raises(RuleViolation, match=f"only {total} minor units are left"):
        pay(made, total + 1)
    with pytest.raises(InvalidInput, match="above zero"):
        pay(made, 0)
    payment = NewPayment(amount=1, reference="x", received_at=made.now + timedelta(days=1))
    with pytest.raises(InvalidInput, match="must not lie ahead"):
        paying(made).note(CYCLE, payment, actor=ACTOR)
    with pytest.raises(RuleViolation, match="no issued invoice"):
        paying(made).note(
            "acme.2026-02-01",
            NewPayment(amount=1, reference="x", received_at=made.now),
            actor=ACTOR,
        )
    assert len(made.books.history(CYCLE)) == before


def test_where_stripe_collects_nothing_is_noted_by_hand(made: World) -> None:
    collected = Paying(None, made.reconciler.observe, made.stripe, Carrying(made.books), made.clock)
    payment = NewPayment(amount=1, reference="x", received_at=made.now)
    with pytest.raises(RuleViolation, match="collected by Stripe"):
        collected.note(CYCLE, payment, actor=ACTOR)


def test_a_note_and_a_void_go_through_the_same_use_cases(case: Reconciled, made: World) -> None:
    line = next(each for each in made.invoice().invoice.lines if each.amount > 200)
    note = CreditNote(id="n1", lines={line.key: 200}, reason="an outage", reduce_due=200)
    made.crediting.issue(CYCLE, note, actor=ACTOR)
    owed = made.invoice().amount_remaining
    assert owed == made.invoice().total - 200
    assert comes_to(case, "receivable") == [owed]


def test_a_void_invoice_is_issued_anew_with_the_next_number(case: Reconciled, made: World) -> None:
    made.voiding.void(CYCLE, "reissue", "the wrong address", actor=ACTOR)
    made.later(minutes=5)
    made.advance()
    view = made.invoice()
    assert (status(made), view.number, view.invoice.revision) == ("issued", "J-000002", 2)
    assert comes_to(case, "receivable") == [view.amount_remaining]


def test_an_invoice_not_paid_in_time_is_past_due_and_may_be_given_up(
    case: Reconciled, made: World
) -> None:
    made.travel(FEBRUARY + timedelta(days=20))
    made.advance()
    assert status(made) == "past_due"
    made.voiding.mark_uncollectible(CYCLE, "insolvent", actor=ACTOR)
    assert comes_to(case, "bad_debt", "receivable") == [made.invoice().total, 0]


def test_a_reconciliation_finds_the_journal_equal_and_a_changed_line_in_it(
    case: Reconciled, made: World
) -> None:
    pay(made, made.invoice().total)
    made.item("repair", 900, made.now)
    made.reconciler.sync("acme.2026-02-01", "worker")
    report = case.sweep()
    assert (report.findings, report.done, report.listed) == (0, 2, 2)
    case.stored.change("UPDATE journal_line SET amount = amount + 7 WHERE key LIKE 'fee/%'")
    assert case.sweep().findings > 0
    assert {kind for kind, *_ in case.told()} == {"amount"}


def test_a_payment_that_only_the_processor_knows_is_noted_by_a_reconciliation(
    case: Reconciled, made: World
) -> None:
    total, invoice = made.invoice().total, made.invoice().stripe.invoice
    assert invoice
    made.gateway.take_payment(invoice, total, "bank 1", made.now, "ada")
    assert case.sweep(repair=True).repaired == 1
    assert (made.invoice().status, pay(made, total)) == ("paid", "nothing")
    assert case.sweep().clean


def test_a_crash_between_the_processor_and_the_books_is_mended_by_saying_it_again(
    made: World,
) -> None:
    total, invoice = made.invoice().total, made.invoice().stripe.invoice
    assert invoice
    made.gateway.take_payment(invoice, total, "bank 1", made.now, "ada")
    assert (status(made), pay(made, total)) == ("issued", "recorded")
    assert status(made) == "paid"


def test_an_organization_is_linked_to_its_customer_and_there_is_no_portal(made: World) -> None:
    customer = made.books.snapshot("acme").organization.stripe_customer
    assert customer and made.gateway.find_customer("acme", JANUARY) == customer
    assert made.gateway.customer(customer).organization == "acme"
    with pytest.raises(RuleViolation, match="no customer portal"):
        made.gateway.portal_url(customer, "https://example.com")
