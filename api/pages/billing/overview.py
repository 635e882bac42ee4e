"""The overview: what has accrued, what it will come to, what is due, and how it came about."""

from collections.abc import Sequence
from typing import Any

from flask import redirect
from werkzeug.wrappers import Response

from api.auth import ORGANIZATION, READERS
from api.context import now, wired
from api.endpoint import principal
from api.pages.billing.breakdown import by_service
from api.pages.billing.frame import ROOT, framed
from api.pages.billing.notice_words import notice_words
from api.pages.billing.states import check_of, collection_of, open_invoices, state_of, trouble_of
from api.pages.page import page
from application.notices import Told
from application.views import CurrentView, InvoiceView, OrganizationView
from domain.billing_cycle import UNISSUED
from domain.errors import NotFound
from domain.events.outcome import CreditNoteIssued, RefundRecorded
from domain.identity import parse_cycle_name

NEWS = 3
RECENT = 6
"""Issued invoices that the overview lists; the rest has a page of its own."""

LISTED = 2 * RECENT
"""Among so many they are looked for: the newest are not issued yet."""


@page("/billing", roles=READERS)
def billing_home() -> Response:
    """A customer's own page; colleagues look for one."""
    visitor = principal()
    own = visitor.role == ORGANIZATION
    return redirect(f"/billing/{visitor.organization}" if own else "/support", 303)


@page(ROOT, roles=READERS)
def billing_overview(organization: str) -> str:
    """The overview."""
    who = wired().registration.get(organization)
    return framed("overview.html", organization, who, **_overview(who))


def shown_invoice(view: InvoiceView, who: OrganizationView) -> dict[str, Any]:
    """An invoice with what is said about it."""
    proof = wired().stripe_stream.load(view.invoice.cycle)[0].proof
    return {
        "view": view,
        "services": by_service(view.invoice.lines),
        "check": check_of(view.stripe, proof),
        "state": state_of(view.status, view.held is not None, view.total),
        "collection": collection_of(view, who),
        "trouble": trouble_of(view.outcomes),
        "late": sum(each.amount for each in view.late),
        "late_on": _late_on(view),
        "billed_late": [
            (by if parse_cycle_name(by) else None, sum(lines.values()))
            for by, lines in view.billed_late.items()
        ],
        "credits": [each for each in view.outcomes if isinstance(each, CreditNoteIssued)],
        "refunds": [each for each in view.outcomes if isinstance(each, RefundRecorded)],
    }


def _late_on(view: InvoiceView) -> InvoiceView | None:
    """The invoice, not issued yet, that has what became known late of this one."""
    current = _current(view.invoice.organization) if view.late else None
    if current is None:
        return None
    mine = f"{view.invoice.cycle}/"
    for each in (*current.awaiting, current.invoice):
        corrected = (line.corrects or "" for line in each.invoice.lines)
        if any(line.startswith(mine) for line in corrected):
            return each
    return None


def _overview(who: OrganizationView) -> dict[str, Any]:
    current = _current(who.id)
    awaiting = reversed(current.awaiting) if current else ()
    listed = wired().cycle_lists.invoices(who.id, None, LISTED)
    return {
        "current": shown_invoice(current.invoice, who) if current else None,
        "awaiting": [shown_invoice(view, who) for view in awaiting],
        "balances": wired().holdings.balance(who.id),
        "runs": _runs(who.id, current),
        "due": open_invoices(wired().books.outstanding(who.id), now()),
        "recent": [each for each in listed if each.status not in UNISSUED][:RECENT],
        "news": [(each, notice_words(each)) for each in _unread(who.id)],
        "state_of": state_of,
    }


def _unread(organization: str) -> Sequence[Told]:
    """The latest notices that whoever looks has not read."""
    reader = principal().actor
    return wired().notices.list(organization=organization, reader=reader, unread=True, limit=NEWS)


def _runs(organization: str, current: CurrentView | None) -> bool:
    """Whether anything is attached, though it may not cost anything yet."""
    if current is None or current.invoice.invoice.lines:
        return current is not None
    return bool(wired().holdings.attachments(organization))


def _current(organization: str) -> CurrentView | None:
    """``None`` where it is closed and its last invoice issued."""
    try:
        return wired().invoices.current(organization)
    except NotFound:
        return None
