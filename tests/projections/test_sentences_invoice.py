"""What support reads of an invoice: amounts by hand, payment, correction; in its currency."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.events.amounts import (
    Ahead,
    AmountOverridden,
    DiscountEnded,
    DiscountGranted,
    HandedOver,
    Level,
    LineWaived,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceFinalized,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from projections.history import describe
from tests.january import FEBRUARY, MARCH, day

AT = day(10)
FEE = Ahead("a1", "base@1", Decimal(1), 3100, FEBRUARY, MARCH, "coming/a1/base@1")
LEVEL = Level("disk", "a1", {}, Decimal(5))
DISCOUNT = DiscountGranted(at=AT, discount="d1", reason="loyal", percent=Decimal("12.50"))
NOTE = CreditNoteIssued(
    at=AT,
    note="n1",
    amount=1000,
    lines={"usage/a1/cpu@1": 600, "fee/a1/base@1": 400},
    reason="wrong price",
    tax=190,
    reduce_due=500,
    refund=690,
)


def case(title: str, event: object, sentence: str) -> Any:
    return pytest.param(event, sentence, id=title)


AMOUNTS = [
    case(
        "percent off everything until it is ended",
        DISCOUNT,
        "Discount d1 granted: 12.5% off, until it is ended (loyal)",
    ),
    case(
        "an amount off some prices for some invoices",
        replace(DISCOUNT, percent=None, amount=500, prices=("base", "cpu"), cycles=3),
        "Discount d1 granted: 5.00 USD off base and cpu, on 3 invoices from this one on (loyal)",
    ),
    case(
        "a discount that goes on for the last time",
        replace(DISCOUNT, cycles=1, carried=True),
        "Discount d1 carried over from the cycle before: 12.5% off, on this invoice (loyal)",
    ),
    case(
        "a discount ended",
        DiscountEnded(at=AT, discount="d1", reason="moved to another plan"),
        "Discount d1 ended, on this invoice too (moved to another plan)",
    ),
    case(
        "a waived line",
        LineWaived(at=AT, line="usage/a1/cpu@1", amount=310, reason="runaway job"),
        "3.10 USD of usage/a1/cpu@1 waived; later usage adds on (runaway job)",
    ),
    case(
        "an amount set",
        AmountOverridden(at=AT, line="fee/a1/x@1", amount=1000, difference=-310, reason="agreed"),
        "Line fee/a1/x@1 set to 10.00 USD, -3.10 USD; later usage adds on (agreed)",
    ),
    case(
        "an amount set for good",
        AmountOverridden(at=AT, line="fee/a1/x@1", amount=1000, difference=None, reason="agreed"),
        "Line fee/a1/x@1 set to 10.00 USD for good (agreed)",
    ),
    case(
        "much handed over",
        HandedOver(at=AT, cycle="acme.2026-01-01", amount=-310, ahead=(FEE,), levels=(LEVEL,) * 2),
        "acme.2026-01-01 settled; it leaves -3.10 USD carried over, 1 fee billed ahead "
        "(31.00 USD) and 2 usage levels to go on from",
    ),
    case(
        "nothing handed over",
        HandedOver(at=AT, cycle="acme.2026-01-01", amount=0),
        "acme.2026-01-01 settled; it leaves nothing to take over",
    ),
]


OUTCOMES = [
    case(
        "issued where nothing is owed",
        InvoiceFinalized(at=AT, total=0),
        "Invoice issued over 0.00 USD, in our books alone: nothing is owed at Stripe",
    ),
    case(
        "a payment to confirm",
        PaymentActionRequired(at=AT),
        "The customer has to confirm the payment",
    ),
    case(
        "a failed attempt",
        PaymentFailed(at=AT, attempt=1, reason="the card expired", next_attempt_at=day(13)),
        "Payment attempt 1 failed: the card expired; next attempt 2026-01-13 00:00 UTC",
    ),
    case(
        "the last failed attempt",
        PaymentFailed(at=AT, attempt=4, reason="the card expired"),
        "Payment attempt 4 failed: the card expired; no further attempt is planned",
    ),
    case(
        "a part paid",
        PaymentRecorded(at=AT, amount=310, reference="pi_1"),
        "Payment of 3.10 USD received (pi_1)",
    ),
    case("past due", InvoicePastDue(at=AT), "Invoice past due: not paid by its due date"),
    case(
        "voided to be reissued, revision not known",
        InvoiceVoided(at=AT, reason="wrong price", mode="reissue"),
        "Voided to be reissued: wrong price",
    ),
    case(
        "voided and forgiven",
        InvoiceVoided(at=AT, reason="goodwill", mode="forgive"),
        "Voided, and what it was for written off: goodwill",
    ),
    case(
        "voided at Stripe",
        InvoiceVoided(at=AT, reason="voided in the Dashboard"),
        "Voided: voided in the Dashboard; a person decides whether it is reissued or forgiven",
    ),
    case(
        "a credit note with tax, in two ways",
        NOTE,
        "Credit note n1 of 10.00 USD plus 1.90 USD tax on 2 lines: wrong price; "
        "5.00 USD less to pay and 6.90 USD refunded",
    ),
    case(
        "a refund",
        RefundRecorded(at=AT, refund="re_1", amount=310, reason="duplicate"),
        "3.10 USD refunded, re_1: duplicate",
    ),
    case(
        "a refund without a reason",
        RefundRecorded(at=AT, refund="re_1", amount=310, reason=""),
        "3.10 USD refunded, re_1",
    ),
    case(
        "a refund that did not arrive",
        RefundFailed(at=AT, refund="re_1", amount=310, reason="expired or canceled card"),
        "Refund re_1 of 3.10 USD did not arrive (expired or canceled card): "
        "pay it back another way",
    ),
    case(
        "a credit note taken back",
        CreditNoteVoided(at=AT, note="n1", amount=1000, tax=190),
        "Credit note n1 taken back: 11.90 USD asked for again",
    ),
    case(
        "a dispute",
        DisputeOpened(at=AT, dispute="dp_1", amount=310, reason="fraudulent"),
        "Payment of 3.10 USD disputed at the bank, dp_1: fraudulent",
    ),
    case(
        "a dispute lost", DisputeClosed(at=AT, dispute="dp_1", outcome="lost"), "Dispute dp_1 lost"
    ),
    case(
        "a dispute in Stripe's words",
        DisputeClosed(at=AT, dispute="dp_1", outcome="warning_closed"),
        "Dispute dp_1 closed: warning_closed",
    ),
]


@pytest.mark.parametrize(("event", "sentence"), [*AMOUNTS, *OUTCOMES])
def test_support_reads(event: object, sentence: str) -> None:
    assert describe(event, "usd") == sentence


@pytest.mark.parametrize(
    ("currency", "sentence"),
    [
        pytest.param("jpy", "310 JPY paid", id="no decimals"),
        pytest.param("kwd", "0.310 KWD paid", id="three decimals"),
        pytest.param("", "310 minor units paid", id="a currency not known"),
    ],
)
def test_amounts_are_told_in_their_currency(currency: str, sentence: str) -> None:
    assert describe(InvoicePaid(at=AT, amount=310), currency) == sentence
