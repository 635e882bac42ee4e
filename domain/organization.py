"""An organization: who pays, by which rules, and with which credits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import CycleOpened
from domain.events.organization import (
    AnchorMoved,
    CreditGranted,
    MemberAdded,
    MemberRemoved,
    OrganizationEvent,
    OrganizationRegistered,
    PolicyChanged,
    StripeCustomerLinked,
)
from domain.identity import cycle_name, next_cycle_name
from domain.period import Calendar, Period
from domain.policies import checked
from domain.rating import Credit

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
    stripe_customer: str | None = None

    def change(
        self,
        currency: str,
        calendar: Calendar,
        members: Mapping[str, str],
        policies: Mapping[str, object],
        at: datetime,
    ) -> list[OrganizationEvent]:
        """Bring the organization to this description; what is the same gives no event.

        Raises:
            RuleViolation: the currency differs.
            InvalidInput: a policy is unknown or has no such value.
        """
        if currency != self.currency:
            raise RuleViolation(
                f"{self.id} is billed in {self.currency}; its currency cannot change in this "
                "release",
                code="currency_fixed",
                field="currency",
            )
        events: list[OrganizationEvent] = []
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
            RuleViolation: another credit has this id, or the currency differs.
        """
        if granted.currency != self.currency:
            raise RuleViolation(f"{self.id} is billed in {self.currency}", code="currency_mismatch")
        known = self.credits.get(granted.credit)
        if known is None:
            return [granted]
        if (known.amount, known.expires_at) != (granted.amount, granted.expires_at):
            raise RuleViolation(
                f"credit {granted.credit} was granted with another content", code="conflict"
            )
        return []

    def link_customer(self, customer: str, at: datetime) -> list[OrganizationEvent]:
        """Remember the customer at Stripe."""
        if customer == self.stripe_customer:
            return []
        return [StripeCustomerLinked(at=at, customer=customer)]

    def open(self, period: Period, full: Period, after: str | None = None) -> CycleOpened:
        """The first event of a cycle: of the first one, or of the one ``after`` another."""
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
        )

    def policy(self, name: str) -> object:
        """A policy's value, its default where none was set."""
        return self.policies.get(name, checked({})[name])

    def open_credits(self, applied: Mapping[str, int]) -> list[Credit]:
        """What is left of each credit after ``applied``, oldest expiry first."""
        left = [
            Credit(
                id=grant.credit,
                remaining=grant.amount - applied.get(grant.credit, 0),
                reason=grant.reason,
                granted_at=grant.at,
                expires_at=grant.expires_at,
            )
            for grant in self.credits.values()
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
            case StripeCustomerLinked():
                self.stripe_customer = event.customer
            case _:
                raise TypeError(f"an organization has no {type(event).__name__}")


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
