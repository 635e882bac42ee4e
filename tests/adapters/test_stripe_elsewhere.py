"""What others billed through Stripe, as it is read: whole, and only what is theirs and final."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.biller import Biller, line, priced
from tests.world import World

JANUARY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def test_customers_come_with_what_names_them() -> None:
    made = World()
    biller = Biller(made.client)
    biller.customer("Acme", metadata={"organization": "acme"})
    biller.customer("Globex", email=None)
    (page,) = made.gateway.elsewhere.customers()
    told = [(each.name, each.email, each.organization, each.currency) for each in page]
    assert sorted(told, key=str) == [
        ("Acme", "ada@acme.example", "acme", None),
        ("Globex", None, None, None),
    ]


def test_more_customers_than_a_page_holds() -> None:
    made = World()
    ids = [made.client.v1.customers.create({"name": f"c{number}"}).id for number in range(130)]
    pages = list(made.gateway.elsewhere.customers())
    assert [len(page) for page in pages] == [100, 30]
    assert {each.id for page in pages for each in page} == set(ids)


def test_an_invoice_comes_with_all_its_lines_and_what_they_are_of() -> None:
    made = World()
    biller = Biller(made.client)
    customer, price = biller.customer(), biller.price("compute", "2.5")
    rows = [line(f"Fee {number}", 100, *JANUARY) for number in range(14)]
    made.sandbox.dashboard.tax(10)
    id_ = biller.bill(customer, *rows, priced(price, "12.5", *JANUARY))
    biller.pay(id_)
    found = made.gateway.elsewhere.invoice(id_)
    assert found is not None and len(found.lines) == 15
    of_price = found.lines[-1]
    assert (of_price.price, of_price.product) == (price, "compute")
    assert (of_price.amount, of_price.quantity) == (31, Decimal("12.5"))
    assert found.lines[0].quantity is None
    assert (found.subtotal, found.tax, found.total, found.amount_paid) == (1431, 143, 1574, 1574)
    assert (found.status, found.period.start, found.period.end) == ("paid", *JANUARY)


def test_a_discount_of_the_whole_invoice_is_read() -> None:
    made = World()
    biller = Biller(made.client)
    draft = biller.draft(biller.customer(), line("Fee", 1000, *JANUARY))
    made.sandbox.dashboard.discount(draft, percent_off=10)
    made.client.v1.invoices.finalize_invoice(draft)
    found = made.gateway.elsewhere.invoice(draft)
    assert found is not None
    assert (found.subtotal, found.discount, found.total) == (1000, 100, 900)


def test_drafts_our_own_and_what_is_gone_are_not_theirs() -> None:
    made = World()
    biller = Biller(made.client)
    customer = biller.customer()
    draft = biller.draft(customer, line("Fee", 1000, *JANUARY))
    own = biller.draft(customer, line("Fee", 1000, *JANUARY))
    made.client.v1.invoices.update(own, {"metadata": {"cycle_id": "acme.2026-01-01"}})
    made.client.v1.invoices.finalize_invoice(own)
    elsewhere = made.gateway.elsewhere
    assert [elsewhere.invoice(each) for each in (draft, own, "in_none")] == [None] * 3
    (page,) = elsewhere.invoices(made.now, made.now + timedelta(days=1))
    assert {each.id: (each.final, each.ours) for each in page} == {
        draft: (False, False),
        own: (True, True),
    }
