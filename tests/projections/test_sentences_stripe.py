"""What support reads of an invoice's life at Stripe, among the story of its cycle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CreditNoteObserved,
    CustomerFound,
    Discrepancy,
    DiscrepancyFound,
    DiscrepancyResolved,
    HeldLine,
    InvoiceObserved,
    InvoiceProvedEqual,
    InvoiceVoidedAtStripe,
    StripeInvoiceFinalized,
    SyncApplied,
    SyncFailed,
    SyncPlanned,
)
from projections.history import describe
from tests.january import FEBRUARY, JANUARY, day
from tests.world import world

AT = day(10, 12) + timedelta(minutes=4)
LINE = HeldLine(
    key="fee/a1/base@1", line="il_1", amount=3100, start=JANUARY, end=FEBRUARY, description="Base"
)
PLAN = SyncPlanned(
    plan=1, revision=1, digest="d", subtotal=59311, changes=("+", "-"), calls=1, forced=False
)
CALL = CallAttempted(
    plan=1,
    purpose="add_lines",
    key="k",
    method="POST",
    endpoint="/v1/invoices/in_1/add_lines",
    parameters={},
    revision=1,
    attempted_at=AT,
)
ANSWER = CallAnswered(key="k", status=200, reference="in_1", request=None, code=None, message=None)
SEEN = InvoiceObserved(
    invoice="in_1",
    revision=1,
    customer="cus_1",
    currency="usd",
    status="draft",
    subtotal=59311,
    total=59311,
    digest="d",
    changed=(LINE,) * 3,
    gone=("fee/a2/base@1",),
    foreign=(),
)
PROOF = InvoiceProvedEqual(
    invoice="in_1",
    status="draft",
    revision=1,
    digest="d",
    lines=14,
    subtotal=59311,
    total=59311,
    foreign=0,
    read_at=AT,
)
FINAL = StripeInvoiceFinalized(
    invoice="in_1",
    revision=1,
    number="A-1",
    subtotal=1000,
    tax=190,
    total=1190,
    amount_due=1190,
    due_at=None,
    finalized_at=AT,
    by_us=True,
)
DIFFERS = Discrepancy(kind="amount", key="fee/a1/base@1", ours="3100", theirs="100")


def case(title: str, event: object, sentence: str) -> Any:
    return pytest.param(event, sentence, id=title)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        case("a plan", PLAN, "Stripe's copy: 2 changes in 1 call planned, to come to 593.11 USD"),
        case(
            "a plan that had refused itself",
            replace(PLAN, forced=True),
            "Stripe's copy: 2 changes in 1 call planned, to come to 593.11 USD; "
            "a person told it to, unsafe or not",
        ),
        case("a call", CALL, "Stripe is asked to put lines on the draft"),
        case("an answer", ANSWER, "Stripe did as asked (in_1)"),
        case(
            "a refusal",
            replace(ANSWER, status=402, message="Your card was declined."),
            "Stripe refused: Your card was declined",
        ),
        case("a refusal without a word", replace(ANSWER, status=400), "Stripe refused: status 400"),
        case(
            "no answer",
            CallAbandoned(key="k"),
            "Stripe never answered, and it is too late to ask again: what it did is read back",
        ),
        case("a customer", CustomerFound(customer="cus_1"), "Stripe customer cus_1 found"),
        case(
            "a credit note",
            CreditNoteObserved(note="n1", stripe_note="cn_1"),
            "Credit note n1 found at Stripe as cn_1",
        ),
        case(
            "all calls answered",
            SyncApplied(plan=1, writes=2),
            "Stripe's copy: changed by 2 calls, not proved yet",
        ),
        case(
            "a sync in vain",
            SyncFailed(plan=1, code="no_such_customer", message="There is no such customer."),
            "Stripe's copy could not be changed: There is no such customer (no_such_customer)",
        ),
        case(
            "lines changed",
            SEEN,
            "Stripe's copy: 3 lines changed, 1 line gone and in_1 is draft at 593.11 USD",
        ),
        case(
            "only its state",
            replace(SEEN, changed=(), gone=(), status="paid"),
            "Stripe's copy: in_1 is paid at 593.11 USD",
        ),
        case(
            "a proof",
            PROOF,
            "Stripe's copy: proved equal at 2026-01-10 12:04 UTC, 14 lines and 593.11 USD",
        ),
        case(
            "a proof with a line of others",
            replace(PROOF, foreign=1),
            "Stripe's copy: proved equal at 2026-01-10 12:04 UTC, 14 lines and 593.11 USD, "
            "with 1 line of others",
        ),
        case(
            "nothing to prove",
            replace(PROOF, invoice=None, status=None, policy="nothing is owed"),
            "Nothing at Stripe, by policy, proved at 2026-01-10 12:04 UTC (nothing is owed)",
        ),
        case(
            "a difference",
            DiscrepancyFound(invoice="in_1", discrepancy=DIFFERS),
            "Stripe differs from the books: amount fee/a1/base@1: ours 3100, Stripe's 100",
        ),
        case(
            "a difference that is gone",
            DiscrepancyResolved(discrepancy=DIFFERS.id, how="a sync put it right"),
            "Stripe no longer differs in amount/fee/a1/base@1: a sync put it right",
        ),
        case(
            "finalized", FINAL, "Invoice A-1 finalized at Stripe over 11.90 USD, 1.90 USD of it tax"
        ),
        case(
            "finalized by others",
            replace(FINAL, number=None, tax=0, by_us=False),
            "Invoice finalized at Stripe over 11.90 USD, and not by us",
        ),
        case(
            "void",
            InvoiceVoidedAtStripe(invoice="in_1", revision=1, wanted=True),
            "Invoice in_1 is void at Stripe",
        ),
        case(
            "void by others",
            InvoiceVoidedAtStripe(invoice="in_1", revision=1),
            "Invoice in_1 is void at Stripe, and not by us",
        ),
    ],
)
def test_support_reads(event: object, sentence: str) -> None:
    assert describe(event, "usd") == sentence


def test_a_sync_is_told_in_its_place_page_by_page() -> None:
    made, cycle = world(), "acme.2026-01-01"
    made.attach("a1", "machine", day(1))
    made.reconciler.sync(cycle, "sync")
    made.later(hours=1)
    made.item("set-up", 4900, made.now)
    told = made.invoices.history(cycle)
    assert [entry.actor for entry in told] == ["test"] * 2 + ["sync"] * (len(told) - 3) + ["test"]
    assert told[2].what.startswith("Stripe's copy: ")
    assert told[-2].what.startswith("Stripe's copy: proved equal at 2026-01-01 00:00 UTC, 1 line")
    assert [entry.position for entry in told] == sorted({entry.position for entry in told})
    pages, after = [], 0
    while page := made.invoices.history(cycle, after=after, limit=3):
        pages += page
        after = page[-1].position
    assert tuple(pages) == told
