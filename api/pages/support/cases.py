"""Cases for support: the list, and one with its bound screen and its timeline."""

from typing import Any

from flask import render_template, request

from api.auth import STAFF
from api.context import wired
from api.instants import format_instant
from api.pages.actions import blank, offers
from api.pages.page import page
from api.pages.support.cursors import cursor
from api.pages.support.on_cases import ON_CASES
from api.pages.support.places import INVOICES, case_place
from application.case_views import CaseFilter
from domain.case import STATUSES
from domain.events.case import CaseReported

ALL = "/support/cases"
ROWS = 50
WANTED = ("open", *STATUSES)


@page(ALL, roles=STAFF)
def support_cases() -> str:
    """Cases of all organizations, by status, organization and invoice."""
    typed = {
        name: request.args.get(name, "").strip() for name in ("status", "organization", "cycle")
    }
    status = typed["status"] if typed["status"] in WANTED else None
    wanted = CaseFilter(
        status=status,
        organization=typed["organization"] or None,
        cycle=typed["cycle"] or None,
    )
    found = wired().cases.list(wanted, cursor("after"), ROWS)
    return render_template("support/cases.html", typed=typed, found=found, statuses=WANTED)


@page(f"{ALL}/<case>", roles=STAFF)
def support_case(case: str) -> Any:
    """A case: what was reported, what the customer saw, and what happened since."""
    place = case_place(case)
    view = wired().cases.get(case)
    return render_template(
        "support/case.html",
        place=place,
        view=view,
        timeline=wired().cases.timeline(case, for_staff=True),
        screen=screen_of(view.report),
        since=_since(view.report),
        offers=offers(ON_CASES, place),
        comment=blank(ON_CASES, "comment", place),
    )


def screen_of(report: CaseReported) -> str | None:
    """The address of the very screen that was looked at, if it was an invoice."""
    if report.cycle is None:
        return None
    query = f"known_at={format_instant(report.known_at)}"
    if report.as_of is not None:
        query += f"&as_of={format_instant(report.as_of)}"
    return f"{INVOICES}/{report.cycle}?{query}#replay"


def _since(report: CaseReported) -> str | None:
    """The address of why the invoice changed since."""
    if report.cycle is None:
        return None
    return f"{INVOICES}/{report.cycle}/diff?from={format_instant(report.known_at)}"
