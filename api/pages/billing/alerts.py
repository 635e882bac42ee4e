"""Spend alerts: be told in time when a bill becomes more than one wants."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from flask import redirect, request

from api.auth import READERS
from api.context import now, wired
from api.endpoint import principal
from api.pages.billing.csv_lines import whole_units
from api.pages.billing.frame import CUSTOMERS, ROOT, framed
from api.pages.page import page, say
from api.pages.typed import minor_units
from api.pages.words import money, number
from application.insight_views import AlertView
from application.views import OrganizationView
from domain.alert import AMOUNT_MAX, PERCENT_MAX, Wanted
from domain.errors import InvalidInput, RuleViolation
from domain.pricing.fields import IDENTIFIER
from projections.customer_words import customer_words

ALERTS = f"{ROOT}/alerts"
AMOUNT, LAST, BUDGET = "amount", "last", "budget"
WATCHED = {
    "spend": "What has come together so far",
    "forecast": "What the bill is expected to come to",
}
"""What an alert looks at."""

LIMITS = {
    AMOUNT: "An amount",
    LAST: "A percentage of my last invoice",
    BUDGET: "A percentage of a budget",
}
"""What a spend is compared with."""

FRESH = {"of": "spend", "limit": AMOUNT}


@page(ALERTS, roles=READERS)
def billing_alerts(organization: str) -> str:
    """The alerts, and a form for one: a new one, or one that is changed."""
    who = wired().registration.get(organization)
    return _listed(who, _known(who, request.args.get("change", "")), {})


@page(ALERTS, roles=CUSTOMERS, method="POST")
def billing_set_alert(organization: str) -> Any:
    """Have an alert. One of that name is changed, and may be reached again."""
    who, values = wired().registration.get(organization), request.form.to_dict()
    wanted, errors = _wanted(values, who.currency)
    name = named(values.get("name", ""))
    if not name:
        errors["name"] = "Give it a name, such as “budget”."
    if not errors:
        try:
            wired().alerts.configure(organization, name, wanted, actor=principal().actor, at=now())
        except InvalidInput as error:
            field = _field(error, values)
            errors[field] = _bounds(field, who.currency)
        except RuleViolation as error:
            errors["name"] = customer_words(error.code)
    if errors:
        return _listed(who, values, errors), 422
    say(f"The alert “{name}” is set. You are told once in each billing period.")
    return redirect(f"/billing/{organization}/alerts", 303)


@page(f"{ALERTS}/<alert>/remove", roles=CUSTOMERS, method="POST")
def billing_remove_alert(organization: str, alert: str) -> Any:
    """Have an alert no more. Twice does nothing."""
    wired().alerts.remove(organization, alert, actor=principal().actor, at=now())
    say("The alert is removed.")
    return redirect(f"/billing/{organization}/alerts", 303)


def _listed(who: OrganizationView, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return framed(
        "alerts.html",
        who.id,
        who,
        alerts=[(each, _told(each)) for each in wired().insight.alerts(who.id)],
        watched=WATCHED,
        limits=LIMITS,
        values={**FRESH, **values},
        errors=errors,
    )


def _told(alert: AlertView) -> str:
    """When somebody is told."""
    if alert.amount is not None:
        return f"{WATCHED[alert.of]} reaches {money(alert.amount, alert.currency)}"
    budget = alert.budget
    base = "my last invoice" if budget is None else f"a budget of {money(budget, alert.currency)}"
    return f"{WATCHED[alert.of]} reaches {alert.percent}% of {base}"


def _known(who: OrganizationView, alert: str) -> Mapping[str, str]:
    """The form's values of an alert that is to be changed; those of a new one otherwise."""
    found = next((each for each in wired().insight.alerts(who.id) if each.alert == alert), None)
    if found is None:
        return {}
    of_last = LAST if found.budget is None else BUDGET
    return {
        "name": found.alert,
        "of": found.of,
        "limit": AMOUNT if found.amount is not None else of_last,
        "amount": _typed(found.amount, found.currency),
        "percent": str(found.percent or ""),
        "budget": _typed(found.budget, found.currency),
    }


def _typed(amount: int | None, currency: str) -> str:
    """An amount as it would be typed."""
    return "" if amount is None else whole_units(amount, currency)


def _wanted(values: Mapping[str, str], currency: str) -> tuple[Wanted, dict[str, str]]:
    """What the form asks for, and what is wrong with it by field."""
    errors: dict[str, str] = {}
    limit, found = values.get("limit", AMOUNT), {}
    if limit in (AMOUNT, BUDGET):
        try:
            found[limit] = minor_units(values.get(limit, "").strip(), currency)
        except InvalidInput as error:
            errors[limit] = _sentence(str(error))
    if limit != AMOUNT:
        percent = values.get("percent", "").strip().removesuffix("%").strip()
        if re.fullmatch(r"[0-9]{1,5}", percent):
            found["percent"] = int(percent)
        else:
            errors["percent"] = "Write a whole number, such as 80."
    return Wanted(of=values.get("of", "spend"), **found), errors


def _field(error: InvalidInput, values: Mapping[str, str]) -> str:
    field = str(error.context.get("field", "name"))
    return field if field in (AMOUNT, "percent", BUDGET) else values.get("limit", AMOUNT)


def _bounds(field: str, currency: str) -> str:
    """What can be watched for, in the field's own unit."""
    if field == "percent":
        return f"Write a percentage from 1 to {PERCENT_MAX:,}."
    least, most = (number(whole_units(each, currency)) for each in (1, AMOUNT_MAX))
    return f"Write an amount from {least} to {most} {currency.upper()}."


def named(text: str) -> str:
    """A name that can stand in addresses, of one that a person typed; empty where none is left.

    >>> named("  Büro Budget! "), named("!!")
    ('buro-budget', '')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-")[:64]
    return name if IDENTIFIER.fullmatch(name) else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
