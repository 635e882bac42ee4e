"""What a change by hand is about, in minor units: what a second person is asked by.

Each function is the ``second`` of an operation. It looks, stores nothing, and raises what the
operation itself would. What would change nothing weighs nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from api.context import now, wired
from api.openapi import Op
from api.schemas.effects import PreviewSchema
from application.conflicts import adoption
from application.crediting import check_lines
from application.desired import organization_of
from application.kept_changes import Stake
from application.views import InvoiceView, Preview
from domain.billing_cycle import BillingCycle
from domain.errors import NotFound
from domain.events.outcome import InvoiceMarkedUncollectible, PaymentRecorded
from domain.invoice import LineItem

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
    """By what it takes off the invoices it is on now, or would have taken off the newest ones, or
    the amount it may, for all its cycles."""
    shown = of_preview(_preview(op, given))
    organization, discount = given["organization"], given["body"]
    name = discount["discount"]
    known = {each.discount for each in wired().holdings.discounts(organization)}
    if name in known and not shown.differences:
        return shown
    each = max(shown.amount, discount["amount"] or 0, _would_take(organization, discount))
    amount = each * (discount["cycles"] or ENDLESS_CYCLES)
    return Stake(
        amount=amount,
        currency=shown.currency or wired().registration.get(organization).currency,
        differences=shown.differences or {f"discount/{name}": -amount},
        preview=shown.preview,
    )


def _would_take(organization: str, discount: Mapping[str, Any]) -> int:
    """What a percentage of the dearer of the two newest invoices is: at a cycle's beginning
    there is little to take anything off."""
    if discount["percent"] is None:
        return 0
    found = [0]
    for cycle in wired().books.cycle_names(organization)[-2:]:
        lines = wired().invoices.get(cycle).invoice.lines
        found.append(sum(each.amount for each in lines if _is_for(discount["prices"], each)))
    return ceil(max(found) * Fraction(discount["percent"]) / 100)


def _is_for(prices: Collection[str], line: LineItem) -> bool:
    price = (line.price or "").partition("@")[0]
    return line.amount > 0 and (not prices or price in prices)


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
    cycle, note = _cycle(given), given["body"]
    if note["note"] in cycle.notes:
        return Stake()
    check_lines(cycle, note["lines"])
    return _about(_invoice(given), f"note/{note['note']}", sum(note["lines"].values()))


def by_payment(op: Op, given: dict[str, Any]) -> Stake:
    """By the money that is said to have come in."""
    view, payment = _invoice(given), given["body"]
    wired().paying.payable(given["cycle"])
    reference = payment["reference"].strip()
    noted = [each for each in view.outcomes if isinstance(each, PaymentRecorded)]
    if any(each.reference == reference for each in noted):
        return Stake()
    return _about(view, "payment", payment["amount"])


def by_total(op: Op, given: dict[str, Any]) -> Stake:
    """By the whole of an invoice that is taken back."""
    view, body = _invoice(given), given["body"]
    taken_back = _cycle(given).void(body["reason"], body["mode"], 0, now())
    return _about(view, "total", view.total if taken_back else 0)


def by_remaining(op: Op, given: dict[str, Any]) -> Stake:
    """By what is left to be paid of an invoice that is given up."""
    view = _invoice(given)
    given_up = InvoiceMarkedUncollectible(at=now(), reason=given["body"]["reason"])
    changes = _cycle(given).record_outcome(given_up)
    return _about(view, "remaining", view.amount_remaining if changes else 0)


def by_edits(op: Op, given: dict[str, Any]) -> Stake:
    """By what others changed on a draft, where it is taken over; making it ours again is free."""
    view = _invoice(given)
    if given["body"]["decision"] != "adopt":
        return Stake()
    state, _ = wired().stripe_stream.load(given["cycle"])
    edits = adoption(state, given["body"]["reason"], now())
    lines = dict(edits.amounts) | {each.line: each.amount for each in edits.lines}
    differences = {f"{given['cycle']}/{line}": amount for line, amount in lines.items()}
    amount = sum(map(abs, lines.values()))
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


def _cycle(given: Mapping[str, Any]) -> BillingCycle:
    cycle = given["cycle"]
    asked = wired().books.snapshot(organization_of(cycle), cycle).asked
    if asked is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return asked.cycle


def _about(view: InvoiceView, what: str, amount: int) -> Stake:
    return Stake(amount=abs(amount), currency=view.invoice.currency, differences={what: amount})
