"""Invoices in the sandbox: made, changed, listed, deleted."""

from collections.abc import Sequence
from typing import Any

from adapters.sandbox import auto_advance, customers, invoice_items, tax
from adapters.sandbox.ledger import Thing
from adapters.sandbox.metadata import merged, merged_metadata
from adapters.sandbox.paging import listing, within
from adapters.sandbox.refusals import Refused, invalid
from adapters.sandbox.totals import keep, lines_of, recounted, shown
from adapters.sandbox.world import World

Params = dict[str, Any]

DUE_MISSING = (
    "If invoice collection method is 'send_invoice', you must specify 'due_date' or "
    "'days_until_due'."
)
DUE_UNWANTED = (
    "You can only specify 'due_date' or 'days_until_due' if invoice collection method is "
    "'send_invoice'."
)
FINALIZED = "Finalized invoices can't be updated in this way"
NOT_ONE_OFF = "You can only delete draft invoices that are not of a subscription."

AS_GIVEN = (
    *("auto_advance", "collection_method", "custom_fields", "description", "due_date"),
    *("days_until_due", "effective_at", "footer", "number", "statement_descriptor"),
)
"""The parameters that an invoice shows as they were given."""

UNDERSTOOD = frozenset(
    {*AS_GIVEN, "automatic_tax", "automatically_finalizes_at", "currency", "customer", "expand"}
    | {"metadata", "pending_invoice_items_behavior"}
)
AFTER_FINALIZING = frozenset({"auto_advance", "expand", "metadata"})

LIMITS = {"description": 1500, "number": 26, "footer": 5000}


def create(world: World, params: Params) -> Thing:
    """A new draft, with the customer's pending items if that is asked for."""
    customer = world.need("customer", params.get("customer", ""), "customer", status=400)
    _check(params)
    sent = params.get("collection_method") == "send_invoice"
    _check_due(params, sent=sent, dated="days_until_due" in params or "due_date" in params)
    invoice = blank(world, customer, params.get("currency"))
    customers.check_currency(world, customer, invoice["currency"])
    invoice |= _given(params) | {"metadata": merged_metadata({}, params)}
    return begin(world, invoice, params)


def begin(world: World, invoice: Thing, params: Params, own: Sequence[Thing] = ()) -> Thing:
    """Keep a new draft: what was pending, lines of its own, its tax, its plan to finalize."""
    if params.get("pending_invoice_items_behavior") == "include":
        invoice_items.sweep(world, invoice)
    for line in own:
        world.ledger.put("line", line, parent=invoice["id"])
    invoice["automatic_tax"] = tax.automatic(world, invoice, params)
    lines = lines_of(world, invoice["id"])
    tax.check_lines(invoice, lines)
    invoice = auto_advance.begun(world, recounted(invoice, lines), params)
    return keep(world, invoice, "invoice.created", lines)


def retrieve(world: World, params: Params, id_: str) -> Thing:
    """One invoice with its first ten lines."""
    return shown(world, world.need("invoice", id_, "invoice"))


def update(world: World, params: Params, id_: str) -> Thing:
    """A changed invoice; once it is finalized, hardly more than its metadata may change."""
    invoice = world.need("invoice", id_, "id")
    if invoice["status"] != "draft":
        return _touch(world, invoice, params)
    _check(params)
    changed = merged(invoice, _given(params) | _only(params, "metadata"))
    dated = changed["days_until_due"] is not None or changed["due_date"] is not None
    _check_due(params, sent=changed["collection_method"] == "send_invoice", dated=dated)
    changed["automatic_tax"] = tax.automatic(world, invoice, params)
    lines = lines_of(world, id_)
    if params.get("discounts") == "":
        changed = recounted({**changed, "discounts": [], "discounts_given": []}, lines)
    tax.check_lines(changed, lines)
    return keep(world, auto_advance.updated(world, changed, params), "invoice.updated", lines)


def every(world: World, params: Params) -> Thing:
    """Invoices, newest first."""
    listed = listing(
        world.ledger,
        "invoice",
        params,
        "/v1/invoices",
        parent=params.get("customer"),
        matches=lambda invoice: _wanted(invoice, params),
    )
    return {**listed, "data": [shown(world, invoice) for invoice in listed["data"]]}


def delete(world: World, params: Params, id_: str) -> Thing:
    """Nothing left of a draft, nor of its lines and their items."""
    invoice = world.need("invoice", id_, "invoice")
    if invoice["status"] != "draft":
        raise Refused("You can only delete draft invoices.")
    if invoice["parent"]:
        raise Refused(NOT_ONE_OFF)
    world.happened("invoice.deleted", shown(world, invoice))
    for line in lines_of(world, id_):
        invoice_items.destroy(world, line)
    auto_advance.planned(world, invoice | {"auto_advance": False})
    world.ledger.drop(id_)
    return {"id": id_, "object": "invoice", "deleted": True}


def blank(world: World, customer: Thing, currency: str | None) -> Thing:
    """A draft with nothing on it, not kept yet."""
    if currency is not None and not (len(currency) == 3 and currency.isalpha()):
        raise invalid(f"Invalid currency: {currency}", "currency")
    now = world.now()
    amounts = ("amount_due", "amount_paid", "amount_remaining", "amount_overpaid")
    credited = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    later = ("due_date", "days_until_due", "effective_at", "ending_balance", "number")
    texts = ("custom_fields", "description", "footer", "statement_descriptor")
    links = ("hosted_invoice_url", "invoice_pdf", "parent", "last_finalization_error")
    transitions = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    return {
        "id": world.ledger.new_id("in"),
        "object": "invoice",
        "customer": customer["id"],
        "created": now,
        "currency": (currency or customer["currency"] or "usd").lower(),
        "status": "draft",
        "auto_advance": False,
        "attempted": False,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "discounts": [],
        "livemode": False,
        "period_end": now,
        "period_start": now,
        "starting_balance": customer["balance"],
        "status_transitions": dict.fromkeys(transitions),
        **dict.fromkeys((*amounts, *credited, "attempt_count"), 0),
        **dict.fromkeys((*later, *texts, *links)),
    }


def _touch(world: World, invoice: Thing, params: Params) -> Thing:
    """The little that may change of a finalized invoice."""
    for name in sorted(params.keys() - AFTER_FINALIZING):
        raise Refused(FINALIZED, param=name)
    fields = _only(params, "metadata")
    if invoice["status"] == "open":
        fields |= _only(params, "auto_advance")
    return keep(world, merged(invoice, fields), "invoice.updated")


def _wanted(invoice: Thing, params: Params) -> bool:
    named = ("status", "collection_method")
    of = ((invoice.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    return (
        all(params.get(name, invoice[name]) == invoice[name] for name in named)
        and params.get("subscription", of) == of
        and ("due_date" not in params or invoice["due_date"] is not None)
        and within(invoice, "due_date", params.get("due_date"))
    )


def _check(params: Params) -> None:
    """Refuse what is too long, and what the sandbox would ignore in silence."""
    for name in params.keys() - UNDERSTOOD:
        if params[name] not in ("", None, [], {}):
            raise invalid(f"The sandbox does not do {name} of an invoice.", name)
    for name, most in LIMITS.items():
        if len(params.get(name) or "") > most:
            code = "parameter_invalid_string"
            raise invalid(f"Invalid string: must be at most {most} characters", name, code)


def _check_due(params: Params, *, sent: bool, dated: bool) -> None:
    if sent and not dated:
        raise invalid(DUE_MISSING)
    if not sent and ("days_until_due" in params or "due_date" in params):
        raise invalid(DUE_UNWANTED)


def _given(params: Params) -> Params:
    return {name: params[name] for name in AS_GIVEN if name in params}


def _only(params: Params, name: str) -> Params:
    return {name: params[name]} if name in params else {}
