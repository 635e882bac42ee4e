"""What a change by hand is about, in minor units: what a second person is asked by.

Each function is the ``second`` of an operation. It looks, stores nothing, and raises what the
operation itself would. What would change nothing weighs nothing.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from api.context import now, wired
from api.openapi import Op
from api.schemas.effects import PreviewSchema
from application.change_requests import Stake
from application.conflicts import adoption
from application.views import InvoiceView, Preview
from domain.events.outcome import CreditNoteIssued, PaymentRecorded

ENDLESS_CYCLES = 12
"""A discount without an end weighs as much as one for a year."""

_PREVIEW = PreviewSchema()

NOT_ASKED: Mapping[str, str] = {
    "record_usage": "measured, not decided by hand",
    "resolve_quarantine": "usage records as they were sent; what is dismissed can be sent again",
    "put_organization": "moves no amount of an invoice",
    "attach": "what a customer has, and mostly said by programs, which cannot wait for a person",
    "detach": "the same",
    "change_quantity": "the same",
    "swap": "the same",
    "end_trial": "the same",
    "bill_now": "moves when something is billed, not how much",
    "close_organization": "the same",
    "reopen_organization": "the same",
    "put_meter": "counts for what is attached later",
    "put_service": "the same",
    "publish_price": "the same",
    "retire_price": "the same",
    "override_price": "the same",
    "end_override": "the same",
    "sync_invoice": "makes Stripe equal the books",
    "finalize_invoice": "issues what the books say; for consent there is the policy approval",
    "hold_invoice": "moves no amount",
    "release_invoice": "moves no amount",
    "approve_invoice": "is a consent itself",
    "dismiss_discrepancy": "moves no amount in the books",
    "report_case": "says something about a bill, and changes none",
    "acknowledge_case": "the same",
    "comment_publicly": "the same",
    "comment_as_support": "the same",
    "resolve_case": "names what was done, which asked by itself",
    "reopen_case": "says something about a bill, and changes none",
    "link_customer": "moves no amount",
    "open_portal": "moves no amount",
}
"""Operations that change books and ask nobody else, and why."""


def by_preview(op: Op, given: dict[str, Any]) -> Stake:
    """By what the operation's own preview shows."""
    return of_preview(_preview(op, given))


def by_credit(op: Op, given: dict[str, Any]) -> Stake:
    """By the amount granted, although an invoice may use only some of it now."""
    shown = _preview(op, given)
    credit = given["body"]
    known = {each.credit for each in wired().holdings.credits(given["organization"])}
    if credit["credit"] in known:
        return Stake()
    return Stake(
        amount=credit["amount"],
        currency=credit["currency"],
        differences={f"credit/{credit['credit']}": credit["amount"]},
        preview=_PREVIEW.dump(shown),
    )


def by_discount(op: Op, given: dict[str, Any]) -> Stake:
    """By what it takes off the invoices it is on now, or the amount it may, for all its cycles."""
    shown = of_preview(_preview(op, given))
    discount = given["body"]
    if not shown.differences:
        return shown
    cycles = discount["cycles"] or ENDLESS_CYCLES
    return Stake(
        amount=max(shown.amount, discount["amount"] or 0) * cycles,
        currency=shown.currency,
        differences=shown.differences,
        preview=shown.preview,
    )


def by_corrections(op: Op, given: dict[str, Any]) -> Stake:
    """By what every correction of the request would do; those that are refused do nothing."""
    given["query"] = {**given["query"], "dry_run": True}
    items = op.view(**given)["items"]
    return of_preview(Preview(invoices=tuple(one for each in items for one in each["invoices"])))


def by_late_line(op: Op, given: dict[str, Any]) -> Stake:
    """By the late amount that is billed or written off."""
    view, line = _invoice(given), given["body"]["line"]
    amounts = {each.line: each.amount for each in (*view.late, *view.proposals)}
    return _about(view, f"late/{line}", amounts.get(line, 0))


def by_note(op: Op, given: dict[str, Any]) -> Stake:
    """By what a credit note takes off."""
    view, note = _invoice(given), given["body"]
    issued = [each for each in view.outcomes if isinstance(each, CreditNoteIssued)]
    if any(each.note == note["note"] for each in issued):
        return Stake()
    return _about(view, f"note/{note['note']}", sum(note["lines"].values()))


def by_payment(op: Op, given: dict[str, Any]) -> Stake:
    """By the money that is said to have come in."""
    view, payment = _invoice(given), given["body"]
    reference = payment["reference"].strip()
    noted = [each for each in view.outcomes if isinstance(each, PaymentRecorded)]
    if any(each.reference == reference for each in noted):
        return Stake()
    return _about(view, "payment", payment["amount"])


def by_total(op: Op, given: dict[str, Any]) -> Stake:
    """By the whole of an invoice that is taken back."""
    view = _invoice(given)
    return _about(view, "total", 0 if view.status == "void" else view.total)


def by_remaining(op: Op, given: dict[str, Any]) -> Stake:
    """By what is left to be paid of an invoice that is given up."""
    view = _invoice(given)
    return _about(view, "remaining", 0 if view.status == "uncollectible" else view.amount_remaining)


def by_edits(op: Op, given: dict[str, Any]) -> Stake:
    """By what others changed on a draft, where it is taken over; making it ours again is free."""
    view = _invoice(given)
    if given["body"]["decision"] != "adopt":
        return Stake()
    state, _ = wired().stripe_stream.load(given["cycle"])
    edits = adoption(state, given["body"]["reason"], now())
    differences = dict(edits.amounts) | {each.line: each.amount for each in edits.lines}
    amount = sum(map(abs, differences.values()))
    return Stake(amount=amount, currency=view.invoice.currency, differences=differences)


def by_discrepancy(op: Op, given: dict[str, Any]) -> Stake:
    """By what others changed on the draft that differs, where it is taken over."""
    found, body = wired().discrepancies.get(given["discrepancy"]), given["body"]
    return by_edits(op, {"cycle": found.cycle, "body": {**body, "decision": body["how"]}})


def of_preview(shown: Preview) -> Stake:
    """Every line that would be another, in the currency where most would move."""
    moved: Counter[str] = Counter()
    differences: Counter[str] = Counter()
    for invoice in shown.invoices:
        for line in invoice.lines:
            difference = line.becomes - line.was
            moved[invoice.currency] += abs(difference)
            differences[f"{invoice.cycle}/{line.key}"] += difference
    currency, amount = max(moved.items(), key=lambda each: (each[1], each[0]), default=("", 0))
    return Stake(
        amount=amount,
        currency=currency,
        differences=dict(differences),
        preview=_PREVIEW.dump(shown),
    )


def _preview(op: Op, given: dict[str, Any]) -> Preview:
    # A view may take the body apart, and the caller still has a look at it.
    rehearsed = {"query": {**given["query"], "preview": True}, "body": {**given["body"]}}
    shown = op.view(**given | rehearsed)
    assert isinstance(shown, Preview)  # of every operation that previews
    return shown


def _invoice(given: Mapping[str, Any]) -> InvoiceView:
    return wired().invoices.get(given["cycle"])


def _about(view: InvoiceView, what: str, amount: int) -> Stake:
    return Stake(amount=abs(amount), currency=view.invoice.currency, differences={what: amount})
