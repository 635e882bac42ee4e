"""What a person decides where Stripe does not hold what the books say."""

from typing import Any

from api.auth import STAFF
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.changes import proof_json, sync_json
from api.schemas.conflicts import DismissSchema, EditsSchema
from api.schemas.stories import ProofSchema, SyncResultSchema

book = ApiBook("conflicts")

ONE = "/v1/invoices/<cycle>"


@book.op(
    "POST",
    f"{ONE}/stripe-edits",
    roles=STAFF,
    body=EditsSchema(),
    out=SyncResultSchema(),
    also=frozenset({502}),
    example={"decision": "adopt", "reason": "agreed with the customer"},
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
    state, _ = wired().stripe_stream.load(cycle)
    return proof_json(wired().invoices.get(cycle), state)
