"""An organization: who pays, by which rules, and with which credits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.alert import ALERTS_MAX, Armed, Wanted
from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import CycleOpened
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
    OrganizationEvent,
    OrganizationRegistered,
    OrganizationReopened,
    PersonalDataErased,
    PolicyChanged,
    StripeCustomerLinked,
)
from domain.identity import cycle_name, next_cycle_name
from domain.period import Calendar, Period, written_utc
from domain.policies import checked
from domain.rating.surroundings import Credit

ROLES = ("owner", "admin", "member", "billing")


@dataclass(kw_only=True)
class Organization:
    """An organization as its events have made it.

    Decisions return events and change nothing; ``apply`` changes and refuses nothing.
    """

    id: str
    currency: str
    calendar: Calendar
    version: int = 0
    members: dict[str, str] = field(default_factory=dict)
    policies: dict[str, object] = field(default_factory=dict)
    credits: dict[str, CreditGranted] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)
    stripe_customer: str | None = None
    closed_at: datetime | None = None
    alerts: dict[str, Armed] = field(default_factory=dict)
    alert_times: dict[str, int] = field(default_factory=dict)

    def change(
        self,
        currency: str,
        calendar: Calendar,
        members: Mapping[str, str],
        policies: Mapping[str, object],
        at: datetime,
    ) -> list[OrganizationEvent]:
        """Bring the organization to this description; what is the same gives no event.

        Another currency, like another calendar, is in force from the open cycle's end.

        Raises:
            InvalidInput: a policy is unknown or has no such value.
        """
        events: list[OrganizationEvent] = []
        if currency != self.currency:
            events.append(CurrencyChanged(at=at, currency=currency))
        if calendar != self.calendar:
            events.append(
                AnchorMoved(at=at, time_zone=calendar.zone, anchor_day=calendar.anchor_day)
            )
        wanted = checked(policies)
        if changed := {key: value for key, value in wanted.items() if self.policy(key) != value}:
            events.append(PolicyChanged(at=at, policies=changed))
        for user in sorted(members.keys() | self.members.keys()):
            if user not in members:
                events.append(MemberRemoved(at=at, user=user))
            elif members[user] != self.members.get(user):
                events.append(MemberAdded(at=at, user=user, role=members[user]))
        return events

    def grant_credit(self, granted: CreditGranted) -> list[OrganizationEvent]:
        """Grant a credit. The same again does nothing.

        Raises:
            RuleViolation: another credit has this id.
        """
        known = self.credits.get(granted.credit)
        if known is None:
            return [granted]
        if _content(known) != _content(granted):
            raise RuleViolation(
                f"credit {granted.credit} was granted with another content", code="conflict"
            )
        return []

    def expire_credits(
        self, applied: Mapping[str, int], before: datetime, at: datetime
    ) -> list[OrganizationEvent]:
        """Let credits go that expired before every cycle that may still use them began.

        applied: what invoices have used of each. before: when the oldest of these began.
        """
        return [
            CreditExpired(at=at, credit=credit.id, amount=credit.remaining)
            for credit in self.open_credits(applied)
            if credit.expires_at is not None and credit.expires_at <= before
        ]

    def configure_alert(self, alert: str, wanted: Wanted, at: datetime) -> list[OrganizationEvent]:
        """Have an alert, in the currency of now, or change it: it may be reached again. The same
        again does nothing.

        Raises:
            InvalidInput: it compares nothing, or two things, or is out of bounds.
            RuleViolation: there are too many.
        """
        wanted.check()
        event = AlertConfigured(
            at=at,
            organization=self.id,
            alert=alert,
            of=wanted.of,
            currency=self.currency,
            amount=wanted.amount,
            percent=wanted.percent,
            budget=wanted.budget,
        )
        known = self.alerts.get(alert)
        if known is None and len(self.alerts) >= ALERTS_MAX:
            raise RuleViolation(
                f"{self.id} has {ALERTS_MAX} alerts; remove one first", code="too_many_alerts"
            )
        same = known is not None and replace(known.configured, at=at) == event
        return [] if same else [event]

    def remove_alert(self, alert: str, at: datetime) -> list[OrganizationEvent]:
        """Have an alert no more. Twice does nothing."""
        if alert not in self.alerts:
            return []
        return [AlertRemoved(at=at, organization=self.id, alert=alert)]

    def close(self, reason: str, at: datetime) -> list[OrganizationEvent]:
        """End everything at an instant. Twice does nothing."""
        return [] if self.closed_at else [OrganizationClosed(at=at, reason=reason)]

    def reopen(self, reason: str, at: datetime) -> list[OrganizationEvent]:
        """Go on from an instant. While it is open, nothing.

        Raises:
            InvalidInput: it was not closed by then.
        """
        if self.closed_at is None:
            return []
        if at < self.closed_at:
            raise InvalidInput(
                f"{self.id} was closed only at {written_utc(self.closed_at)}", field="at"
            )
        return [OrganizationReopened(at=at, reason=reason)]

    def period_after(self, end: datetime) -> tuple[Period, Period]:
        """The period that begins where another ended, and the full period it is part of.

        They differ after the anchor or the zone was changed, and after a cycle ended early.
        """
        full = self.calendar.full_period(end)
        return Period(end, full.end), full

    def link_customer(self, customer: str, at: datetime) -> list[OrganizationEvent]:
        """Remember the customer at Stripe."""
        if customer == self.stripe_customer:
            return []
        return [StripeCustomerLinked(at=at, customer=customer)]

    def open(
        self, period: Period, full: Period, after: str | None = None, *, continued: bool = False
    ) -> CycleOpened:
        """The first event of a cycle: of the first one, or of the one ``after`` another.

        continued: the one before is part of the same full period.
        """
        local = self.calendar.local_date(period.start)
        name = (
            cycle_name(self.id, local) if after is None else next_cycle_name(self.id, local, after)
        )
        return CycleOpened(
            at=period.start,
            cycle=name,
            organization=self.id,
            currency=self.currency,
            start=period.start,
            end=period.end,
            full_start=full.start,
            full_end=full.end,
            time_zone=self.calendar.zone,
            continued=continued,
        )

    def policy(self, name: str) -> object:
        """A policy's value, its default where none was set."""
        return self.policies.get(name, checked({})[name])

    def open_credits(self, applied: Mapping[str, int], currency: str | None = None) -> list[Credit]:
        """What is left of each credit after ``applied``, oldest expiry first.

        currency: only those in it.
        """
        left = [
            Credit(
                id=grant.credit,
                remaining=grant.amount
                - applied.get(grant.credit, 0)
                - self.expired.get(grant.credit, 0),
                reason=grant.reason,
                granted_at=grant.at,
                expires_at=grant.expires_at,
            )
            for grant in self.credits.values()
            if currency in (None, grant.currency)
        ]
        return sorted(
            (credit for credit in left if credit.remaining > 0),
            key=lambda c: (c.expires_at is None, c.expires_at or c.granted_at, c.granted_at, c.id),
        )

    def apply(self, event: object) -> None:
        """Take one event into account."""
        match event:
            case AnchorMoved():
                self.calendar = Calendar(event.time_zone, event.anchor_day)
            case MemberAdded():
                self.members[event.user] = event.role
            case MemberRemoved():
                self.members.pop(event.user, None)
            case PolicyChanged():
                self.policies |= event.policies
            case CreditGranted():
                self.credits[event.credit] = event
            case PersonalDataErased():
                pass  # of what the log never held
            case StripeCustomerLinked():
                self.stripe_customer = event.customer
            case CreditExpired():
                self.expired[event.credit] = self.expired.get(event.credit, 0) + event.amount
            case _:
                self._move(event)

    def _move(self, event: object) -> None:
        match event:
            case CurrencyChanged():
                self.currency = event.currency
            case OrganizationClosed():
                self.closed_at = event.at
            case OrganizationReopened():
                self.closed_at = None
            case AlertConfigured():
                times = self.alert_times.get(event.alert, 0) + 1
                self.alert_times[event.alert] = times
                self.alerts[event.alert] = Armed(event, times)
            case AlertRemoved():
                self.alerts.pop(event.alert, None)
            case _:
                raise TypeError(f"an organization has no {type(event).__name__}")


def _content(granted: CreditGranted) -> tuple[object, ...]:
    return (granted.amount, granted.currency, granted.expires_at)


def registered(event: OrganizationRegistered) -> Organization:
    """An organization as its first event makes it."""
    return Organization(
        id=event.organization,
        currency=event.currency,
        calendar=Calendar(event.time_zone, event.anchor_day),
    )


def checked_role(role: str) -> str:
    """A member's role.

    Raises:
        InvalidInput: there is no such role.
    """
    if role not in ROLES:
        raise InvalidInput(f"role must be one of {', '.join(ROLES)}", field="members.role")
    return role
