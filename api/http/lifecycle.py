"""What people decide about a cycle and its invoice: hold, approve, issue, take back, credit."""

from typing import Any

from api.auth import ADMINS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.effects import ReceiptSchema
from api.schemas.invoices import InvoiceSchema
from api.schemas.lifecycle import (
    CreditNoteSchema,
    HoldSchema,
    LateDecisionSchema,
    MaybeReasonSchema,
    ReasonSchema,
    VoidSchema,
)
from api.weighing import by_late_line, by_note, by_remaining, by_total
from application.closing import Advance
from application.gateway import CreditNote
from application.views import InvoiceView, Receipt
from domain.billing_cycle import UNISSUED
from domain.errors import RuleViolation

book = ApiBook("lifecycle")

ONE = "/v1/invoices/<cycle>"
BAD_GATEWAY = frozenset({502})
BY_STAFF: dict[str, Any] = {"roles": STAFF, "out": ReceiptSchema(), "keyed": True}
BY_ADMINS: dict[str, Any] = {
    "roles": ADMINS,
    "out": ReceiptSchema(),
    "keyed": True,
    "also": BAD_GATEWAY,
}
REASON = {"reason": "waiting for the customer's purchase order"}
HOLD = {**REASON, "owner": "ada", "review_at": "2026-02-03T09:00:00Z"}
LATE = {"line": "usage/a1/cpu@1", "reason": "agreed with the customer"}
LATE_DECISION: dict[str, Any] = {
    "body": LateDecisionSchema(),
    "example": LATE,
    "second": by_late_line,
    **BY_STAFF,
}
NOTE = {
    "note": "n1",
    "lines": {"usage/a1/cpu@1": 500},
    "reason": "outage on 2 January",
    "memo": "With our apologies",
    "reduce_due": 500,
}


@book.op("POST", f"{ONE}/hold", body=HoldSchema(), example=HOLD, **BY_STAFF)
def hold_invoice(cycle: str, body: dict[str, Any]) -> Receipt:
    """Make finalization wait for a person."""
    return wired().changes.holding.hold(
        cycle,
        body["reason"],
        actor=principal().actor,
        at=now(),
        owner=body["owner"],
        review_at=body["review_at"],
    )


@book.op("POST", f"{ONE}/release", body=ReasonSchema(), example=REASON, **BY_STAFF)
def release_invoice(cycle: str, body: dict[str, Any]) -> Receipt:
    """End a hold."""
    return wired().changes.holding.release(cycle, body["reason"], actor=principal().actor, at=now())


@book.op(
    "POST",
    f"{ONE}/approve",
    body=ReasonSchema(),
    example={"reason": "checked against the contract"},
    **BY_STAFF,
)
def approve_invoice(cycle: str, body: dict[str, Any]) -> Receipt:
    """Consent to the invoice as it is now; if it changes it has to be approved again."""
    return wired().changes.holding.approve(cycle, body["reason"], actor=principal().actor, at=now())


@book.op(
    "POST",
    f"{ONE}/finalize",
    roles=STAFF,
    body=MaybeReasonSchema(),
    bodiless=True,
    example={"reason": "the customer asked for it today"},
    out=InvoiceSchema(),
    also=BAD_GATEWAY,
    keyed=True,
)
def finalize_invoice(cycle: str, body: dict[str, Any]) -> InvoiceView:
    """Settle and issue a cycle whose grace is over, now. One that is issued is just shown.

    A last sync is proved first. What stands in the way is told as a problem; ``waiting`` lists
    every cycle of the organization that waits for something, and why.
    """
    before = wired().invoices.get(cycle)
    if before.status in UNISSUED:
        organization = before.invoice.organization
        why = {cycle: body["reason"]}
        done = wired().closing.advance(organization, now(), principal().actor, why)
        if cycle not in done.issued:
            raise _not_issued(cycle, before.status, done)
    return wired().invoices.get(cycle)


def _not_issued(cycle: str, status: str, done: Advance) -> RuleViolation:
    waiting = [
        {"cycle": each.cycle, "code": each.code, "reason": each.reason} for each in done.waiting
    ]
    for each in done.waiting:
        if each.cycle == cycle:
            return RuleViolation(each.reason, code=each.code, cycle=cycle, waiting=waiting)
    if done.waiting and (status == "closed" or cycle in done.closed):
        first = done.waiting[0]
        why = f"{first.cycle} has to be issued before it, and waits: {first.reason}"
        return RuleViolation(why, code="waits_in_turn", cycle=cycle, waiting=waiting)
    return RuleViolation(
        f"{cycle} is {status}: it can be issued once its period and its grace are over",
        code="cycle_not_closed",
        cycle=cycle,
        waiting=waiting,
    )


@book.op(
    "POST",
    f"{ONE}/void",
    body=VoidSchema(),
    example={"mode": "reissue", "reason": "billed at the wrong price"},
    second=by_total,
    **BY_ADMINS,
)
def void_invoice(cycle: str, body: dict[str, Any]) -> Receipt:
    """Take an issued invoice back: to be issued anew, or to be forgiven. Not a paid one."""
    return wired().voiding.void(cycle, body["mode"], body["reason"], actor=principal().actor)


@book.op(
    "POST",
    f"{ONE}/uncollectible",
    body=ReasonSchema(),
    example={"reason": "the customer is insolvent"},
    second=by_remaining,
    **BY_ADMINS,
)
def mark_uncollectible(cycle: str, body: dict[str, Any]) -> Receipt:
    """Give up on an issued invoice; it can still be paid."""
    return wired().voiding.mark_uncollectible(cycle, body["reason"], actor=principal().actor)


@book.op(
    "POST",
    f"{ONE}/credit-notes",
    body=CreditNoteSchema(),
    example=NOTE,
    second=by_note,
    also=BAD_GATEWAY,
    **BY_STAFF,
)
def issue_credit_note(cycle: str, body: dict[str, Any]) -> Receipt:
    """Correct an issued invoice by a credit note. The same note again does nothing."""
    note = CreditNote(id=body.pop("note"), **body)
    return wired().crediting.issue(cycle, note, actor=principal().actor)


@book.op("POST", f"{ONE}/late/accept", **LATE_DECISION)
def accept_late(cycle: str, body: dict[str, Any]) -> Receipt:
    """Bill a late amount although a person had adjusted its line."""
    return wired().changes.correcting.accept_late(
        cycle, body["line"], body["reason"], actor=principal().actor
    )


@book.op("POST", f"{ONE}/late/write-off", **LATE_DECISION)
def write_off_late(cycle: str, body: dict[str, Any]) -> Receipt:
    """Never bill a late amount as it is now. What becomes known after that is told anew."""
    return wired().changes.correcting.write_off_late(
        cycle, body["line"], body["reason"], actor=principal().actor
    )
