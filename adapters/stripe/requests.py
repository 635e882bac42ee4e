"""The writes we send to Stripe, as the very form fields that go out."""

from collections.abc import Mapping, Sequence

from adapters.stripe.products import product_id
from adapters.stripe.reading import CYCLE, DAYS, DIGEST, LINE_KEY, ORGANIZATION, PLAN, REVISION
from adapters.stripe.reading_money import REASON
from application.gateway import (
    CreditNote,
    Draft,
    LineChanges,
    StripeCustomer,
    StripeRequest,
)
from domain.invoice import LineItem
from domain.stripe_history import NOTE_PARAMETER
from projections.change_set import AddLine, RemoveLine, UpdateDraft, UpdateLine
from projections.remote_invoice import Collection, Marks

Form = dict[str, str]
LineChange = RemoveLine | UpdateLine | AddLine

METADATA_MAX = 500
"""The longest value Stripe keeps in metadata; the whole reason stands in our books."""

STRIPE_REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
"""The reasons Stripe itself has words for; any other goes into the metadata only."""


def new_customer(customer: StripeCustomer) -> StripeRequest:
    """Make a customer that carries our organization's id.

    Source: https://docs.stripe.com/api/customers/create
    """
    form = {f"metadata[{ORGANIZATION}]": customer.organization}
    form |= {"name": customer.name} if customer.name else {}
    form |= {"email": customer.email} if customer.email else {}
    return _post("customer", "/v1/customers", form)


def own_customer(customer: str, organization: str | None) -> StripeRequest:
    """Say in a customer's metadata which organization it is; an empty value takes it off.

    Source: https://docs.stripe.com/api/customers/update
    """
    form = {f"metadata[{ORGANIZATION}]": organization or ""}
    return _post("customer", f"/v1/customers/{customer}", form)


def new_draft(draft: Draft) -> StripeRequest:
    """Open a draft that Stripe leaves alone until we finalize it, without stray items or coupons.

    Source: https://docs.stripe.com/api/invoices/create
    """
    form = {
        "customer": draft.customer,
        "currency": draft.currency,
        "auto_advance": "false",
        "pending_invoice_items_behavior": "exclude",
        "discounts": "",
        **_collection(draft.collection),
        **_marks("metadata", draft.marks),
    }
    del form[f"metadata[{DIGEST}]"]
    return _post("create", "/v1/invoices", form)


def update_draft(invoice: str, change: UpdateDraft) -> StripeRequest:
    """Change how a draft is collected.

    Source: https://docs.stripe.com/api/invoices/update
    """
    collection = change.becomes
    form = _collection(collection) | {
        "automatic_tax[enabled]": str(collection.automatic_tax).lower(),
        f"metadata[{DAYS}]": str(collection.days_until_due or ""),
    }
    form |= {"discounts": ""} if change.undiscounted else {}
    return _post("update", f"/v1/invoices/{invoice}", form)


def claim(invoice: str, marks: Marks) -> StripeRequest:
    """Make a subscription's draft ours: only we finalize it from now on.

    Source: https://docs.stripe.com/billing/subscriptions/integrating
    """
    form = {"auto_advance": "false", **_marks("metadata", marks)}
    del form[f"metadata[{DIGEST}]"]
    return _post("claim", f"/v1/invoices/{invoice}", form)


def change_lines(invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
    """Change lines of one kind in one bulk call.

    Source: https://docs.stripe.com/invoicing/bulk-update-line-item
    """
    form: Form = {}
    every: Sequence[LineChange] = changes
    for place, change in enumerate(every):
        fields = _line_fields(change)
        form |= {f"lines[{place}]{name}": text for name, text in fields.items()}
    purpose = _PURPOSES[type(every[0])]
    form |= _marks("invoice_metadata", marks)
    return _post(purpose, f"/v1/invoices/{invoice}/{purpose}", form)


def finalize(invoice: str) -> StripeRequest:
    """Finalize, and from then on let Stripe collect, remind and retry."""
    return _post("finalize", f"/v1/invoices/{invoice}/finalize", {"auto_advance": "true"})


def void(invoice: str) -> StripeRequest:
    """Void a finalized invoice."""
    return _post("void", f"/v1/invoices/{invoice}/void", {})


def mark_uncollectible(invoice: str) -> StripeRequest:
    """Give up hope that a finalized invoice is paid."""
    return _post("mark_uncollectible", f"/v1/invoices/{invoice}/mark_uncollectible", {})


def credit_note(
    invoice: str, cycle: str, note: CreditNote, held: Mapping[str, str]
) -> StripeRequest:
    """Issue a credit note. What is still due falls by itself; only the rest is told where to go.

    Source: https://docs.stripe.com/api/credit_notes/create
    """
    form = {
        "invoice": invoice,
        f"metadata[{CYCLE}]": cycle,
        NOTE_PARAMETER: note.id,
        f"metadata[{REASON}]": note.reason[:METADATA_MAX],
    }
    for place, (key, amount) in enumerate(note.lines.items()):
        form |= {
            f"lines[{place}][type]": "invoice_line_item",
            f"lines[{place}][invoice_line_item]": held[key],
            f"lines[{place}][amount]": str(amount),
        }
    form |= {"reason": note.reason} if note.reason in STRIPE_REASONS else {}
    form |= {"memo": note.memo} if note.memo else {}
    form |= {"refund_amount": str(note.refund)} if note.refund else {}
    form |= {"credit_amount": str(note.credit_balance)} if note.credit_balance else {}
    form |= {"out_of_band_amount": str(note.out_of_band)} if note.out_of_band else {}
    return _post("credit_note", "/v1/credit_notes", form)


def delete(invoice: str) -> StripeRequest:
    """Delete a draft. Stripe takes no key here; a second time it says there is none."""
    return StripeRequest(
        purpose="delete", method="delete", endpoint=f"/v1/invoices/{invoice}", parameters={}
    )


_PURPOSES: dict[type[LineChange], str] = {
    RemoveLine: "remove_lines",
    UpdateLine: "update_lines",
    AddLine: "add_lines",
}


def _post(purpose: str, endpoint: str, form: Mapping[str, str]) -> StripeRequest:
    return StripeRequest(purpose=purpose, method="post", endpoint=endpoint, parameters=dict(form))


def _line_fields(change: LineChange) -> Form:
    if isinstance(change, RemoveLine):
        return {"[id]": change.remote.id, "[behavior]": "delete"}
    fields = _item(change.line)
    if isinstance(change, UpdateLine):
        return {"[id]": change.remote.id, **fields}
    return {**fields, f"[metadata][{LINE_KEY}]": change.line.key}


def _item(line: LineItem) -> Form:
    """A line's fields. Stripe's ``period[end]`` is the last second inside, ours the first after."""
    return {
        **_amount(line),
        "[description]": line.description,
        "[period][start]": str(int(line.period.start.timestamp())),
        "[period][end]": str(int(line.period.end.timestamp()) - 1),
    }


def _amount(line: LineItem) -> Form:
    """What a line costs. Where Stripe computes its tax, as one of the product it sells.

    Source: https://docs.stripe.com/tax/invoicing
    """
    if line.sold is None:
        return {"[amount]": str(line.amount)}
    return {
        "[price_data][currency]": line.sold.currency,
        "[price_data][product]": product_id(line.sold),
        "[price_data][tax_behavior]": "exclusive",
        "[price_data][unit_amount]": str(line.amount),
        "[quantity]": "1",
    }


def _marks(field: str, marks: Marks) -> Form:
    """Our marks; in a bulk call an empty digest takes away the one that no longer holds."""
    return {
        f"{field}[{CYCLE}]": marks.cycle,
        f"{field}[{REVISION}]": str(marks.revision),
        f"{field}[{PLAN}]": str(marks.plan),
        f"{field}[{DIGEST}]": marks.digest,
    }


def _collection(collection: Collection) -> Form:
    form = {"collection_method": collection.method}
    if collection.days_until_due is not None and collection.method == "send_invoice":
        form["days_until_due"] = str(collection.days_until_due)
        form[f"metadata[{DAYS}]"] = str(collection.days_until_due)
    if collection.automatic_tax:
        form["automatic_tax[enabled]"] = "true"
    return form
