"""One invoice for support: as it is and as it was, why, its story, and how it stands at Stripe."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, request

from api.auth import STAFF
from api.context import wired
from api.pages.action import Place
from api.pages.actions import offers
from api.pages.page import page
from api.pages.support.cursors import cursor
from api.pages.support.differing import difference
from api.pages.support.on_invoices import ON_INVOICES
from api.pages.support.places import invoice_place, told_place
from api.pages.support.replaying import Moment, compared, moment, told_at
from api.pages.typed import instant
from application.views import HistoryEntry, InvoiceView
from domain.errors import InvalidInput, NotFound
from projections.history import describe

ONE = "/support/invoices/<cycle>"
RECENT = 12
"""Events of the story that the invoice's own page shows."""

STORY_PAGE = 50
RECORDS_PAGE = 50


@page(ONE, roles=STAFF)
def support_invoice(cycle: str) -> Any:
    """An invoice, as of any instant."""
    place = invoice_place(cycle)
    story = wired().invoices.history(cycle)
    values = _replayed(place, story)
    if request.headers.get("HX-Request"):
        return render_template("support/_replay.html", **values)
    return render_template(
        "support/invoice.html",
        **values,
        offers=offers(ON_INVOICES, place),
        recent=story[-RECENT:][::-1],
        events=len(story),
        unpriced=_unpriced(place),
        outcomes=[
            (each.at, describe(each, place.where.currency)) for each in _view(place).outcomes
        ],
    )


def _replayed(place: Place, story: tuple[HistoryEntry, ...]) -> dict[str, Any]:
    """The invoice where the slider stands, beside the invoice now."""
    now, wrong = _view(place), {}
    try:
        at = moment(request.args, story, place.where.zone)
    except InvalidInput as refusal:
        at, wrong = moment({}, story, place.where.zone), {"instant": str(refusal)}
    then: InvoiceView | None = now
    if not at.is_now:
        then, words = _then(now.invoice.cycle, at)
        wrong |= {"instant": words} if words else {}
    return {
        "place": place,
        "now_view": now,
        "then": then,
        "moment": at,
        "told": told_at(story, at),
        "lines": compared(then.invoice if then else None, now.invoice),
        "wrong": wrong,
        "typed": {name: request.args.get(name, "") for name in ("as_of", "known_at")},
    }


def _unpriced(place: Place) -> Sequence[tuple[str, str]]:
    """What meters are called whose usage nothing prices, and their ids."""
    view = _view(place)
    ids = sorted({each.meter for each in view.unpriced})
    if not ids:
        return []
    words = wired().invoices.meters(view.invoice.organization, view.invoice.cycle)
    return [(words.name(each), each) for each in ids]


def _view(place: Place) -> InvoiceView:
    assert place.view is not None  # an invoice's place has it
    return place.view


def _then(cycle: str, at: Moment) -> tuple[InvoiceView | None, str | None]:
    """The invoice at a moment, or why there was none."""
    try:
        return wired().invoices.get(cycle, as_of=at.as_of, known_at=at.known_at), None
    except (NotFound, InvalidInput) as refusal:
        return None, str(refusal)


@page(f"{ONE}/story", roles=STAFF)
def support_story(cycle: str) -> str:
    """The whole story, oldest first."""
    place = told_place(cycle)
    after = cursor("after") or 0
    found = wired().invoices.history(cycle, after=after, limit=STORY_PAGE + 1)
    shown = found[:STORY_PAGE]
    return render_template(
        "support/story.html",
        place=place,
        entries=shown,
        begins=after == 0,
        more=shown[-1].position if len(found) > STORY_PAGE else None,
    )


@page(f"{ONE}/diff", roles=STAFF)
def support_diff(cycle: str) -> Any:
    """Why its amount changed between two instants."""
    place = told_place(cycle)
    typed = {name: request.args.get(name, "").strip() for name in ("from", "to")}
    wrong: dict[str, str] = {}
    found = None
    try:
        if typed["from"]:
            since = instant(typed["from"], place.where.zone)
            until = instant(typed["to"], place.where.zone) if typed["to"] else None
            found = wired().diffing.diff(cycle, since, until)
    except (InvalidInput, NotFound) as refusal:
        wrong["from"] = str(refusal)
    values = {"place": place, "typed": typed, "wrong": wrong, "found": found}
    return render_template("support/diff.html", **values), 422 if wrong else 200


@page(f"{ONE}/lines/<path:line>", roles=STAFF)
def support_line(cycle: str, line: str) -> str:
    """Why a line comes to what it does, or came to then, down to its usage records."""
    place = told_place(cycle)
    after, zone = request.args.get("after"), place.where.zone
    asked = {name: request.args.get(name, "").strip() for name in ("as_of", "known_at")}
    then = {name: instant(text, zone) if text else None for name, text in asked.items()}
    found = wired().invoices.explain(cycle, line, after=after, limit=RECORDS_PAGE, **then)
    return render_template("support/line.html", place=place, found=found, then=then)


@page(f"{ONE}/stripe", roles=STAFF)
def support_plan(cycle: str) -> str:
    """The books beside Stripe as it was last recorded. Never asks Stripe."""
    place = invoice_place(cycle)
    state, _ = wired().stripe_stream.load(cycle)
    changes = wired().reconciler.pending(cycle)
    keys = sorted({line.key for line in _view(place).invoice.lines} | state.lines.keys())
    ours = {line.key: line for line in changes.invoice.lines}
    rows = [(key, ours.get(key), state.lines.get(key)) for key in keys]
    return render_template(
        "support/plan.html",
        place=place,
        view=_view(place),
        state=state,
        changes=changes,
        rows=rows,
        difference=difference,
    )
