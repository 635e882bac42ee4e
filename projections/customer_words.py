"""What a customer is told where something cannot be done: what it means, and what they can do.

Our own sentences speak to whoever runs the service, and may quote Stripe. A customer gets these,
chosen by a problem's code alone.
"""

from collections.abc import Mapping

OURS = (
    "Something on our side needs a person before this goes on. You need not do anything: your "
    "usage is counted, and nothing is charged by mistake."
)
"""For everything that only the people who run the service can mend."""

_AGAIN = "This did not work just now, and nothing was changed. Please try again in a moment."
_NOT_HERE = "We cannot find this. It may have been removed, or the link may be incomplete."
_SIGN_IN = (
    "You are not signed in any more. Please open the link you were sent, or ask for a new one."
)
_INVOICE = "This invoice has changed since you opened it. Please load the page again."
_WRONG = "Something in what you entered cannot be used. Please look at the marked field."

WORDS: Mapping[str, str] = {
    # What was entered, or how.
    "invalid_input": _WRONG,
    "malformed_request": "We could not read what was sent. Please load the page again and retry.",
    "unsupported_media_type": "We could not read what was sent. Please load the page again and "
    "retry.",
    "shadow": "This page only shows your bills for now. You pay them where you always have.",
    "method_not_allowed": "This page cannot do that. Please go back and use its buttons.",
    "too_large": "This is more than we can take at once. Please send less.",
    "unauthorized": _SIGN_IN,
    "forbidden": "You are signed in, but may not do this. Please ask the owner of your account, or "
    "us.",
    "not_found": _NOT_HERE,
    "rate_limited": "That was a lot at once. Please wait a few seconds and try again.",
    "idempotency_key_reused": "This was sent before, with something else in it. Please load the "
    "page again.",
    "idempotency_key_in_use": "This is being done right now. Please wait a moment and load the "
    "page again.",
    "conflict": "Somebody entered something else under this name already. Please choose another "
    "name.",
    "too_many_alerts": "You have as many alerts as there may be. Please remove one first.",
    # Nothing was decided.
    "unavailable": _AGAIN,
    "busy": _AGAIN,
    "store_unavailable": _AGAIN,
    "not_reached_yet": "The newest changes are still being added up. Please load the page again in "
    "a moment.",
    "concurrent_change": "Somebody changed this at the same moment. Please load the page again and "
    "look before you retry.",
    "gateway_error": _AGAIN,
    "gateway_busy": _AGAIN,
    "gateway_unavailable": "Our payment provider does not answer just now. Nothing was changed. "
    "Please try again in a few minutes.",
    "stripe_away": "Our payment provider does not answer just now. Nothing was changed. Please try "
    "again in a few minutes.",
    "stripe_budget_used": "There is much to be sent to our payment provider just now. Please try "
    "again in a few minutes.",
    "call_unanswered": "Our payment provider has not answered yet. Please try again in a few "
    "minutes.",
    # Their account, and who pays.
    "no_stripe_customer": "There are no payment details of yours yet. They can be entered once "
    "your first invoice is being prepared.",
    "customer_gone": "Your payment details are not at our payment provider any more. Please get in "
    "touch with us: we link your account again, and nothing you used is lost.",
    "customer_deleted": "Your payment details are not at our payment provider any more. Please get "
    "in touch with us: we link your account again, and nothing you used is lost.",
    "tax_location_missing": "We do not know the address that your tax is computed by. Please enter "
    "your billing address under payment details; the invoice is issued after that.",
    "organization_closed": "Your account is closed. Please get in touch with us if you want it "
    "opened again.",
    "not_without_stripe": "This is not available: you pay your invoices by transfer.",
    # Their invoices.
    "not_issued": "This invoice has not been issued yet. Its amounts can still change.",
    "invoice_status": _INVOICE,
    "cycle_settled": "This invoice is final and does not change any more. A correction goes on the "
    "next one, or comes as a credit note.",
    "month_archived": "The details of this time are in our archive. The invoice itself stands as "
    "it was issued. Please get in touch with us if you want to look into it: we can bring it back.",
    "approval_required": "We look at this invoice before it is issued. You need not do anything.",
    "cycle_held": "We look into something on this invoice before it is issued. You need not do "
    "anything.",
    "waits_in_turn": "This invoice is issued after the one before it. You need not do anything.",
    "cycle_not_closed": "This period is not over yet. The invoice is issued some hours after its "
    "end.",
    "cycle_accruing": "This period is not over yet, and its amounts can still change.",
    "no_cycle": "We have no bill for this time.",
    "in_the_future": "This lies in the future. Please choose an earlier time.",
    "collected_elsewhere": "Payments are noted as soon as our payment provider tells us. Please "
    "give it a moment.",
    "internal_error": "This is a fault of ours, and nothing of yours was changed. Please tell us, "
    "with the number below, if it happens again.",
    "error": "This is a fault of ours, and nothing of yours was changed. Please tell us, with the "
    "number below, if it happens again.",
    # Links and reported problems.
    "link_expired": "This link is too old. Please ask for a new one.",
    "link_used": "This link was opened before, and opens only once. Please ask for a new one.",
    "case_resolved": "This report is closed already. You can open it again, or write a new one.",
    "case_closed": "This report is closed, and takes nothing more. Please write a new one.",
    "case_full": "This report is as long as it can be. Please write a new one.",
    "case_not_resolved": "We are still looking into this report; it need not be opened again.",
    "rule_violation": "This cannot be done any more. Please load the page again.",
}
"""By the code of a problem that a customer can meet, on a page or about an invoice of theirs."""

OF_STAFF = frozenset(
    {
        "already_attached",
        "another_price",
        "archive_differs",
        "awaits_subscription",
        "cannot_be_folded",
        "carried_amount_open",
        "carried_over",
        "change_request_begun",
        "change_request_decided",
        "change_request_expired",
        "changed_since",
        "currency_mismatch",
        "customer_not_imported",
        "customer_taken",
        "cycle_not_finalizing",
        "dated_later",
        "draft_adopted",
        "draft_differs",
        "draft_taken",
        "edited_at_stripe",
        "empty_sweep",
        "endpoint_disabled",
        "gateway_misconfigured",
        "gateway_rejected",
        "late_rejected",
        "list_ended_early",
        "mail_refused",
        "mail_server_away",
        "mail_unavailable",
        "meter_already_rated",
        "month_in_use",
        "needs_second_person",
        "negative_total",
        "no_discrepancy",
        "nobody_to_write_to",
        "not_a_proposal",
        "not_accruing",
        "not_adjustable",
        "not_attached",
        "not_awaiting_approval",
        "not_proved",
        "not_voidable",
        "note_gone",
        "nothing_to_adopt",
        "nothing_to_decide",
        "nothing_to_waive",
        "organization_taken",
        "overpaid",
        "price_retired",
        "settled_differs",
        "situation_changed",
        "split_differs",
        "stripe_key_refused",
        "stripe_key_too_narrow",
        "stripe_modes_mixed",
        "too_late",
        "too_many_endpoints",
        "undeliverable",
        "unsafe_change_set",
        "written_off",
    }
)
"""What only the people who run the service can meet, or mend."""


def customer_words(code: str) -> str:
    """What a customer is told of a problem, in one or two sentences. A code that is not known
    here is ours to mend.

    >>> customer_words("rate_limited")
    'That was a lot at once. Please wait a few seconds and try again.'
    >>> customer_words("settled_differs") == customer_words("anything new") == OURS
    True
    """
    return WORDS.get(code, OURS)
