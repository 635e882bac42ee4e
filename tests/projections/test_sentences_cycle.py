"""What support reads of a cycle: what is attached, what is used, what became known late."""

from decimal import Decimal
from typing import Any

import pytest

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
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from projections.history import describe
from tests.january import FEBRUARY, JANUARY, day, opened

AT = day(10)
RECORD = PackedRecord(
    "fra-7", "r-17", "cpu", "a1", "12.5", micros(day(5, 10)), {"region": "fra", "job": "x"}
)
BECOMES = RECORD._replace(value="1.25", properties={"region": "ber", "job": "x"})
CORRECTED: dict[str, Any] = {"at": day(5, 10), "source": "fra-7", "id": "r-17", "record": RECORD}
LATE = LateLine("usage/a1/cpu@1", "CPU", 300, 900, 500, 100, JANUARY, FEBRUARY, "cpu@1", "a1")


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


@pytest.mark.parametrize(("event", "sentence"), [*CYCLE, *USAGE, *LATE_FACTS])
def test_support_reads(event: object, sentence: str) -> None:
    assert describe(event, "usd") == sentence
