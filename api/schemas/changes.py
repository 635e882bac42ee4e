"""What a sync would change, did and found, as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from application.sync import SyncResult
from application.views import InvoiceView
from domain.errors import UnsafeChangeSet
from domain.events.stripe_invoice import Discrepancy
from domain.stripe_invoice import StripeInvoice
from projections.change_set import AddLine, ChangeSet, RemoveLine, UpdateDraft, UpdateLine


def change_set_json(cycle: str, changes: ChangeSet) -> dict[str, Any]:
    """A change-set."""
    listed = changes_json(changes)
    touched = sum(1 for each in listed if each["op"] != "remove")
    return {
        "cycle": cycle,
        "terms": _terms(changes),
        "changes": listed,
        "unchanged": len(changes.invoice.lines) - touched,
        "foreign": [
            {"line": each.line, "amount": each.amount, "description": each.description}
            for each in changes.foreign
        ],
        "calls": changes.calls,
        "unsafe": _unsafe(changes),
    }


def changes_json(changes: ChangeSet) -> list[dict[str, Any]]:
    """Its line changes."""
    removed = [
        ("remove", each.remote.key, each.remote.amount, None, ()) for each in changes.of(RemoveLine)
    ]
    updated = [
        ("update", each.line.key, each.remote.amount, each.line.amount, each.differs)
        for each in changes.of(UpdateLine)
    ]
    added = [("create", each.line.key, None, each.line.amount, ()) for each in changes.of(AddLine)]
    return [
        {"op": op, "key": key, "was": was, "becomes": becomes, "differs": list(differs)}
        for op, key, was, becomes, differs in [*removed, *updated, *added]
    ]


def sync_json(cycle: str, result: SyncResult) -> dict[str, Any]:
    """What a sync did and found."""
    return {
        "cycle": cycle,
        "invoice": result.invoice,
        "terms": _terms(result.changes),
        "changes": changes_json(result.changes),
        "writes": result.writes,
        "proved_at": result.proof.read_at if result.proof else None,
        "discrepancies": list(discrepancies_json(result.discrepancies)),
    }


def proof_json(
    invoice: InvoiceView, state: StripeInvoice, chain: Mapping[str, Any]
) -> dict[str, Any]:
    """The certificate of an invoice; while Stripe is known to differ there is no proof."""
    proof = None if state.discrepancies else state.proof
    return {
        "cycle": invoice.invoice.cycle,
        "invoice": proof.invoice if proof else state.invoice,
        "digest": invoice.digest,
        "proved_digest": proof.digest if proof else None,
        "proved_at": proof.read_at if proof else None,
        "lines": proof.lines if proof else None,
        "total": proof.total if proof else None,
        "policy": proof.policy if proof else None,
        "problem": invoice.stripe.problem,
        "discrepancies": discrepancies_json(state.discrepancies.values()),
        "chain": chain,
    }


def discrepancies_json(found: Iterable[Discrepancy]) -> list[dict[str, str]]:
    """Ways in which Stripe differs."""
    return [
        {
            "id": each.id,
            "kind": each.kind,
            "key": each.key,
            "ours": each.ours,
            "theirs": each.theirs,
        }
        for each in found
    ]


def _terms(changes: ChangeSet) -> str | None:
    return next((each.told for each in changes.of(UpdateDraft)), None)


def _unsafe(changes: ChangeSet) -> str | None:
    try:
        changes.raise_if_unsafe()
    except UnsafeChangeSet as refusal:
        return str(refusal)
    return None
