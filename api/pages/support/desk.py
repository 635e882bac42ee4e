"""The desk: finding anybody and anything, and everything that waits for a person."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request

from api.auth import STAFF
from api.context import wired
from api.pages.page import page
from application.case_views import CaseFilter
from domain.errors import InvalidInput
from domain.events.cycle import CycleHeld
from projections.invoice_summary import InvoiceSummary

SHOWN = 8
"""Rows of each list; the rest is on its own page."""

COUNTED_MAX = 200
"""Quarantined records that are counted by their reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """An invoice that waits for a person. hold: who looks into it, and until when."""

    summary: InvoiceSummary
    hold: CycleHeld | None

    @property
    def review_at(self) -> datetime | None:
        """When somebody should have looked at it."""
        return self.hold.review_at if self.hold else None


@page("/support", roles=STAFF)
def desk() -> Any:
    """What waits, and where to look for the rest."""
    text = request.args.get("q", "").strip()
    found, wrong = None, {}
    try:
        found = wired().search.find(text) if text else None
    except InvalidInput as refusal:
        wrong["q"] = str(refusal)
    values = {"q": text, "found": found, "wrong": wrong, **_waiting()}
    return render_template("support/desk.html", **values), 422 if wrong else 200


def _waiting() -> dict[str, Any]:
    """Everything that waits for a person."""
    cases = wired().cases.list(CaseFilter(status="open"), limit=COUNTED_MAX).data
    quarantined = wired().quarantine.list("open", 0, COUNTED_MAX)
    unclear = wired().feedback.list(clear=False, limit=SHOWN)
    return {
        "shown": SHOWN,
        "cases": sorted(cases, key=lambda each: each.reported_at),
        "holds": holds(SHOWN),
        "discrepancies": wired().discrepancies.list(limit=SHOWN).data,
        "parked": wired().sync_queue.list(parked=True, limit=SHOWN),
        "quarantined": Counter(each.code for each in quarantined.data).most_common(),
        "quarantined_more": quarantined.next_cursor is not None,
        "requests": wired().change_requests.list("waiting", limit=SHOWN),
        "unclear": unclear.data,
        "feedback": unclear.counts,
    }


def holds(limit: int) -> list[Hold]:
    """Invoices that are held, by when somebody should look at them."""
    found = [_hold(each) for each in wired().cycle_lists.held(limit)]
    return sorted(
        found, key=lambda each: (each.review_at is None, each.review_at, each.summary.cycle)
    )


def _hold(summary: InvoiceSummary) -> Hold:
    asked = wired().books.snapshot(summary.organization, summary.cycle).asked
    return Hold(summary=summary, hold=asked.cycle.held if asked else None)
