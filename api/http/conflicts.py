"""What a person decides where Stripe does not hold what the books say."""

from typing import Any

from api.auth import STAFF
from api.chains import chain_of_cycle
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.changes import proof_json, sync_json
from api.schemas.conflicts import (
    DiscrepancyListQuery,
    DismissSchema,
    EditsSchema,
    OpenDiscrepancyPageSchema,
    ResolveDiscrepancySchema,
)
from api.schemas.stories import ProofSchema, SyncResultSchema
from api.weighing import by_discrepancy, by_edits
from application.discrepancies import DiscrepancyFilter

book = ApiBook("conflicts")

ONE = "/v1/invoices/<cycle>"
ALL = "/v1/discrepancies"


@book.op(
    "POST",
    f"{ONE}/stripe-edits",
    roles=STAFF,
    body=EditsSchema(),
    out=SyncResultSchema(),
    also=frozenset({502}),
    example={"decision": "adopt", "reason": "agreed with the customer"},
    keyed=True,
    second=by_edits,
)
def decide_edits(cycle: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a draft that others changed ours again, or take the changes over; then sync."""
    conflicts, actor = wired().conflicts, principal().actor
    conflicts.decide(cycle, body["decision"], body["reason"], actor=actor)
    return sync_json(cycle, conflicts.sync(cycle, actor))


@book.op(
    "POST",
    f"{ONE}/discrepancies/dismiss",
    roles=STAFF,
    body=DismissSchema(),
    out=ProofSchema(),
    example={"discrepancy": "status", "reason": "voided with the customer's consent"},
)
def dismiss_discrepancy(cycle: str, body: dict[str, Any]) -> dict[str, Any]:
    """Accept that Stripe differs in one way, for as long as it differs just so."""
    actor = principal().actor
    wired().conflicts.dismiss(cycle, body["discrepancy"], body["reason"], actor=actor)
    return _proof(cycle)


@book.op("GET", ALL, roles=STAFF, query=DiscrepancyListQuery(), out=OpenDiscrepancyPageSchema())
def list_discrepancies(query: dict[str, Any]) -> dict[str, Any]:
    """Every way in which Stripe differs from the books now, over all cycles, the oldest first."""
    after, limit = query.pop("cursor"), query.pop("limit")
    page = wired().discrepancies.list(DiscrepancyFilter(**query), after, limit)
    cursor = page.next_cursor
    return {"data": page.data, "next_cursor": None if cursor is None else str(cursor)}


@book.op(
    "POST",
    f"{ALL}/<discrepancy>/resolve",
    roles=STAFF,
    body=ResolveDiscrepancySchema(),
    out=ProofSchema(),
    also=frozenset({502}),
    example={"how": "overwrite", "reason": "changed by mistake"},
    keyed=True,
    second=by_discrepancy,
)
def resolve_discrepancy(discrepancy: str, body: dict[str, Any]) -> dict[str, Any]:
    """Adopt what others did to a draft, overwrite it, or accept that Stripe differs so."""
    found = wired().discrepancies.resolve(
        discrepancy, body["how"], body["reason"], actor=principal().actor
    )
    return _proof(found.cycle)


def _proof(cycle: str) -> dict[str, Any]:
    state, _ = wired().stripe_stream.load(cycle)
    return proof_json(wired().invoices.get(cycle), state, chain_of_cycle(wired(), cycle))
