"""What a list says of an invoice after each event."""

from dataclasses import asdict

import pytest

from domain.events.cycle import (
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleReleased,
    FinalizationStarted,
    ServiceDetached,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
)
from domain.events.stripe_invoice import InvoiceObserved, SyncFailed, SyncPlanned
from projections.invoice_summary import summary_of, updated
from tests.january import OPENED, day

PLANNED = SyncPlanned(
    plan=1, revision=1, digest="d", subtotal=31, changes=(), calls=1, forced=False
)


NOTE = CreditNoteIssued(
    at=day(34), note="n1", amount=100, lines={"a": 100}, reason="why", reduce_due=119, tax=19
)


def observed(status: str) -> InvoiceObserved:
    return InvoiceObserved(
        invoice="in_1",
        revision=1,
        customer="cus_1",
        currency="usd",
        status=status,
        subtotal=31,
        total=31,
        digest="d",
        changed=(),
        gone=(),
        foreign=(),
    )


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (CycleClosing(at=day(32)), {"status": "closing"}),
        (CycleClosing(at=day(20), reason="bill now"), {"status": "closing", "ends": day(20)}),
        (CycleClosed(at=day(33), version=9), {"status": "closed"}),
        (CycleHeld(at=day(33), kind="person", reason="why"), {"held": "why"}),
        (CycleReleased(at=day(33), reason="fine"), {"held": None}),
        (
            FinalizationStarted(
                at=day(33), version=9, digest="d", subtotal=31, lines={"a": 31}, basis={"a": 31}
            ),
            {"status": "finalizing", "total": 31},
        ),
        (
            InvoiceFinalized(at=day(33), total=37, number="A-1", stripe_invoice="in_1"),
            {
                "status": "issued",
                "total": 37,
                "number": "A-1",
                "issued_at": day(33),
                "stripe_invoice": "in_1",
            },
        ),
        (InvoicePaid(at=day(34), amount=37), {"status": "paid"}),
        (InvoicePastDue(at=day(34)), {"status": "past_due"}),
        (InvoiceMarkedUncollectible(at=day(34)), {"status": "uncollectible"}),
        (InvoiceBilledElsewhere(at=day(34)), {"status": "billed_elsewhere"}),
        (InvoiceVoided(at=day(34), reason="why", mode="forgive"), {"status": "void"}),
        (InvoiceVoided(at=day(34), reason="why"), {"status": "void"}),
        (NOTE, {"credited": 119}),
        (CreditNoteVoided(at=day(35), note="n1", amount=100, tax=19), {"credited": -119}),
        (PLANNED, {"stripe_state": "pending"}),
        (SyncFailed(plan=1, code="c", message="m"), {"stripe_state": "failed"}),
        (observed("draft"), {"stripe_invoice": "in_1"}),
        (observed("deleted"), {"stripe_invoice": None}),
    ],
)
def test_each_event_says_its_part(event: object, says: dict[str, object]) -> None:
    before = summary_of(OPENED, position=1)
    after = updated(before, event, position=7)
    assert asdict(after) == asdict(before) | says | {"position": 7}


def test_what_a_list_does_not_show_changes_nothing() -> None:
    before = summary_of(OPENED, position=1)
    assert updated(before, ServiceDetached(at=day(3), attachment="a1"), position=7) is before


def told(*events: object) -> dict[str, object]:
    """What the list says after these events."""
    summary = summary_of(OPENED, position=1)
    for position, event in enumerate(events, start=2):
        summary = updated(summary, event, position)
    return asdict(summary)


ISSUED = InvoiceFinalized(at=day(33), total=37, number="A-1", stripe_invoice="in_1")


def note(identity: str, amount: int, tax: int | None = None) -> CreditNoteIssued:
    return CreditNoteIssued(
        at=day(40), note=identity, amount=amount, lines={"a": amount}, reason="why", tax=tax
    )


def test_credit_notes_add_up_with_their_tax_and_leave_the_total() -> None:
    after = told(ISSUED, note("n1", 10, tax=2), note("n2", 5))
    assert (after["status"], after["total"], after["credited"]) == ("issued", 37, 17)


def test_a_reissued_cycle_waits_to_be_issued_again() -> None:
    reissued = InvoiceVoided(at=day(41), reason="why", mode="reissue", version=9)
    closing = (CycleClosing(at=day(32)), CycleClosed(at=day(33), version=9))
    after = told(*closing, observed("draft"), ISSUED, note("n1", 10), reissued)
    assert after == told(*closing) | {"position": 7}


def test_the_void_invoice_seen_after_all_is_not_the_next_revisions() -> None:
    reissued = InvoiceVoided(at=day(41), reason="why", mode="reissue", version=9)
    assert told(ISSUED, reissued, observed("void"))["stripe_invoice"] is None


def test_a_void_invoice_keeps_its_name_at_stripe() -> None:
    after = told(ISSUED, observed("void"), InvoiceVoided(at=day(41), reason="why"))
    assert (after["status"], after["stripe_invoice"]) == ("void", "in_1")
