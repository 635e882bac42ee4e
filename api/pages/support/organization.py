"""One organization for support: who it is, what it has and owes, and its usage."""

from datetime import datetime
from typing import Any

from flask import render_template, request

from api.auth import STAFF
from api.context import now, wired
from api.pages.actions import offers
from api.pages.page import page
from api.pages.support.cursors import cursor
from api.pages.support.on_organizations import ON_ORGANIZATIONS
from api.pages.support.places import discounts, organization_place
from api.pages.typed import Where, instant
from application.case_views import CaseFilter
from application.notices import KINDS
from application.usage_records import Wanted
from application.views import CurrentView
from domain.errors import InvalidInput, MonthArchived, NotFound

ONE = "/support/organizations/<organization>"
INVOICES_SHOWN = 12
CASES_SHOWN = 10
USAGE_PAGE = NOTICES_PAGE = 50
CONDITIONS = ("meter", "source", "id")


@page(ONE, roles=STAFF)
def support_organization(organization: str) -> str:
    """An organization at a glance."""
    place = organization_place(organization)
    return render_template(
        "support/organization.html",
        place=place,
        known=wired().registration.get(organization),
        current=_current(organization),
        invoices=wired().cycle_lists.invoices(organization, None, INVOICES_SHOWN),
        attachments=wired().holdings.attachments(organization),
        balance=wired().holdings.balance(organization),
        credits=wired().holdings.credits(organization),
        discounts=discounts(organization),
        prices=wired().publishing.overrides(organization, now()),
        cases=wired().cases.list(CaseFilter(organization=organization), limit=CASES_SHOWN).data,
        offers=offers(ON_ORGANIZATIONS, place),
    )


def _current(organization: str) -> CurrentView | None:
    """The current invoice; ``None`` once the organization is closed and its last one issued."""
    try:
        return wired().invoices.current(organization)
    except NotFound:
        return None


@page(f"{ONE}/usage", roles=STAFF)
def support_usage(organization: str) -> Any:
    """Usage records in the books, by meter, time, source and id."""
    place = organization_place(organization)
    typed = {name: request.args.get(name, "").strip() for name in (*CONDITIONS, "from", "to")}
    wrong: dict[str, str] = {}
    found = None
    try:
        wanted = _wanted(organization, typed, place.where)
        found = wired().usage_records.page(wanted, request.args.get("cursor"), USAGE_PAGE)
    except InvalidInput as refusal:
        wrong[str(refusal.context.get("field", "from"))] = str(refusal)
    except MonthArchived as refusal:
        wrong["from"] = f"{refusal}; or look from a later day on"
    meters = wired().invoices.meters(organization)
    values = {"place": place, "typed": typed, "wrong": wrong, "found": found, "meters": meters}
    return render_template("support/usage.html", **values), 422 if wrong else 200


@page(f"{ONE}/notices", roles=STAFF)
def support_notices(organization: str) -> str:
    """What there was to tell about an organization, and what of it the customer sees."""
    place = organization_place(organization)
    found = wired().notices.everything(
        organization=organization, before=cursor("before"), limit=NOTICES_PAGE + 1
    )
    return render_template(
        "support/notices.html",
        place=place,
        notices=found[:NOTICES_PAGE],
        more=found[NOTICES_PAGE - 1].number if len(found) > NOTICES_PAGE else None,
        kinds=KINDS,
    )


def _wanted(organization: str, typed: dict[str, str], where: Where) -> Wanted:
    """What is searched for.

    Raises:
        InvalidInput: an instant cannot be read; ``field`` names it.
    """
    return Wanted(
        organization=organization,
        meter=typed["meter"] or None,
        source=typed["source"] or None,
        id=typed["id"] or None,
        start=_bound("from", typed, where),
        end=_bound("to", typed, where),
    )


def _bound(name: str, typed: dict[str, str], where: Where) -> datetime | None:
    try:
        return instant(typed[name], where.zone) if typed[name] else None
    except InvalidInput as refusal:
        raise InvalidInput(str(refusal), field=name) from None
