"""The journal's fold, event by event: what each order of news comes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.amounts import CreditApplied
from domain.events.cycle import FinalizationStarted
from domain.events.organization import CreditExpired, CreditGranted, OrganizationRegistered
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import StripeInvoiceFinalized
from projections.journal.accounts import Account, Role, account_of
from projections.journal.cycle import CycleJournal
from projections.journal.organization import OrganizationJournal
from projections.journal.transactions import Transaction, balances
from tests.january import FEBRUARY, JANUARY, OPENED

AT = FEBRUARY
FEE, USAGE = "fee/a1/base@1", "usage/a1/cpu@2/region=fra"


def settled(**lines: int) -> FinalizationStarted:
    by_key = {"fee": FEE, "usage": USAGE, "credit": "credit/k1", "carry": "carry/out"}
    amounts = {by_key[name]: amount for name, amount in lines.items()}
    total = sum(amounts.values())
    return FinalizationStarted(at=AT, version=3, digest="", subtotal=total, lines=amounts, basis={})


def finalized(total: int, tax: int = 0) -> InvoiceFinalized:
    return InvoiceFinalized(at=AT, total=total, number="A-1", stripe_invoice="in_1", tax=tax)


def paid(amount: int, reference: str = "p1") -> PaymentRecorded:
    return PaymentRecorded(at=AT, amount=amount, reference=reference)


def note(identity: str = "n1", **ways: int) -> CreditNoteIssued:
    tax = ways.pop("tax", 0)
    amount = sum(ways.values()) - tax
    return CreditNoteIssued(
        at=AT, note=identity, amount=amount, lines={FEE: amount}, reason="sorry", tax=tax, **ways
    )


def at_stripe(amount_due: int) -> StripeInvoiceFinalized:
    return StripeInvoiceFinalized(
        invoice="in_1",
        revision=1,
        number="A-1",
        subtotal=0,
        tax=0,
        total=0,
        amount_due=amount_due,
        due_at=None,
        finalized_at=AT,
        by_us=True,
    )


ISSUED = (settled(fee=1000), finalized(1000))
WHOLE = InvoicePaid(at=AT, amount=1000)
VOID = InvoiceVoided(at=AT, reason="wrong")
GIVEN_UP = InvoiceMarkedUncollectible(at=AT)


def fold(*events: object) -> list[Transaction]:
    journal = CycleJournal()
    return [each for event in (OPENED, *events) for each in journal.take(event)]


def comes_to(*events: object) -> dict[str, int]:
    found = balances(fold(*events))
    return {account.role.value: amount for (account, _), amount in found.items() if amount}


def test_tax_is_owed_to_somebody_else() -> None:
    assert comes_to(settled(fee=1000, usage=56), finalized(1256, tax=200)) == {
        "receivable": 1256,
        "tax": -200,
        "fees": -1000,
        "usage": -56,
    }


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ([paid(1000), WHOLE], {"cash": 1000}),
        ([WHOLE, paid(1000)], {"cash": 1000}),
        ([paid(400), WHOLE, paid(600, "p2")], {"cash": 1000}),
        ([paid(400), paid(600, "p2"), WHOLE], {"cash": 1000}),
        ([paid(400)], {"cash": 400, "receivable": 600}),
        ([GIVEN_UP], {"bad_debt": 1000}),
        ([paid(400), GIVEN_UP, paid(100, "p2")], {"cash": 500, "bad_debt": 500}),
        ([GIVEN_UP, WHOLE, paid(1000)], {"cash": 1000}),
    ],
)
def test_money_is_booked_once_in_whatever_order_it_is_told(
    news: list[object], told: dict[str, int]
) -> None:
    assert comes_to(*ISSUED, *news) == {**told, "fees": -1000}


TAKEN_BACK = CreditNoteVoided(at=AT, note="n1", amount=300)
NO_MONEY = InvoicePaid(at=AT, amount=0)


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ([note(reduce_due=300)], {"receivable": 700, "fees": -700}),
        ([note(reduce_due=300), TAKEN_BACK], {"receivable": 1000, "fees": -1000}),
        ([paid(1000), note(refund=300)], {"cash": 700, "fees": -700}),
        ([paid(1000), note(credit_balance=300)], {"cash": 1000, "balance": -300, "fees": -700}),
        ([paid(1000), note(out_of_band=300)], {"cash": 1000, "elsewhere": -300, "fees": -700}),
        ([note(reduce_due=1000), NO_MONEY], {}),
        ([NO_MONEY, note(reduce_due=1000)], {}),
    ],
)
def test_a_credit_note_goes_where_it_says(news: list[object], told: dict[str, int]) -> None:
    assert comes_to(*ISSUED, *news) == told


def test_a_note_gives_tax_back_in_proportion() -> None:
    issued = (settled(fee=1000), finalized(1200, tax=200))
    assert comes_to(*issued, note(reduce_due=120, tax=20)) == {
        "receivable": 1080,
        "tax": -180,
        "fees": -900,
    }


def test_what_stripe_kept_for_a_customer_is_used_when_it_is_issued() -> None:
    issued = (settled(fee=1000), at_stripe(600), finalized(1000))
    assert comes_to(*issued) == {"receivable": 600, "balance": 400, "fees": -1000}
    assert comes_to(*issued, paid(600), InvoicePaid(at=AT, amount=600)) == {
        "cash": 600,
        "balance": 400,
        "fees": -1000,
    }
    assert comes_to(*issued, VOID) == {}


@pytest.mark.parametrize(
    "before", [[], [note(reduce_due=300)], [GIVEN_UP]], ids=["open", "credited", "given up"]
)
def test_a_void_leaves_nothing(before: list[object]) -> None:
    assert comes_to(*ISSUED, *before, VOID) == {}


def test_what_another_program_billed_is_not_in_our_accounts() -> None:
    assert comes_to(*ISSUED, InvoiceBilledElsewhere(at=AT)) == {}


def test_revisions_stand_side_by_side() -> None:
    reissue = InvoiceVoided(at=AT, reason="wrong", mode="reissue")
    found = fold(*ISSUED, VOID, reissue, settled(fee=700), finalized(700), paid(700))
    cycle = OPENED.cycle
    assert [each.id for each in found] == [
        f"{cycle}/invoice",
        f"{cycle}/void",
        f"{cycle}#2/invoice",
        f"{cycle}#2/payment/p1",
    ]


def test_money_back_without_a_note_is_a_cost_until_it_comes_back() -> None:
    gone = RefundRecorded(at=AT, refund="re_1", amount=300, reason="asked for")
    back = RefundFailed(at=AT, refund="re_1", amount=300, reason="account closed")
    assert comes_to(*ISSUED, paid(1000), gone) == {"cash": 700, "refunds": 300, "fees": -1000}
    assert comes_to(*ISSUED, paid(1000), gone, back) == {"cash": 1000, "fees": -1000}
    assert comes_to(*ISSUED, paid(1000), note(refund=300), back) == {
        "cash": 1000,
        "refunds_owed": -300,
        "fees": -700,
    }


@pytest.mark.parametrize(
    ("outcome", "told"),
    [("lost", {"cash": 700, "disputes": 300}), ("won", {"cash": 1000})],
)
def test_a_dispute_ends_one_way_or_the_other(outcome: str, told: dict[str, int]) -> None:
    opened = DisputeOpened(at=AT, dispute="dp_1", amount=300, reason="fraudulent")
    closed = DisputeClosed(at=AT, dispute="dp_1", outcome=outcome)
    held = comes_to(*ISSUED, paid(1000), opened)
    assert held == {"cash": 700, "disputed": 300, "fees": -1000}
    assert comes_to(*ISSUED, paid(1000), opened, closed) == {**told, "fees": -1000}


def test_a_credit_is_used_as_a_line_or_within_others() -> None:
    applied = CreditApplied(at=AT, credit="k1", amount=400, reason="sorry")
    as_line = (applied, settled(fee=1000, credit=-400), finalized(600))
    assert comes_to(*as_line) == {"receivable": 600, "credits": 400, "fees": -1000}
    within = (applied, settled(fee=600), finalized(600))
    found = comes_to(*within)
    assert found == {"receivable": 600, "credits": 400, "credits_granted": -400, "fees": -600}


def test_what_is_carried_passes_through() -> None:
    assert comes_to(settled(fee=30, carry=-30), finalized(0)) == {"carried": 30, "fees": -30}


def test_what_no_event_explains_is_for_everybody_to_see() -> None:
    discounted = comes_to(settled(fee=1000), finalized(900))
    assert discounted == {"receivable": 900, "unexplained": 100, "fees": -1000}


def test_credits_of_an_organization() -> None:
    journal = OrganizationJournal()
    registered = OrganizationRegistered(
        at=JANUARY, organization="acme", currency="usd", time_zone="UTC", anchor_day=1
    )
    grants = [
        CreditGranted(at=AT, credit=credit, amount=500, currency="usd", reason="sorry")
        for credit in ("k1", "carry-2026-02-01-1")
    ]
    expired = [CreditExpired(at=AT, credit="k1", amount=each) for each in (200, 0, 100)]
    found = [each for event in (registered, *grants, *expired) for each in journal.take(event)]
    assert [each.id for each in found] == [
        "acme/credit/k1",
        "acme/credit/carry-2026-02-01-1",
        "acme/credit_expired/k1",
        "acme/credit_expired/k1/2",
    ]
    told = {account.role.value: amount for (account, _), amount in balances(found).items()}
    assert told == {"credits_granted": 200, "carried": 500, "credits": -700}


@pytest.mark.parametrize(
    ("line", "role", "price"),
    [
        ("fee/a1/base@1", Role.FEES, "base"),
        ("coming/a1/rent@3", Role.AHEAD, "rent"),
        ("unused/a1/rent@3", Role.AHEAD, "rent"),
        ("usage/a1/cpu@2/region=a/b@c", Role.USAGE, "cpu"),
        ("usage/a1/cpu@1.acme", Role.USAGE, "cpu"),
        ("minimum/a1/cpu@1", Role.USAGE, "cpu"),
        ("other/cpu@1", Role.USAGE, "cpu"),
        ("once/a1/setup@1", Role.ONCE, "setup"),
        ("item/c7", Role.ITEMS, ""),
        ("discount/d1", Role.DISCOUNTS, ""),
        ("waive/item/c7", Role.ITEMS, ""),
        ("override/usage/a1/cpu@1", Role.USAGE, "cpu"),
        ("edited/fee/a1/base@1", Role.FEES, "base"),
        ("late/2026-01-01/usage/a1/cpu@1", Role.USAGE, "cpu"),
        ("stripe/il_1", Role.OTHERS, ""),
        ("late", Role.OTHERS, ""),
    ],
)
def test_each_line_has_an_account(line: str, role: Role, price: str) -> None:
    assert account_of(line) == Account(role, price)


amounts = st.integers(0, 2000)
references = st.sampled_from(["p1", "p2", "p3"])
news = st.one_of(
    st.builds(paid, amounts, references),
    amounts.map(lambda amount: InvoicePaid(at=AT, amount=amount)),
    st.builds(note, references, reduce_due=amounts, refund=amounts, credit_balance=amounts),
    references.map(lambda each: CreditNoteVoided(at=AT, note=each, amount=1)),
    amounts.map(lambda each: RefundRecorded(at=AT, refund="re", amount=each, reason="")),
    st.just(GIVEN_UP),
    st.just(VOID),
    st.just(InvoiceVoided(at=AT, reason="", mode="reissue")),
    st.builds(finalized, amounts, amounts),
    st.builds(settled, fee=amounts, usage=amounts),
)


@given(st.lists(news, max_size=12))
def test_whatever_happens_every_transaction_balances(happened: list[object]) -> None:
    found = fold(*ISSUED, *happened)
    assert all(sum(posting.amount for posting in each.postings) == 0 for each in found)
    assert all(posting.amount for each in found for posting in each.postings)
    assert fold(*ISSUED, *happened) == found
