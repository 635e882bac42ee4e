"""Invoices: current and past, why they are what they are, and how they stand at Stripe."""

from typing import Any

from api.auth import READERS, STAFF
from api.chains import chain_of_cycle
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.changes import change_set_json, proof_json, sync_json
from api.schemas.invoices import (
    VOLATILE,
    AsOf,
    CurrentInvoiceSchema,
    InvoiceListQuery,
    InvoicePageSchema,
    InvoiceSchema,
)
from api.schemas.stories import (
    ChangeSetSchema,
    ExplanationQuery,
    ExplanationSchema,
    HistoryQuery,
    HistorySchema,
    ProofSchema,
    SyncResultSchema,
    SyncSchema,
)
from application.views import CurrentView, Explanation, InvoiceView

book = ApiBook("invoices")

ONE = "/v1/invoices/<cycle>"
BAD_GATEWAY = frozenset({502})


@book.op(
    "GET",
    "/v1/organizations/<organization>/invoices/current",
    roles=READERS,
    query=AsOf(),
    out=CurrentInvoiceSchema(),
    volatile=VOLATILE,
)
def current_invoice(organization: str, query: dict[str, Any]) -> CurrentView:
    """The live invoice of the accruing cycle, and ``awaiting``: cycles not yet issued."""
    return wired().invoices.current(organization, **query)


@book.op(
    "GET",
    "/v1/organizations/<organization>/invoices",
    roles=READERS,
    query=InvoiceListQuery(),
    out=InvoicePageSchema(),
)
def list_invoices(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """All invoices of an organization, newest first."""
    wired().registration.get(organization)
    limit = query["limit"]
    found = wired().cycle_lists.invoices(organization, query["cursor"], limit + 1)
    page = found[:limit]
    return {"data": page, "next_cursor": page[-1].cycle if len(found) > limit else None}


@book.op("GET", ONE, roles=READERS, query=AsOf(), out=InvoiceSchema(), volatile=VOLATILE)
def get_invoice(cycle: str, query: dict[str, Any]) -> InvoiceView:
    """One invoice, as it is or as it was."""
    return wired().invoices.get(cycle, **query)


@book.op("GET", f"{ONE}/history", roles=READERS, query=HistoryQuery(), out=HistorySchema())
def invoice_history(cycle: str, query: dict[str, Any]) -> dict[str, Any]:
    """The story, one sentence for each event."""
    limit = query["limit"]
    entries = wired().invoices.history(cycle, after=query["cursor"], limit=limit + 1)
    more = len(entries) > limit
    page = entries[:limit]
    return {"data": page, "next_cursor": str(page[-1].position) if more else None}


@book.op(
    "GET",
    f"{ONE}/lines/<path:line>/explain",
    roles=READERS,
    query=ExplanationQuery(),
    out=ExplanationSchema(),
)
def explain_line(cycle: str, line: str, query: dict[str, Any]) -> Explanation:
    """Why a line comes to what it does, or came to then, from usage records to cents."""
    after = query.pop("cursor")
    return wired().invoices.explain(cycle, line, after=after, **query)


@book.op("GET", f"{ONE}/change-set", roles=STAFF, out=ChangeSetSchema())
def change_set(cycle: str) -> dict[str, Any]:
    """What a sync would change, against Stripe as last recorded. Never asks Stripe."""
    return change_set_json(cycle, wired().reconciler.pending(cycle))


@book.op(
    "POST",
    f"{ONE}/sync",
    roles=STAFF,
    body=SyncSchema(),
    out=SyncResultSchema(),
    also=BAD_GATEWAY,
    example={"force": False, "reason": "the customer waits for it"},
)
def sync_invoice(cycle: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make Stripe's draft equal our invoice now, and prove it."""
    found = wired().conflicts.sync(cycle, principal().actor, **body)
    return sync_json(cycle, found)


@book.op("GET", f"{ONE}/proof", roles=READERS, out=ProofSchema())
def invoice_proof(cycle: str) -> dict[str, Any]:
    """The certificate: what was read at Stripe, when, and whether it equals the books.

    While Stripe is known to differ there is no proof, and ``discrepancies`` say why.
    """
    state, _ = wired().stripe_stream.load(cycle)
    return proof_json(wired().invoices.get(cycle), state, chain_of_cycle(wired(), cycle))
