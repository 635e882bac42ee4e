"""Invoices: the list of them, and one with its lines, its story and its figures as a file."""

from collections.abc import Mapping
from datetime import date, datetime, time

from flask import Response, request

from api.auth import READERS
from api.context import now, wired
from api.endpoint import principal
from api.pages.billing.compared import compared
from api.pages.billing.csv_lines import written_lines
from api.pages.billing.frame import INVOICE, ROOT, framed, require_own
from api.pages.billing.overview import shown_invoice
from api.pages.billing.states import state_of
from api.pages.page import page
from application.diffing import InvoiceDiff
from application.views import InvoiceView
from domain.errors import InvalidInput, MonthArchived
from domain.period import zone
from projections.customer_story import cause_words, customer_story

PAGE = 24
IMPORTED_MAX = 120
"""Invoices of another biller that are shown below our own: ten years of months."""


@page(f"{ROOT}/invoices", roles=READERS)
def billing_invoices(organization: str) -> str:
    """All invoices, newest first."""
    after = request.args.get("after")
    if after is not None:
        require_own(organization, after)
    found = wired().cycle_lists.invoices(organization, after, PAGE + 1)
    last = len(found) <= PAGE
    return framed(
        "invoices.html",
        organization,
        imported=wired().shadowing.history.of(organization, None, IMPORTED_MAX) if last else (),
        invoices=[each for each in found[:PAGE] if each.starts <= now()],
        after=found[PAGE - 1].cycle if len(found) > PAGE else None,
        state_of=state_of,
    )


@page(INVOICE, roles=READERS)
def billing_invoice(organization: str, cycle: str) -> str:
    """One invoice, to read and to print."""
    require_own(organization, cycle)
    return invoice_page(organization, cycle, {}, {})


def invoice_page(
    organization: str, cycle: str, values: Mapping[str, str], errors: Mapping[str, str]
) -> str:
    """An invoice's page. values, errors: of the question under it."""
    who, view = wired().registration.get(organization), wired().invoices.get(cycle)
    return framed(
        "invoice.html",
        organization,
        who,
        **shown_invoice(view, who),
        before=_before(organization, cycle),
        answer=wired().feedback.of(cycle, principal().actor),
        values=values,
        errors=errors,
    )


@page(f"{INVOICE}/lines.csv", roles=READERS)
def billing_lines(organization: str, cycle: str) -> Response:
    """The lines as a file for a spreadsheet."""
    require_own(organization, cycle)
    view = wired().invoices.get(cycle)
    response = Response(written_lines(view.invoice), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{cycle}.csv"'
    return response


@page(f"{INVOICE}/story", roles=READERS)
def billing_story(organization: str, cycle: str) -> str:
    """What happened, oldest first."""
    require_own(organization, cycle)
    view = wired().invoices.get(cycle)
    entries = tuple(customer_story(wired().invoices.events(cycle), view.invoice.currency))
    return framed("story.html", organization, view=view, entries=entries)


@page(f"{INVOICE}/changes", roles=READERS)
def billing_changes(organization: str, cycle: str) -> str:
    """Why it is not what it was: since a day, and against the invoice before."""
    require_own(organization, cycle)
    who, view = wired().registration.get(organization), wired().invoices.get(cycle)
    since = request.args.get("since", "")
    errors: dict[str, str] = {}
    diff: InvoiceDiff | None = None
    if since:
        try:
            diff = wired().diffing.diff(cycle, _day(since, who.time_zone))
        except InvalidInput as error:
            errors["since"] = str(error)
    before = _before(organization, cycle)
    return framed(
        "changes.html",
        organization,
        who,
        view=view,
        before=before,
        compared=compared(before.invoice, view.invoice) if before else (),
        values={"since": since},
        errors=errors,
        diff=diff,
        causes=_causes(diff),
    )


def _causes(diff: InvoiceDiff | None) -> tuple[tuple[str, int], ...]:
    """What changed it, in words, and by how much in minor units."""
    if diff is None:
        return ()
    return tuple((cause_words(each, diff.currency), each.amount) for each in diff.causes)


def _day(text: str, zone_name: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("Choose a day, such as 2026-01-31", field="since") from None
    at = datetime.combine(day, time(), zone(zone_name))
    if at > now():
        raise InvalidInput("Choose a day that is over", field="since")
    return at


def _before(organization: str, cycle: str) -> InvoiceView | None:
    """The invoice before, in the same currency; ``None`` where its details are archived."""
    found = wired().cycle_lists.invoices(organization, cycle, 1)
    try:
        return wired().invoices.get(found[0].cycle) if found else None
    except MonthArchived:
        return None
