"""What waits in line: discrepancies, quarantined usage, feedback."""

from typing import Any

from flask import g, redirect, render_template, request
from werkzeug.datastructures import MultiDict

from api.auth import STAFF
from api.context import now, wired
from api.pages.page import page, say
from api.pages.support.cursors import cursor, whole
from api.pages.typed import reason
from application.quarantine import QuarantinePage
from application.replay_preview import ReplayPreview
from domain.errors import CyclebookError, InvalidInput
from projections.sentences.wording import counted

ROWS = 50
QUARANTINE = "/support/quarantine"
STATUSES = ("open", "replayed", "dismissed")
REPLAYED_MAX = 1_000
"""Entries that one form names."""


@page("/support/discrepancies", roles=STAFF)
def support_discrepancies() -> str:
    """Every way in which Stripe differs from the books."""
    found = wired().discrepancies.list(after=cursor("after") or 0, limit=ROWS)
    return render_template("support/discrepancies.html", found=found)


@page("/support/feedback", roles=STAFF)
def support_feedback() -> str:
    """Whether people found their bills clear."""
    unclear = request.args.get("show") != "all"
    after = cursor("after")
    found = wired().feedback.list(clear=False if unclear else None, after=after, limit=ROWS)
    return render_template("support/feedback.html", found=found, unclear=unclear)


@page(QUARANTINE, roles=STAFF)
def support_quarantine() -> str:
    """Usage records that could not be placed."""
    return _quarantine({}, MultiDict())


@page(QUARANTINE, roles=STAFF, method="POST")
def settle_quarantine() -> Any:
    """Replay the chosen ones, or dismiss them."""
    typed = request.form
    try:
        ids = _chosen(typed)
        if typed.get("step") == "replay" and typed.get("sure") != _named(ids):
            shown = wired().replay_previews.preview(ids, actor=g.principal.actor, now=now())
            return _quarantine({}, typed, shown=shown, sure=_named(ids))
        words = _settled(ids, typed)
    except CyclebookError as refusal:
        field = str(refusal.context.get("field") or "ids")
        return _quarantine({field: str(refusal)}, typed), 422
    say(words)
    return redirect(QUARANTINE, 303)


def _chosen(typed: "MultiDict[str, str]") -> list[int]:
    """The records that it is about.

    Raises:
        InvalidInput: nothing is chosen, or no reason given.
    """
    named = typed.getlist("shown" if typed.get("every") == "yes" else "ids")
    ids = [each for each in map(whole, named) if each is not None][:REPLAYED_MAX]
    if not ids:
        raise InvalidInput("choose the records that it is about", field="ids")
    reason(typed.get("reason", ""))
    return ids


def _named(ids: list[int]) -> str:
    """What somebody is sure about: just the records whose replay they were shown."""
    return ",".join(map(str, sorted(ids)))


def _settled(ids: list[int], typed: "MultiDict[str, str]") -> str:
    """Carry it out; in words.

    Raises:
        CyclebookError: as ``Quarantine``.
    """
    why, actor = reason(typed.get("reason", "")), g.principal.actor
    if typed.get("step") == "dismiss":
        dismissed = wired().quarantine.dismiss(ids, why, actor=actor)
        return f"{counted(dismissed, 'usage record')} dismissed."
    done = wired().quarantine.replay(ids, why, actor=actor, now=now())
    return (
        f"{counted(done.replayed, 'usage record')} recorded, {done.still_quarantined} still "
        f"cannot be placed, {done.refused} clash with what was recorded before."
    )


def _quarantine(
    wrong: dict[str, str],
    typed: "MultiDict[str, str]",
    shown: ReplayPreview | None = None,
    sure: str = "",
) -> str:
    """shown: what a replay would do, where that is asked once more. sure: of which records."""
    status = request.args.get("status", "open")
    status = status if status in STATUSES else "open"
    code = request.args.get("code", "")
    found = wired().quarantine.list(status, cursor("after") or 0, ROWS)
    return render_template(
        "support/quarantine.html",
        found=found,
        rows=_of_code(found, code),
        status=status,
        statuses=STATUSES,
        code=code,
        wrong=wrong,
        typed=typed,
        shown=shown,
        sure=sure,
        chosen=set(typed.getlist("ids")),
    )


def _of_code(found: QuarantinePage, code: str) -> list[Any]:
    """The entries of a page with a reason, or all of them."""
    return [each for each in found.data if code in ("", each.code)]
