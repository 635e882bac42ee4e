"""Stripe's invoices read into our words; its inclusive period ends become half-open."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import stripe

from application.gateway import Renewal
from domain.events.stripe_invoice import ForeignLine
from domain.period import Period
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import (
    Collection,
    Issue,
    Marks,
    RemoteInvoice,
    RemoteLine,
    RemoteStatus,
)

CYCLE = "cycle_id"
REVISION = "revision"
PLAN = "plan"
DIGEST = "digest"
LINE_KEY = "line_key"
ORGANIZATION = "organization"
DAYS = "days_until_due"

CHARGE = "charge_automatically"

Json = Mapping[str, Any]


def plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """Plain dictionaries all the way down; nothing of Stripe's leaves this folder."""
    return dict(thing.to_dict())


def id_of(reference: Any) -> str:
    """The id of an object that may have come as a whole."""
    return str(reference["id"] if isinstance(reference, Mapping) else reference)


def read_invoice(invoice: Json) -> RemoteInvoice:
    """An invoice with the lines that came inline: at most the first ten."""
    lines = invoice.get("lines") or {}
    inline = lines.get("data") or []
    count = lines.get("total_count", len(inline))
    ours, duplicates, foreign = _sorted_out(inline)
    return RemoteInvoice(
        id=invoice["id"],
        status=RemoteStatus(invoice["status"]),
        customer=id_of(invoice["customer"]),
        currency=invoice["currency"],
        lines=ours,
        duplicates=duplicates,
        foreign=foreign,
        line_count=count,
        complete=count == len(inline) and not lines.get("has_more"),
        subtotal=invoice["subtotal"],
        total=invoice["total"],
        marks=read_marks(invoice.get("metadata") or {}),
        issue=_issue(invoice),
        collection=_collection(invoice),
        untaxed=_untaxed(invoice),
        subscription=_subscription(invoice),
    )


def with_lines(seen: RemoteInvoice, lines: Iterable[Json]) -> RemoteInvoice:
    """The same invoice with all its lines."""
    everything = list(lines)
    ours, duplicates, foreign = _sorted_out(everything)
    return replace(
        seen,
        lines=ours,
        duplicates=duplicates,
        foreign=foreign,
        line_count=len(everything),
        complete=True,
    )


def read_renewal(invoice: Json, customer: Json) -> Renewal | None:
    """An invoice of a subscription's renewal, if its customer is one of our organizations.

    Source: https://docs.stripe.com/api/invoices/object#invoice_object-billing_reason
    """
    organization = (customer.get("metadata") or {}).get(ORGANIZATION)
    if not organization:
        return None
    return Renewal(
        invoice=read_invoice(invoice),
        organization=organization,
        subscription=_subscription(invoice) or "",
        ended_at=datetime.fromtimestamp(invoice["period_end"], UTC),
    )


def read_customer(customer: Json) -> RemoteCustomer:
    """A customer; of a deleted one Stripe tells nothing else."""
    if customer.get("deleted"):
        return RemoteCustomer(id=customer["id"], deleted=True)
    return RemoteCustomer(
        id=customer["id"],
        organization=(customer.get("metadata") or {}).get(ORGANIZATION) or None,
        currency=customer.get("currency") or None,
    )


def read_marks(metadata: Json) -> Marks:
    """Our words in an invoice's metadata; whatever a person wrote there instead is no mark."""
    return Marks(
        cycle=str(metadata.get(CYCLE, "")),
        revision=_number(metadata.get(REVISION)),
        plan=_number(metadata.get(PLAN)),
        digest=str(metadata.get(DIGEST, "")),
    )


def instant(seconds: int | None) -> datetime | None:
    """Stripe's seconds since 1970, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _sorted_out(
    lines: Iterable[Json],
) -> tuple[dict[str, RemoteLine], tuple[RemoteLine, ...], tuple[ForeignLine, ...]]:
    ours: dict[str, RemoteLine] = {}
    duplicates: list[RemoteLine] = []
    foreign: list[ForeignLine] = []
    for line in lines:
        key = (line.get("metadata") or {}).get(LINE_KEY)
        if not key:
            foreign.append(_foreign(line))
        elif key in ours:
            duplicates.append(_line(line, key))
        else:
            ours[key] = _line(line, key)
    return ours, tuple(duplicates), tuple(foreign)


def _line(line: Json, key: str) -> RemoteLine:
    start, end = _span(line)
    return RemoteLine(
        id=line["id"],
        key=key,
        amount=line["amount"],
        period=Period(start, end),
        description=line.get("description") or "",
    )


def _foreign(line: Json) -> ForeignLine:
    start, end = _span(line)
    return ForeignLine(
        line=line["id"],
        amount=line["amount"],
        description=line.get("description") or "",
        start=start,
        end=end,
    )


def _span(line: Json) -> tuple[datetime, datetime]:
    start, end = line["period"]["start"], line["period"]["end"] + 1
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def _collection(invoice: Json) -> Collection:
    """How it is collected. Stripe turns the days into a date; we note them in the metadata."""
    method = invoice.get("collection_method") or CHARGE
    days = (invoice.get("metadata") or {}).get(DAYS)
    return Collection(
        method=method,
        days_until_due=(_number(days) or None) if method != CHARGE else None,
        automatic_tax=bool((invoice.get("automatic_tax") or {}).get("enabled")),
    )


def _subscription(invoice: Json) -> str | None:
    """The one that made it, if any did."""
    made_by = (invoice.get("parent") or {}).get("subscription_details") or {}
    return id_of(made_by["subscription"]) if made_by.get("subscription") else None


def _untaxed(invoice: Json) -> int:
    """The total before tax: below the subtotal where somebody gave a discount at Stripe."""
    untaxed = invoice.get("total_excluding_tax")
    return int(invoice["total"] if untaxed is None else untaxed)


def _issue(invoice: Json) -> Issue:
    transitions = invoice.get("status_transitions") or {}
    taxes = invoice.get("total_taxes") or []
    return Issue(
        number=invoice.get("number"),
        tax=sum(tax["amount"] for tax in taxes),
        amount_due=invoice.get("amount_due") or 0,
        amount_paid=invoice.get("amount_paid") or 0,
        amount_remaining=invoice.get("amount_remaining") or 0,
        credited=_credited(invoice),
        attempts=invoice.get("attempt_count") or 0,
        next_attempt_at=instant(invoice.get("next_payment_attempt")),
        due_at=instant(invoice.get("due_date")),
        finalized_at=instant(transitions.get("finalized_at")),
        hosted_url=invoice.get("hosted_invoice_url"),
        pdf_url=invoice.get("invoice_pdf"),
    )


def _credited(invoice: Json) -> int:
    before = invoice.get("pre_payment_credit_notes_amount") or 0
    return before + (invoice.get("post_payment_credit_notes_amount") or 0)


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdecimal() else 0
