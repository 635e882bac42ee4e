"""Reporting a problem with a bill, and what becomes of it."""

import secrets
from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response

from api.auth import READERS
from api.context import now, wired
from api.endpoint import principal
from api.pages.billing.breakdown import described
from api.pages.billing.frame import CUSTOMERS, ROOT, asked_number, framed, require_own
from api.pages.billing.screen import FIELDS, screen_of
from api.pages.page import page, say
from application.case_screens import NewCase
from application.case_views import SUPPORT, CaseFilter
from domain.case import CUSTOMER, PUBLIC
from domain.errors import InvalidInput, RuleViolation
from projections.customer_words import customer_words

CASES = f"{ROOT}/cases"
ONE = f"{CASES}/<case>"
LIMIT = 50
WRITE = "Write what is wrong, in at most 4,000 characters."

STATE_WORDS = {
    "reported": ("We have received it", "wait"),
    "acknowledged": ("We are looking into it", "wait"),
    "resolved": ("Answered", "good"),
    "reopened": ("Open again", "wait"),
}
"""A case's status for whoever reported it."""

ANSWERS = {
    "explained": "The bill is right; here is why",
    "corrected": "We have corrected the bill",
    "credited": "We have given you a credit",
    "not_a_problem": "There is nothing to change",
}
"""What was found, for whoever reported it."""


@page(CASES, roles=READERS)
def billing_cases(organization: str) -> str:
    """What was reported, newest first."""
    wanted = CaseFilter(organization=organization)
    found = wired().cases.list(wanted, asked_number("after"), LIMIT)
    return framed("cases.html", organization, cases=found, states=STATE_WORDS)


@page(f"{CASES}/new", roles=READERS)
def billing_new_case(organization: str) -> str:
    """The form, about what was on the screen before."""
    return _form(organization, request.args.to_dict(), {})


@page(CASES, roles=CUSTOMERS, method="POST")
def billing_report(organization: str) -> Any:
    """Report a problem. The same form twice is one report."""
    values = request.form.to_dict()
    try:
        screen = screen_of(_own(organization, values))
        new = NewCase(
            text=values.get("text", ""),
            case=values.get("case") or None,
            cycle=screen.invoice.invoice.cycle if screen else None,
            line=screen.line if screen else None,
            known_at=screen.known_at if screen else None,
        )
        receipt = wired().cases.report(
            organization, new, by=CUSTOMER, actor=principal().actor, at=now()
        )
    except InvalidInput as error:
        return _form(organization, values, {"text": _asked_for(error)}), 422
    say("Thank you. We have received your report and will answer here.")
    return _to_case(organization, receipt.case)


@page(ONE, roles=READERS)
def billing_case(organization: str, case: str) -> str:
    """One report, and all that was said about it."""
    return _case(organization, case)


@page(f"{ONE}/comments", roles=CUSTOMERS, method="POST")
def billing_comment(organization: str, case: str) -> Any:
    """Write something."""
    wired().cases.get(case, organization)
    text = request.form.get("text", "")
    try:
        wired().cases.comment(case, text, PUBLIC, by=CUSTOMER, actor=principal().actor, at=now())
    except (InvalidInput, RuleViolation) as error:
        return _case(organization, case, {"text": text}, error), 422
    say("Your message is sent.")
    return _to_case(organization, case)


@page(f"{ONE}/reopen", roles=CUSTOMERS, method="POST")
def billing_reopen(organization: str, case: str) -> Any:
    """Say why the answer will not do."""
    wired().cases.get(case, organization)
    text = request.form.get("text", "")
    try:
        wired().cases.reopen(case, text, by=CUSTOMER, actor=principal().actor, at=now())
    except (InvalidInput, RuleViolation) as error:
        return _case(organization, case, {"text": text}, error), 422
    say("Your report is open again.")
    return _to_case(organization, case)


def _form(organization: str, values: dict[str, str], errors: dict[str, str]) -> str:
    try:
        screen = screen_of(_own(organization, values))
    except InvalidInput as error:
        screen, values = None, {"text": values.get("text", "")}
        errors = {"text": _asked_for(error), **errors}
    kept = {name: values[name] for name in FIELDS if screen and values.get(name)}
    return framed(
        "new_case.html",
        organization,
        screen=screen,
        kept=kept,
        case=values.get("case") or secrets.token_hex(8),
        values=values,
        errors=errors,
    )


def _own(organization: str, values: dict[str, str]) -> dict[str, str]:
    if cycle := values.get("cycle"):
        require_own(organization, cycle)
    return values


def _case(
    organization: str,
    case: str,
    values: dict[str, str] | None = None,
    error: InvalidInput | RuleViolation | None = None,
) -> str:
    view, who = wired().cases.get(case, organization), wired().registration.get(organization)
    return framed(
        "case.html",
        organization,
        who,
        case=view,
        names={SUPPORT: SUPPORT} | {f"member:{each.user}": each.user for each in who.members},
        line=_described(view.report.cycle, view.report.line),
        timeline=wired().cases.timeline(case, False, organization),
        states=STATE_WORDS,
        answers=ANSWERS,
        reopenable=view.reopen_until is not None and now() <= view.reopen_until,
        values=values or {},
        errors={"text": _asked_for(error)} if error else {},
    )


def _described(cycle: str | None, line: str | None) -> str | None:
    """What the line is called now; its key where it is gone."""
    if cycle is None or line is None:
        return None
    lines = wired().invoices.get(cycle).invoice.lines
    return next((described(each) for each in lines if each.key == line), line)


def _asked_for(error: InvalidInput | RuleViolation) -> str:
    """What is wrong with the text, or why it cannot be sent."""
    if isinstance(error, RuleViolation):
        return customer_words(error.code)
    text = str(error)
    return WRITE if "text must be" in text else f"{text[:1].upper()}{text[1:]}."


def _to_case(organization: str, case: str) -> Response:
    return redirect(f"/billing/{organization}/cases/{case}", 303)
