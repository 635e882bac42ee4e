"""Sentences about an organization: who pays, and by which rules."""

from dataclasses import replace

from domain.events.organization import (
    AlertConfigured,
    AlertRemoved,
    AnchorMoved,
    CreditExpired,
    CreditGranted,
    CurrencyChanged,
    MemberAdded,
    MemberRemoved,
    OrganizationClosed,
    OrganizationRegistered,
    OrganizationReopened,
    PersonalDataErased,
    PolicyChanged,
    StripeCustomerLinked,
)
from projections.sentences.wording import Context, Sentences, because, in_brackets, minute


def _registered(event: OrganizationRegistered, context: Context) -> str:
    return (
        f"Organization {event.organization} registered: billed in {event.currency.upper()} "
        f"from day {event.anchor_day} of the month, {event.time_zone} time"
    )


def _moved(event: AnchorMoved, context: Context) -> str:
    return (
        f"Billed from day {event.anchor_day} of the month, {event.time_zone} time, "
        "once the open cycle ends"
    )


def _policies(event: PolicyChanged, context: Context) -> str:
    changes = (f"{name} is now {value}" for name, value in sorted(event.policies.items()))
    return f"Policies changed: {', '.join(changes)}"


def _granted(event: CreditGranted, context: Context) -> str:
    until = f", until {minute(event.expires_at)}" if event.expires_at else ""
    amount = replace(context, currency=event.currency).money(event.amount)
    return f"Credit {event.credit} of {amount} granted{until}{in_brackets(event.reason)}"


def _expired(event: CreditExpired, context: Context) -> str:
    return f"Credit {event.credit} expired: {context.money(event.amount)} of it were not used"


def _alert(event: AlertConfigured, context: Context) -> str:
    return f"Alert {event.alert}: told once in each cycle when {alert_words(event)}"


def alert_words(alert: AlertConfigured) -> str:
    """What has to happen for an alert."""
    what = "the forecast of the bill" if alert.of == "forecast" else "what is earned so far"
    money = Context(currency=alert.currency).money
    if alert.amount is not None:
        return f"{what} reaches {money(alert.amount)}"
    base = "the last invoice" if alert.budget is None else f"a budget of {money(alert.budget)}"
    return f"{what} reaches {alert.percent or 100} % of {base}"


SENTENCES: Sentences = {
    OrganizationRegistered: _registered,
    AnchorMoved: _moved,
    MemberAdded: lambda event, _: f"User {event.user} is {event.role}",
    MemberRemoved: lambda event, _: f"User {event.user} left the organization",
    PersonalDataErased: lambda event, _: f"What was kept of user {event.user} was erased",
    PolicyChanged: _policies,
    CreditGranted: _granted,
    CreditExpired: _expired,
    CurrencyChanged: lambda event, _: (
        f"Billed in {event.currency.upper()} once the open cycle ends"
    ),
    StripeCustomerLinked: lambda event, _: f"Stripe customer {event.customer} linked",
    AlertConfigured: _alert,
    AlertRemoved: lambda event, _: f"Alert {event.alert} removed",
    OrganizationClosed: lambda event, _: (
        f"Organization closed{because(event.reason)}; a final invoice follows"
    ),
    OrganizationReopened: lambda event, _: (
        f"Organization reopened{because(event.reason)}; a new cycle begins"
    ),
}
