"""Changes that wait for a second person: looked at, approved, turned down."""

from collections import Counter
from typing import Any

from flask import g, redirect, render_template, request

from api import errors
from api.auth import STAFF
from api.context import now, operations, wired
from api.pages.page import page, say
from api.pages.support.cursors import cursor
from api.pages.support.on_cases import ON_DISCREPANCIES
from api.pages.support.on_invoices import ON_INVOICES
from api.pages.support.on_organizations import ON_ORGANIZATIONS
from api.pages.typed import minor_units, reason
from api.second_person import approve
from application.kept_changes import STATES, WAITING
from domain.errors import CyclebookError, InvalidInput

ALL = "/support/change-requests"
ONE = f"{ALL}/<change>"
ROWS = 50
AMOUNTS = ("amount", "reduce_due", "refund", "credit_balance", "out_of_band")
"""What bodies have in minor units."""


@page(ALL, roles=STAFF)
def support_change_requests() -> str:
    """Changes that wait, or what became of them."""
    state = request.args.get("state", WAITING)
    state = state if state in STATES else WAITING
    before = cursor("before")
    found = wired().change_requests.list(state, str(before) if before else None, ROWS + 1)
    return render_template(
        "support/change_requests.html",
        found=found[:ROWS],
        more=found[ROWS - 1].id if len(found) > ROWS else None,
        state=state,
        states=STATES,
        titles=titles(),
        now=now(),
    )


@page(ONE, roles=STAFF)
def support_change_request(change: str) -> str:
    """One of them, with what it would do."""
    return _shown(change, {}, {})


@page(ONE, roles=STAFF, method="POST")
def decide_change(change: str) -> Any:
    """Approve it, which carries it out, or turn it down."""
    try:
        said = _decided(change)
    except CyclebookError as refusal:
        field = refusal.context.get("field") or "anywhere"
        status = errors.refused(refusal).status_code
        return _shown(change, {str(field): str(refusal)}, request.form), status
    say(said)
    return redirect(ALL, 303)


def _decided(change: str) -> str:
    """Carry the decision out; in words.

    Raises:
        CyclebookError: as the decision.
    """
    typed = request.form.get("reason", "").strip()
    if request.form.get("step") != "approve":
        wired().change_requests.reject(change, reason(typed), actor=g.principal.actor)
        return "Turned down."
    digest = request.form.get("digest") or None
    approve(
        change,
        g.principal,
        reason=reason(typed) if typed else None,
        up_to=_up_to(change),
        digest=digest,
    )
    return "Approved, and carried out."


def _up_to(change: str) -> int | None:
    """Minor units that are accepted whatever changed since it was shown, if any are said."""
    text = request.form.get("up_to", "").strip()
    if not text:
        return None
    currency = wired().change_requests.get(change).stake.currency
    try:
        return minor_units(text, currency)
    except InvalidInput as refusal:
        raise InvalidInput(str(refusal), field="up_to") from None


def titles() -> dict[str, str]:
    """What operations are called, by their names: as their forms are, where one does just that."""
    told = {
        name: (op.view.__doc__ or name).partition("\n")[0].partition(". ")[0].rstrip(".")
        for name, op in operations().items()
    }
    actions = [*ON_INVOICES.values(), *ON_ORGANIZATIONS.values(), *ON_DISCREPANCIES.values()]
    forms = Counter(each.op for each in actions)
    return told | {each.op: each.title for each in actions if forms[each.op] == 1}


def _shown(change: str, wrong: dict[str, str], typed: Any) -> str:
    found = wired().change_requests.get(change)
    return render_template(
        "support/change_request.html",
        found=found,
        state=found.state(now()),
        own=found.actor == g.principal.actor,
        titles=titles(),
        amounts=AMOUNTS,
        wrong=wrong,
        typed=typed,
    )
