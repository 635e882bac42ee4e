"""The writes of the journal, as they are written down before they are carried out.

The names ``customer``, ``currency`` and ``metadata[note_id]`` are the port's: our record of a
call is read by them, whoever the processor is.
"""

import json
from collections.abc import Mapping
from typing import Any

from application.gateway import CreditNote, Draft, LineChanges, StripeCustomer, StripeRequest
from domain.invoice import LineItem
from domain.stripe_history import NOTE_PARAMETER
from projections.change_set import AddLine, RemoveLine, UpdateLine
from projections.remote_invoice import Collection, Marks

CUSTOMERS = "/journal/customers"
INVOICES = "/journal/invoices"
NOTES = "/journal/credit_notes"

_KINDS = {AddLine: "add_lines", UpdateLine: "update_lines", RemoveLine: "remove_lines"}

Form = dict[str, str]


def new_customer(customer: StripeCustomer) -> StripeRequest:
    """Make a customer."""
    form = {"name": customer.name or "", "email": customer.email or ""}
    return _post("customer", CUSTOMERS, form | {"organization": customer.organization})


def own_customer(customer: str, organization: str | None) -> StripeRequest:
    """Say whose customer it is; nobody's, where empty."""
    return _post("customer", f"{CUSTOMERS}/{customer}", {"organization": organization or ""})


def new_draft(draft: Draft) -> StripeRequest:
    """Open a draft."""
    form = {"customer": draft.customer, "currency": draft.currency}
    return _post("create", INVOICES, form | _terms(draft.collection) | _marks(draft.marks))


def update_draft(invoice: str, collection: Collection) -> StripeRequest:
    """Change when a draft will be due."""
    return _post("update", f"{INVOICES}/{invoice}/update", _terms(collection))


def change_lines(invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
    """Change lines of one kind, and leave our marks."""
    purpose = _KINDS[type(changes[0])]
    lines = json.dumps([_change(each) for each in changes], ensure_ascii=False)
    return _post(purpose, f"{INVOICES}/{invoice}/{purpose}", {"lines": lines} | _marks(marks))


def issued(invoice: str, purpose: str) -> StripeRequest:
    """Finalize an invoice, void it or give it up. purpose: which of these."""
    return _post(purpose, f"{INVOICES}/{invoice}/{purpose}", {})


def delete(invoice: str) -> StripeRequest:
    """Delete a draft."""
    return StripeRequest(
        purpose="delete", method="delete", endpoint=f"{INVOICES}/{invoice}", parameters={}
    )


def credit_note(invoice: str, note: CreditNote, held: Mapping[str, str]) -> StripeRequest:
    """Issue a credit note. held: the journal's ids of the invoice's lines, by line key."""
    form = {
        "invoice": invoice,
        NOTE_PARAMETER: note.id,
        "reason": note.reason,
        "lines": json.dumps({held[key]: amount for key, amount in note.lines.items()}),
        "reduce_due": str(note.reduce_due),
        "refund": str(note.refund),
        "credit_balance": str(note.credit_balance),
        "out_of_band": str(note.out_of_band),
    }
    return _post("credit_note", NOTES, form)


def _post(purpose: str, endpoint: str, form: Form) -> StripeRequest:
    return StripeRequest(purpose=purpose, method="post", endpoint=endpoint, parameters=form)


def _terms(collection: Collection) -> Form:
    return {
        "method": collection.method,
        "days_until_due": str(collection.days_until_due or ""),
        "automatic_tax": "true" if collection.automatic_tax else "",
    }


def _marks(marks: Marks) -> Form:
    return {
        "cycle": marks.cycle,
        "revision": str(marks.revision),
        "plan": str(marks.plan),
        "digest": marks.digest,
    }


def _change(change: RemoveLine | UpdateLine | AddLine) -> dict[str, Any]:
    if isinstance(change, RemoveLine):
        return {"id": change.remote.id}
    if isinstance(change, UpdateLine):
        return {"id": change.remote.id, **_line(change.line)}
    return {"key": change.line.key, **_line(change.line)}


def _line(line: LineItem) -> dict[str, Any]:
    return {
        "amount": line.amount,
        "starts": line.period.start.isoformat(),
        "ends": line.period.end.isoformat(),
        "description": line.description,
    }
