"""What a list says of an invoice after each event."""

from dataclasses import asdict

import pytest

from domain.events.cycle import (
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleReleased,
    FinalizationStarted,
    InvoiceFinalized,
    InvoicePaid,
    ServiceDetached,
)
from domain.events.stripe_invoice import InvoiceObserved, SyncFailed, SyncPlanned
from projections.invoice_summary import summary_of, updated
from tests.january import OPENED, day

PLANNED = SyncPlanned(
    plan=1, revision=1, digest="d", subtotal=31, changes=(), calls=1, forced=False
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
        (CycleClosed(at=day(33)), {"status": "closed"}),
        (CycleHeld(at=day(33), kind="person", reason="why"), {"held": "why"}),
        (CycleReleased(at=day(33), reason="fine"), {"held": None}),
        (
            FinalizationStarted(at=day(33), version=9, digest="d", subtotal=31, lines={"a": 31}),
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
