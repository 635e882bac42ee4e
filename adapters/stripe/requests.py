"""The writes we send to Stripe, as the very form fields that go out."""

from collections.abc import Mapping, Sequence

from adapters.stripe.reading import CYCLE, DIGEST, LINE_KEY, ORGANIZATION, PLAN, REVISION
from application.gateway import Collection, Draft, LineChanges, StripeCustomer, StripeRequest
from domain.invoice import LineItem
from projections.change_set import AddLine, RemoveLine, UpdateLine
from projections.remote_invoice import Marks

Form = dict[str, str]
LineChange = RemoveLine | UpdateLine | AddLine


def new_customer(customer: StripeCustomer) -> StripeRequest:
    """Make a customer that carries our organization's id.

    Source: https://docs.stripe.com/api/customers/create
    """
    form = {f"metadata[{ORGANIZATION}]": customer.organization}
    form |= {"name": customer.name} if customer.name else {}
    form |= {"email": customer.email} if customer.email else {}
    return _post("customer", "/v1/customers", form)


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
        "[amount]": str(line.amount),
        "[description]": line.description,
        "[period][start]": str(int(line.period.start.timestamp())),
        "[period][end]": str(int(line.period.end.timestamp()) - 1),
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
    if collection.automatic_tax:
        form["automatic_tax[enabled]"] = "true"
    return form
