"""Sentences about a cycle's invoice at Stripe: what was planned, asked, answered, seen, proved."""

from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CreditNoteObserved,
    CustomerFound,
    DiscrepancyDismissed,
    DiscrepancyFound,
    DiscrepancyResolved,
    EditsDecided,
    InvoiceObserved,
    InvoiceProvedEqual,
    InvoiceVoidedAtStripe,
    StripeInvoiceFinalized,
    SyncApplied,
    SyncFailed,
    SyncPlanned,
)
from projections.sentences.wording import (
    Context,
    Sentences,
    because,
    counted,
    in_brackets,
    listed,
    minute,
)

ASKED = {
    "customer": "make a customer",
    "create": "make a draft",
    "claim": "leave a draft to us",
    "remove_lines": "take lines off the draft",
    "update_lines": "change lines of the draft",
    "add_lines": "put lines on the draft",
    "finalize": "finalize the invoice",
    "void": "void the invoice",
    "delete": "delete the draft",
    "mark_uncollectible": "give the invoice up as uncollectible",
    "credit_note": "issue a credit note",
}
"""What a call is for, by its purpose."""


def _planned(event: SyncPlanned, context: Context) -> str:
    amount = context.money(event.subtotal)
    how = f"{counted(len(event.changes), 'change')} in {counted(event.calls, 'call')}"
    forced = "; a person told it to, unsafe or not" if event.forced else ""
    why = in_brackets(event.reason)
    return f"Stripe's copy: {how} planned, to come to {amount}{forced}{why}"


def _asked(event: CallAttempted, context: Context) -> str:
    return f"Stripe is asked to {ASKED.get(event.purpose, event.purpose.replace('_', ' '))}"


def _answered(event: CallAnswered, context: Context) -> str:
    if event.ok:
        return f"Stripe did as asked{in_brackets(event.reference or '')}"
    why = event.message or event.code or f"status {event.status}"
    return f"Stripe refused: {why.rstrip('.')}"


def _seen(event: InvoiceObserved, context: Context) -> str:
    changes = [
        f"{counted(len(lines), noun)} {what}"
        for lines, noun, what in (
            (event.changed, "line", "changed"),
            (event.gone, "line", "gone"),
            (event.foreign, "line", "of others"),
        )
        if lines
    ]
    stands = f"{event.invoice} is {event.status} at {context.money(event.subtotal)}"
    return f"Stripe's copy: {listed([*changes, stands])}"


def _proved(event: InvoiceProvedEqual, context: Context) -> str:
    at = minute(event.read_at)
    if event.invoice is None:
        return f"Nothing at Stripe, by policy, proved at {at}{in_brackets(event.policy or '')}"
    amount, lines = context.money(event.subtotal), counted(event.lines, "line")
    others = f", with {counted(event.foreign, 'line')} of others" if event.foreign else ""
    return f"Stripe's copy: proved equal at {at}, {lines} and {amount}{others}"


def _failed(event: SyncFailed, context: Context) -> str:
    return f"Stripe's copy could not be changed: {event.message.rstrip('.')} ({event.code})"


def _decided(event: EditsDecided, context: Context) -> str:
    what = {"overwrite": "undone", "adopt": "taken over"}.get(event.decision, event.decision)
    edits = counted(len(event.edits), "change")
    return f"What others did to Stripe's copy is {what}: {edits}{in_brackets(event.reason)}"


def _resolved(event: DiscrepancyResolved, context: Context) -> str:
    return f"Stripe no longer differs in {event.discrepancy}{because(event.how)}"


def _dismissed(event: DiscrepancyDismissed, context: Context) -> str:
    why = in_brackets(event.reason)
    return f"Stripe may differ from the books in {event.discrepancy.id}{why}"


def _finalized(event: StripeInvoiceFinalized, context: Context) -> str:
    name = f"Invoice {event.number}" if event.number else "Invoice"
    tax = f", {context.money(event.tax)} of it tax" if event.tax else ""
    by = "" if event.by_us else ", and not by us"
    return f"{name} finalized at Stripe over {context.money(event.total)}{tax}{by}"


def _voided(event: InvoiceVoidedAtStripe, context: Context) -> str:
    by = "" if event.wanted else ", and not by us"
    return f"Invoice {event.invoice} is void at Stripe{by}"


SENTENCES: Sentences = {
    SyncPlanned: _planned,
    CallAttempted: _asked,
    CallAnswered: _answered,
    CallAbandoned: lambda event, _: (
        "Stripe never answered, and it is too late to ask again: what it did is read back"
    ),
    CustomerFound: lambda event, _: f"Stripe customer {event.customer} found",
    CreditNoteObserved: lambda event, _: (
        f"Credit note {event.note} found at Stripe as {event.stripe_note}"
    ),
    SyncApplied: lambda event, _: (
        f"Stripe's copy: changed by {counted(event.writes, 'call')}, not proved yet"
    ),
    SyncFailed: _failed,
    InvoiceObserved: _seen,
    InvoiceProvedEqual: _proved,
    DiscrepancyFound: lambda event, _: f"Stripe differs from the books: {event.discrepancy}",
    DiscrepancyResolved: _resolved,
    DiscrepancyDismissed: _dismissed,
    EditsDecided: _decided,
    StripeInvoiceFinalized: _finalized,
    InvoiceVoidedAtStripe: _voided,
}
