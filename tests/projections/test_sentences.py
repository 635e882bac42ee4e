"""What support reads of each event: titled sentences, amounts in the currency of the books."""

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
from domain.events.catalog import MeterDefined, PriceOverridden, PriceOverrideEnded, PriceRetired
from domain.events.cycle import (
    ApprovalGiven,
    ApprovalRequested,
    CycleClosing,
    CycleHeld,
    PriceCorrected,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
)
from domain.events.late import (
    CorrectionReverted,
    LateAmountsBilled,
    LateFactsBilled,
    LateFactsReopened,
    LateLine,
    LateProposalAccepted,
    UsageCorrected,
    UsageRetracted,
)
from domain.events.organization import (
    CreditExpired,
    CurrencyChanged,
    OrganizationClosed,
    OrganizationReopened,
)
from domain.events.outcome import (
    CreditNoteIssued,
    DisputeClosed,
    DisputeOpened,
    InvoiceFinalized,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundRecorded,
)
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from projections.history import describe
from tests.january import FEBRUARY, JANUARY, MARCH, day, opened

AT = day(10)
RECORD = PackedRecord(
    "fra-7", "r-17", "cpu", "a1", "12.5", micros(day(5, 10)), {"region": "fra", "job": "x"}
)
BECOMES = RECORD._replace(value="1.25", properties={"region": "ber", "job": "x"})
CORRECTED: dict[str, Any] = {"at": day(5, 10), "source": "fra-7", "id": "r-17", "record": RECORD}
LATE = LateLine("usage/a1/cpu@1", "CPU", 300, 900, 500, 100, JANUARY, FEBRUARY, "cpu@1", "a1")
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


CYCLE = [
    case(
        "a first, short period",
        opened(day(11), full_start=JANUARY),
        "Billing cycle acme.2026-01-11 opened, from 2026-01-11 00:00 UTC to 2026-02-01 00:00 UTC, "
        "in USD, part of the full period from 2026-01-01 00:00 UTC to 2026-02-01 00:00 UTC",
    ),
    case(
        "a swap",
        ServiceSwapped(
            at=AT,
            attachment="a1",
            service="large",
            name="Large machine",
            quantity=Decimal(3),
            prices=("base@2", "cpu@2"),
        ),
        "a1 is Large machine × 3 from here on at base@2, cpu@2",
    ),
    case(
        "a trial",
        TrialStarted(at=AT, attachment="a1", until=day(20)),
        "a1 is on trial until 2026-01-20 00:00 UTC: no recurring fees",
    ),
    case(
        "a trial that goes on",
        TrialStarted(at=AT, attachment="a1", until=day(20), carried=True),
        "a1 is on trial until 2026-01-20 00:00 UTC: no recurring fees, carried over from the "
        "cycle before",
    ),
    case(
        "a trial ended",
        TrialEnded(at=AT, attachment="a1"),
        "Trial of a1 ended before its time",
    ),
    case(
        "a corrected price",
        PriceCorrected(at=AT, wrong="cpu@1", right="cpu@2", reason="a digit too many"),
        "Price cpu@1 was wrong: what it rated in this cycle is rated by cpu@2 (a digit too many)",
    ),
    case(
        "a hold with an owner and a review",
        CycleHeld(at=AT, kind="person", reason="unclear", owner="ann", review_at=day(12)),
        "Held by a person: unclear; ann looks into it; to be reviewed by 2026-01-12 00:00 UTC",
    ),
    case(
        "a hold of a check",
        CycleHeld(at=AT, kind="plan", reason="would remove 40 of 50 lines"),
        "Held by its plan: would remove 40 of 50 lines",
    ),
    case(
        "billed now",
        CycleClosing(at=AT, reason="bill now"),
        "The period was ended early: bill now; late usage is still taken",
    ),
    case(
        "approval asked for",
        ApprovalRequested(at=AT, digest="d", subtotal=123456),
        "The invoice of 1,234.56 USD waits for a person's approval",
    ),
    case(
        "approved",
        ApprovalGiven(at=AT, digest="d", reason="as agreed"),
        "Invoice approved: as agreed",
    ),
]

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


def used(*tallies: HeaderTally) -> UsageRecorded:
    return UsageRecorded(lo=RECORD.at, hi=RECORD.at, tallies=tallies, records=(RECORD,))


TALLY = HeaderTally("cpu", "a1", {"region": "fra"}, 1, "12.5", RECORD.at, RECORD.at)
USAGE = [
    case("one record", used(TALLY), "1 usage record: 12.5 cpu (a1, region fra)"),
    case(
        "a record that the meter does not count",
        used(TALLY._replace(attachment="!", dimensions={})),
        "1 usage record: 12.5 cpu (left out by the meter's filter)",
    ),
    case(
        "more than anybody reads",
        used(*[TALLY._replace(attachment="", dimensions={})] * 7),
        "1 usage record: 12.5 cpu; 12.5 cpu; 12.5 cpu; 12.5 cpu; 12.5 cpu; and 2 more",
    ),
]

LATE_FACTS = [
    case(
        "a record retracted",
        UsageRetracted(**CORRECTED, reason="sent twice by mistake"),
        "Usage record r-17 of fra-7 retracted: sent twice by mistake "
        "(12.5 cpu of a1 at 2026-01-05 10:00 UTC)",
    ),
    case(
        "a record corrected",
        UsageCorrected(**CORRECTED, becomes=BECOMES, reason="a digit too many"),
        "Usage record r-17 of fra-7 corrected: a digit too many "
        "(12.5 cpu of a1 at 2026-01-05 10:00 UTC becomes 1.25 cpu of a1 at 2026-01-05 10:00 UTC; "
        "region fra becomes ber)",
    ),
    case(
        "a correction taken back",
        CorrectionReverted(**CORRECTED, reason="it was right"),
        "Usage record r-17 of fra-7 counts as it was recorded again: it was right "
        "(12.5 cpu of a1 at 2026-01-05 10:00 UTC)",
    ),
    case(
        "late amounts on this invoice",
        LateAmountsBilled(at=AT, cycle="acme.2026-01-01", lines=(LATE, LATE._replace(amount=10))),
        "Late facts of acme.2026-01-01 billed here: +3.10 USD in 2 lines",
    ),
    case(
        "late facts on another invoice",
        LateFactsBilled(at=AT, by="acme.2026-02-01", lines={"a": 310}),
        "Late facts billed on acme.2026-02-01: +3.10 USD in 1 line",
    ),
    case(
        "late facts on a credit note",
        LateFactsBilled(at=AT, by="note/n1", lines={"a": -310}, open=True),
        "Late facts corrected by credit note n1: -3.10 USD in 1 line; the rest waits for a "
        "person's decision",
    ),
    case(
        "late facts written off",
        LateFactsBilled(at=AT, by="person", lines={"a": 310}, reason="too late"),
        "Late facts written off by a person: +3.10 USD in 1 line (too late)",
    ),
    case(
        "late facts open again",
        LateFactsReopened(at=AT, by="acme.2026-02-01"),
        "Late facts billed on acme.2026-02-01 are open again: that invoice is void",
    ),
    case(
        "a late amount agreed to",
        LateProposalAccepted(at=AT, line="usage/a1/cpu@1", reason="the waiver was for less"),
        "Late amount of usage/a1/cpu@1 will be billed, though the line had been adjusted by hand "
        "(the waiver was for less)",
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

OTHERS = [
    case(
        "a credit expired",
        CreditExpired(at=AT, credit="sorry", amount=310),
        "Credit sorry expired: 3.10 USD of it were not used",
    ),
    case(
        "another currency",
        CurrencyChanged(at=AT, currency="eur"),
        "Billed in EUR once the open cycle ends",
    ),
    case(
        "an organization closed",
        OrganizationClosed(at=AT, reason="contract ended"),
        "Organization closed: contract ended; a final invoice follows",
    ),
    case(
        "an organization reopened",
        OrganizationReopened(at=AT, reason="back again"),
        "Organization reopened: back again; a new cycle begins",
    ),
    case(
        "a meter of some records",
        MeterDefined(
            at=AT,
            meter="disk",
            version=2,
            aggregation="time_weighted",
            unit="gb",
            dimensions=("region",),
            filter={"kind": ("ssd", "nvme")},
            carry_over=True,
        ),
        "Meter disk version 2 defined: time_weighted in gb, kept apart by region, only where kind "
        "is ssd or nvme, the last value holds on into the next cycle",
    ),
    case(
        "a price retired",
        PriceRetired(at=AT, price="cpu"),
        "Price cpu retired: what is attached keeps it, nothing new gets it",
    ),
    case(
        "a price for one organization",
        PriceOverridden(at=AT, price="cpu", organization="acme", version=1, terms={}),
        "Organization acme gets price cpu at its own terms, cpu@1.acme",
    ),
    case(
        "a price as everybody gets it",
        PriceOverrideEnded(at=AT, price="cpu", organization="acme"),
        "Organization acme gets price cpu as everybody does again",
    ),
]


@pytest.mark.parametrize(
    ("event", "sentence"), [*CYCLE, *AMOUNTS, *USAGE, *LATE_FACTS, *OUTCOMES, *OTHERS]
)
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
