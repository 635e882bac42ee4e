"""A cycle as the three sides tell it: the books, their projected row, and Stripe."""

from dataclasses import replace
from typing import Any

from domain.billing_cycle import BillingCycle, Status, opened
from domain.events.cycle import FinalizationStarted
from domain.events.outcome import InvoiceFinalized, InvoicePaid, InvoiceVoided
from domain.events.stripe_invoice import (
    HeldLine,
    InvoiceObserved,
    InvoiceProvedEqual,
    SyncPlanned,
)
from domain.invoice import Invoice
from domain.stripe_invoice import StripeInvoice, replay
from projections.invoice_summary import summary_of
from projections.proof import Expectation, wanted
from projections.reconciliation import (
    Booked,
    Finding,
    Kind,
    Projected,
    Severity,
    by_the_books,
)
from projections.reconciliation_stripe import stripe_findings
from projections.remote_invoice import Marks, RemoteInvoice, RemoteLine, RemoteStatus
from tests.january import OPENED, day
from tests.stripe_memory import CYCLE, owed

NOW = day(20)
LINES = {"fee/a1": 3100, "usage/a1": 56}
ISSUED = Status.ISSUED
Told = tuple[Kind, Severity, int]


def held(amounts: dict[str, int], invoice: Invoice) -> dict[str, HeldLine]:
    at = invoice.period
    return {
        key: HeldLine(
            key=key,
            line=f"il_{key}",
            amount=amount,
            start=at.start,
            end=at.end,
            description=f"Line {key}",
        )
        for key, amount in amounts.items()
    }


def recorded(amounts: dict[str, int], status: str = "draft") -> StripeInvoice:
    """What our record holds after a sync of these lines was proved."""
    invoice = owed(amounts)
    total = sum(amounts.values())
    about: dict[str, Any] = {"invoice": "in_1", "revision": 1, "subtotal": total, "total": total}
    lines = tuple(held(amounts, invoice).values())
    return replay(
        [
            SyncPlanned(
                plan=1, revision=1, digest="", subtotal=total, changes=(), calls=2, forced=False
            ),
            InvoiceObserved(
                **about,
                customer="cus_1",
                currency="usd",
                status=status,
                digest=invoice.digest(),
                changed=lines,
                gone=(),
                foreign=(),
            ),
            InvoiceProvedEqual(
                **about,
                status=status,
                digest=invoice.digest(),
                lines=len(lines),
                foreign=0,
                read_at=day(10),
            ),
        ]
    )


def cycle(status: Status = Status.ACCRUING, subtotal: int = 3156) -> BillingCycle:
    made = opened(OPENED, day(1))
    if status is not Status.ACCRUING:
        digest = owed(LINES).digest()
        made.apply(
            FinalizationStarted(
                at=day(32), version=2, digest=digest, subtotal=subtotal, lines={}, basis={}
            )
        )
    if status not in (Status.ACCRUING, Status.FINALIZING):
        made.apply(InvoiceFinalized(at=day(32), total=subtotal, stripe_invoice="in_1"))
    if status is Status.PAID:
        made.apply(InvoicePaid(at=day(33), amount=subtotal))
    if status is Status.VOID:
        made.apply(InvoiceVoided(at=day(33), reason="a mistake", mode="forgive"))
    return made


def booked(
    status: Status = Status.ACCRUING,
    amounts: dict[str, int] = LINES,
    record: StripeInvoice | None = None,
    **more: Any,
) -> Booked:
    """The books over some lines; by default Stripe was proved to hold them."""
    known = cycle(status)
    if record is None:
        record = recorded(amounts, "draft" if status is Status.ACCRUING else "open")
    invoice = owed(amounts)
    about: dict[str, Any] = {
        "cycle": CYCLE,
        "revision": 1,
        "currency": "usd",
        "customer": "cus_1",
        "issued": record.issued,
    }
    return Booked(
        cycle=known,
        invoice=invoice,
        record=record,
        owed=Expectation(**about, lines=wanted(invoice)),
        proved=Expectation(**about, lines=record.proved),
        untried=record.plan == 0 or record.settled,
        summary=by_the_books(known, summary_of(OPENED, 9)),
        position=9,
        moved=9,
        **more,
    )


def projected(books: Booked, **more: Any) -> Projected:
    fields: dict[str, Any] = {"summary": books.summary, "position": 9}
    return Projected(**(fields | more))


def at_stripe(amounts: dict[str, int] = LINES, status: str = "draft", **more: Any) -> RemoteInvoice:
    """An invoice as Stripe lists it."""
    invoice = owed(amounts)
    lines = {
        key: RemoteLine(
            id=line.line,
            key=key,
            amount=line.amount,
            period=invoice.period,
            description=line.description,
        )
        for key, line in held(amounts, invoice).items()
    }
    plain = RemoteInvoice(
        id="in_1",
        status=RemoteStatus(status),
        customer="cus_1",
        currency="usd",
        lines=lines,
        line_count=len(lines),
        subtotal=sum(amounts.values()),
        total=sum(amounts.values()),
        marks=Marks(cycle=CYCLE, revision=1, plan=1, digest=owed(LINES).digest()),
    )
    return replace(plain, **more)


def found(books: Booked, *listed: RemoteInvoice, **more: Any) -> list[Finding]:
    return list(stripe_findings(books, projected(books, **more), listed, NOW))


def told(findings: list[Finding]) -> list[Told]:
    return [(each.kind, each.severity, each.cents) for each in findings]
