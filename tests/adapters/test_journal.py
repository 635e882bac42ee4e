"""The journal as a processor: numbers without a gap, each write once, and nothing half done."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.postgres.database import Database
from application.gateway import StripeRequest
from domain.errors import GatewayRejected, RuleViolation
from projections.change_set import AddLine
from projections.remote_invoice import Collection
from tests.adapters.journal_writes import MARKS, OWED, again, billed, database, issued, seen, send
from tests.journal_billed import JournalBilled
from tests.stripe_memory import CYCLE, line

__all__ = ["billed", "database", "issued"]


# Numbers


def test_numbers_follow_each_other_and_a_void_one_keeps_its_own(database: Database) -> None:
    for revision in (1, 2, 3):
        billed = again(database, OWED, revision)
        billed.reconciler.void(CYCLE, "support")
    assert [each["number"] for each in billed.invoices] == ["J-000001", "J-000002", "J-000003"]
    assert {each["status"] for each in billed.invoices} == {"void"}


def test_invoices_issued_at_once_have_numbers_of_their_own(billed: JournalBilled) -> None:
    whose = billed.links["acme"]
    drafts = []
    for number in range(8):
        opened = StripeRequest(
            purpose="create",
            method="post",
            endpoint="/journal/invoices",
            parameters={
                "customer": whose,
                "currency": "usd",
                "method": "send_invoice",
                "days_until_due": "14",
                "automatic_tax": "",
                "cycle": f"c{number}",
                "revision": "1",
                "plan": "1",
                "digest": "",
            },
        )
        drafts.append(send(billed, opened, f"draft {number}").reference or "")
        added = billed.gateway.change_lines(drafts[-1], [AddLine(line=line("fee", 5))], MARKS)
        assert send(billed, added, f"line {number}").status == 200
    with ThreadPoolExecutor(4) as pool:
        finalized = pool.map(
            lambda draft: send(billed, billed.gateway.finalize(draft), f"{draft}!"), drafts
        )
        assert {each.status for each in finalized} == {200}
    assert sorted(each["number"] for each in billed.invoices) == [
        f"J-{number:06}" for number in range(1, 9)
    ]


def test_a_due_date_counts_from_when_it_was_issued(billed: JournalBilled) -> None:
    terms = Collection(method="send_invoice", days_until_due=14)
    billed.desired = replace(billed.desired, collection=terms)
    billed.reconciler.finalize(CYCLE, "scheduler")
    issue = seen(billed).issue
    assert (issue.finalized_at, issue.due_at) == (billed.now, billed.now + timedelta(days=14))


# Writes


def test_the_same_write_again_is_answered_as_before_and_done_once(issued: JournalBilled) -> None:
    void = issued.gateway.void(issued.invoice["id"])
    first = send(issued, void, "key")
    assert (first, first.status) == (send(issued, void, "key"), 200)
    other = send(issued, issued.gateway.delete(issued.invoice["id"]), "key")
    assert (other.status, other.code) == (400, "idempotency_error")
    assert send(issued, void, "another key").code == "invoice_status"


def test_one_write_sent_many_times_at_once_is_done_once(billed: JournalBilled) -> None:
    billed.reconciler.sync(CYCLE, "worker")
    added = billed.gateway.change_lines(
        billed.invoice["id"], [AddLine(line=line("extra", 5))], MARKS
    )
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda _: send(billed, added, "key"), range(8)))
    assert len(answers) == 1
    assert billed.held == {**OWED, "extra": 5}


def test_a_refused_write_leaves_nothing_behind(billed: JournalBilled) -> None:
    billed.reconciler.sync(CYCLE, "worker")
    changes = [AddLine(line=line("new", 5)), AddLine(line=line("fee", 7))]
    added = billed.gateway.change_lines(billed.invoice["id"], changes, MARKS)
    answer = send(billed, added, "key")
    assert (answer.status, answer.code) == (400, "line_exists")
    assert billed.held == OWED
    assert send(billed, added, "key") == answer


def test_what_is_not_there_is_said_so(billed: JournalBilled) -> None:
    gone = billed.gateway.delete("ji_gone")
    assert (send(billed, gone, "key").status, billed.gateway.glance("ji_gone")) == (404, None)
    assert billed.gateway.customer("jc_gone") is None


def test_a_customer_is_made_once(database: Database) -> None:
    billed = JournalBilled(database, OWED, linked=False)
    assert billed.reconciler.finalize(CYCLE, "scheduler").proof
    made = billed.links["acme"]
    assert billed.gateway.find_customer("acme", billed.now) == made
    again_ = send(billed, billed.gateway.new_customer(billed.desired.customer), "another key")
    assert again_.reference == made


def test_nobody_computes_tax(billed: JournalBilled) -> None:
    taxed = Collection(automatic_tax=True)
    billed.desired = replace(billed.desired, collection=taxed)
    with pytest.raises(GatewayRejected, match="switch the policy automatic_tax off"):
        billed.reconciler.sync(CYCLE, "worker")
    assert billed.invoices == []


def test_all_are_listed_in_pages_also_where_one_goes_meanwhile(billed: JournalBilled) -> None:
    with billed.gateway._connect() as rows:
        rows.execute(
            "INSERT INTO journal_invoice"
            " (id, customer, currency, cycle, revision, plan, method, made_at)"
            " SELECT 'ji_' || n, %s, 'usd', 'c' || n, 1, 1, 'send_invoice', %s"
            " FROM generate_series(1, 250) AS n",
            [billed.links["acme"], billed.now],
        )
    pages = billed.gateway.listed(billed.now, billed.now + timedelta(seconds=1))
    found = [each.id for each in next(pages)]
    assert send(billed, billed.gateway.delete(found[-1]), "key").status == 200
    rest = [each.id for page in pages for each in page]
    assert (len(found), len({*found, *rest})) == (100, 250)
    assert list(billed.gateway.listed(billed.now - timedelta(days=9), billed.now)) == []


# What there is not


def test_there_is_nothing_but_invoices(billed: JournalBilled) -> None:
    refused = [
        lambda: billed.gateway.portal_url("jc_1", "https://example.com"),
        lambda: billed.gateway.claim("ji_1", MARKS),
        lambda: billed.gateway.new_product(None),
        lambda: billed.gateway.size(billed.gateway.void("ji_1")),
    ]
    for ask in refused:
        with pytest.raises(RuleViolation):
            ask()
    assert billed.gateway.renewal("ji_1") is None
    assert billed.gateway.invoice_of("customer.updated", "jc_1") is None
    assert billed.gateway.invoice_of("invoice.updated", "ji_1") == "ji_1"
    assert (billed.gateway.refunds("x"), billed.gateway.disputes("x")) == ((), ())
