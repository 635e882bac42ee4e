"""From events to notices: which are told, under which kind, and with what."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from application.notices import KINDS, mailed_as
from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from domain.events.cycle import CycleClosing, UnusualLine, UnusualLinesFound
from domain.events.outcome import (
    CreditNoteIssued,
    DisputeClosed,
    DisputeOpened,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import Discrepancy, DiscrepancyFound
from projections.invoice_summary import InvoiceSummary
from projections.notices import TOLD, Notice, case_notice, notice_of

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 2, 1, 13, tzinfo=UTC)
SUMMARY = InvoiceSummary(
    cycle="acme.2026-01-01",
    organization="acme",
    currency="usd",
    starts=datetime(2026, 1, 1, tzinfo=UTC),
    ends=datetime(2026, 2, 1, tzinfo=UTC),
    status="issued",
    total=500,
    number="A-1",
)
UNUSUAL = UnusualLine(
    line="usage/a1/cpu@1", description="CPU hours", amount=912, low=90, high=130, invoices=4
)
DIFFERS = Discrepancy(kind="amount", key="item/i1", ours="5", theirs="6")
MONEY = {"amount": 5, "reason": "as agreed"}
TABLE: list[tuple[object, str, dict[str, Any]]] = [
    (
        InvoiceFinalized(
            at=AT, total=500, number="A-1", stripe_invoice="in_1", tax=80, due_at=LATER
        ),
        "invoice.issued",
        {"total": 500, "number": "A-1", "tax": 80, "due_at": "2026-02-01T13:00:00Z"},
    ),
    (InvoicePaid(at=AT, amount=500), "invoice.paid", {"amount": 500}),
    (InvoicePastDue(at=AT), "invoice.past_due", {}),
    (
        InvoiceVoided(at=AT, reason="wrong", mode="reissue"),
        "invoice.voided",
        {"mode": "reissue", "reason": "wrong"},
    ),
    (
        InvoiceVoided(at=AT, reason=""),
        "invoice.voided",
        {"mode": "undecided", "reason": ""},
    ),
    (InvoiceMarkedUncollectible(at=AT), "invoice.uncollectible", {"reason": ""}),
    (PaymentActionRequired(at=AT, attempt=2), "invoice.action_required", {"attempt": 2}),
    (
        PaymentFailed(at=AT, attempt=1, reason="declined"),
        "invoice.payment_failed",
        {"attempt": 1, "reason": "declined", "next_attempt_at": None},
    ),
    (
        CreditNoteIssued(at=AT, note="n1", lines={}, tax=1, **MONEY),
        "invoice.credited",
        {"note": "n1", "amount": 6, "reason": "as agreed"},
    ),
    (RefundRecorded(at=AT, refund="r1", **MONEY), "invoice.refunded", {"refund": "r1", **MONEY}),
    (RefundFailed(at=AT, refund="r1", **MONEY), "invoice.refund_failed", {"refund": "r1", **MONEY}),
    (
        DisputeOpened(at=AT, dispute="d1", **MONEY),
        "invoice.disputed",
        {"dispute": "d1", "status": "opened", **MONEY},
    ),
    (
        DisputeClosed(at=AT, dispute="d1", outcome="lost"),
        "invoice.disputed",
        {"dispute": "d1", "status": "closed", "outcome": "lost"},
    ),
    (
        UnusualLinesFound(at=AT, lines=(UNUSUAL,)),
        "usage.unusual",
        {"lines": [UNUSUAL._asdict()]},
    ),
    (
        DiscrepancyFound(invoice="in_1", discrepancy=DIFFERS),
        "discrepancy.found",
        {"discrepancy": "amount/item/i1", "what": "amount", "ours": "5", "theirs": "6"},
    ),
]


@pytest.mark.parametrize(("event", "kind", "said"), TABLE, ids=lambda each: str(each)[:40])
def test_an_event_is_told(event: object, kind: str, said: dict[str, Any]) -> None:
    notice = notice_of(event, SUMMARY, position=17, recorded_at=LATER)
    assert notice is not None
    assert (notice.kind, notice.organization, notice.cycle) == (kind, "acme", "acme.2026-01-01")
    assert notice.occurrence == f"{kind}/acme.2026-01-01/17"
    assert notice.at == getattr(event, "at", LATER)
    assert notice.data == {
        **said,
        "invoice": {
            "cycle": "acme.2026-01-01",
            "currency": "usd",
            "number": "A-1",
            "status": "issued",
            "total": 500,
            "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
        },
    }
    assert kind in KINDS


def test_every_event_that_is_looked_at_is_told() -> None:
    assert {type(event) for event, _, _ in TABLE} == set(TOLD)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(CycleClosing(at=AT), id="of no interest"),
        pytest.param(InvoiceFinalized(at=AT, total=500), id="another program bills it"),
    ],
)
def test_other_events_are_not_told(event: object) -> None:
    assert notice_of(event, SUMMARY, position=1, recorded_at=LATER) is None


def test_an_invoice_over_nothing_is_told_although_it_is_not_at_stripe() -> None:
    issued = InvoiceFinalized(at=AT, total=0)
    notice = notice_of(issued, SUMMARY, position=1, recorded_at=LATER)
    assert notice is not None and notice.kind == "invoice.issued"


def case(of: type[CaseEvent], **more: Any) -> CaseEvent:
    """A case's event; what people wrote must not get out."""
    given = {"at": AT, "case": "c1", "organization": "acme", "text": "t1", "seal": "SECRET", **more}
    names = {each.name for each in fields(of)}
    return of(**{name: value for name, value in given.items() if name in names})


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (case(CaseReported, by="customer", known_at=AT, cycle="acme.2026-01-01"), "case.reported"),
        (case(CaseAcknowledged), "case.acknowledged"),
        (case(CaseCommented, by="support", visibility="public"), "case.commented"),
        (case(CaseResolved, kind="explained"), "case.resolved"),
        (case(CaseReopened, by="customer"), "case.reopened"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_happens_to_a_case_is_told_without_its_words(event: CaseEvent, kind: str) -> None:
    notice = case_notice(event, position=3)
    assert notice is not None
    assert (notice.kind, notice.occurrence) == (kind, f"{kind}/c1/3")
    assert "SECRET" not in repr(notice)
    assert kind in KINDS


def test_what_support_writes_to_itself_is_not_told() -> None:
    assert case_notice(case(CaseCommented, by="support", visibility="internal"), position=1) is None


@pytest.mark.parametrize(
    ("kind", "data", "subject"),
    [
        ("invoice.issued", {"total": 500}, "billing"),
        ("invoice.issued", {"total": 0}, None),
        ("invoice.upcoming", {"total": 0}, None),
        ("invoice.paid", {}, None),
        ("case.commented", {"by": "support"}, "cases"),
        ("case.commented", {"by": "customer"}, None),
        ("alert.reached", {}, "alerts"),
        ("trouble.noticed", {}, "trouble"),
        ("sync.failed", {}, None),
    ],
)
def test_what_is_mailed(kind: str, data: dict[str, Any], subject: str | None) -> None:
    notice = Notice(kind=kind, organization="acme", occurrence="o", at=AT, data=data)
    assert mailed_as(notice) == subject
