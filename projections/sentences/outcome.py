"""Sentences about an issued invoice: payment, correction, loss."""

from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
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


def _finalized(event: InvoiceFinalized, context: Context) -> str:
    name = f"Invoice {event.number}" if event.number else "Invoice"
    again = f" (revision {context.revision})" if (context.revision or 1) > 1 else ""
    tax = f", {context.money(event.tax)} of it tax" if event.tax else ""
    due = f", due {minute(event.due_at)}" if event.due_at else ""
    ours = "" if event.stripe_invoice else ", in our books alone: nothing is owed at Stripe"
    why = in_brackets(event.reason)
    return f"{name}{again} issued over {context.money(event.total)}{tax}{due}{ours}{why}"


def _failed(event: PaymentFailed, context: Context) -> str:
    then = "no further attempt is planned"
    if event.next_attempt_at:
        then = f"next attempt {minute(event.next_attempt_at)}"
    return f"Payment attempt {event.attempt} failed{because(event.reason)}; {then}"


def _part_paid(event: PaymentRecorded, context: Context) -> str:
    return f"Payment of {context.money(event.amount)} received{in_brackets(event.reference)}"


def _voided(event: InvoiceVoided, context: Context) -> str:
    reason = because(event.reason)
    match event.mode:
        case "reissue":
            number = f" as revision {context.revision + 1}" if context.revision else ""
            return f"Voided to be reissued{number}{reason}"
        case "forgive":
            return f"Voided, and what it was for written off{reason}"
        case _:
            return f"Voided{reason}; a person decides whether it is reissued or forgiven"


def _credit_note(event: CreditNoteIssued, context: Context) -> str:
    lines = f" on {counted(len(event.lines), 'line')}" if event.lines else ""
    tax = f" plus {context.money(event.tax)} tax" if event.tax else ""
    ways = [
        f"{context.money(amount)} {how}"
        for amount, how in (
            (event.reduce_due, "less to pay"),
            (event.refund, "refunded"),
            (event.credit_balance, "put on the credit balance"),
            (event.out_of_band, "given back outside Stripe"),
        )
        if amount
    ]
    given_back = f"; {listed(ways)}" if ways else ""
    amount = context.money(event.amount)
    reason = because(event.reason)
    return f"Credit note {event.note} of {amount}{tax}{lines}{reason}{given_back}"


def _refunded(event: RefundRecorded, context: Context) -> str:
    return f"{context.money(event.amount)} refunded, {event.refund}{because(event.reason)}"


def _note_voided(event: CreditNoteVoided, context: Context) -> str:
    amount = context.money(event.amount + event.tax)
    return f"Credit note {event.note} taken back: {amount} asked for again"


def _refund_failed(event: RefundFailed, context: Context) -> str:
    amount, why = context.money(event.amount), in_brackets(event.reason)
    return f"Refund {event.refund} of {amount} did not arrive{why}: pay it back another way"


def _disputed(event: DisputeOpened, context: Context) -> str:
    amount, reason = context.money(event.amount), because(event.reason)
    return f"Payment of {amount} disputed at the bank, {event.dispute}{reason}"


def _decided(event: DisputeClosed, context: Context) -> str:
    if event.outcome in ("won", "lost"):
        return f"Dispute {event.dispute} {event.outcome}"
    return f"Dispute {event.dispute} closed{because(event.outcome)}"


SENTENCES: Sentences = {
    InvoiceFinalized: _finalized,
    PaymentActionRequired: lambda event, _: "The customer has to confirm the payment",
    PaymentFailed: _failed,
    PaymentRecorded: _part_paid,
    InvoicePaid: lambda event, context: f"{context.money(event.amount)} paid",
    InvoicePastDue: lambda event, _: "Invoice past due: not paid by its due date",
    InvoiceVoided: _voided,
    InvoiceMarkedUncollectible: lambda event, _: (
        f"Invoice given up as uncollectible{because(event.reason)}"
    ),
    InvoiceBilledElsewhere: lambda event, _: (
        "Billed by another program: the invoice is kept to be compared, and asks for nothing"
    ),
    CreditNoteIssued: _credit_note,
    CreditNoteVoided: _note_voided,
    RefundRecorded: _refunded,
    RefundFailed: _refund_failed,
    DisputeOpened: _disputed,
    DisputeClosed: _decided,
}
