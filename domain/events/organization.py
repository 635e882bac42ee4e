"""Events of an organization: who pays, and by which rules."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationEvent:
    """Base of an organization's events. at: when it happened, aware UTC."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationRegistered(OrganizationEvent):
    """A customer exists. Its name and its members' addresses live outside the log."""

    organization: str
    currency: str
    time_zone: str
    anchor_day: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchorMoved(OrganizationEvent):
    """Another anchor day or time zone, in force from the open cycle's end."""

    time_zone: str
    anchor_day: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberAdded(OrganizationEvent):
    """A user belongs to the organization, or has a new role in it."""

    user: str
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberRemoved(OrganizationEvent):
    """A user belongs to it no more."""

    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalDataErased(OrganizationEvent):
    """What was kept of a user outside the log is gone: address, words, sessions."""

    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyChanged(OrganizationEvent):
    """Named policies with new values; the others stay."""

    policies: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditGranted(OrganizationEvent):
    """An amount to be taken off coming invoices, oldest expiry first. Minor units, above zero."""

    credit: str
    amount: int
    currency: str
    reason: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeCustomerLinked(OrganizationEvent):
    """The organization's customer at Stripe is known."""

    customer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditExpired(OrganizationEvent):
    """What was left of a credit counts no more. Minor units."""

    credit: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrencyChanged(OrganizationEvent):
    """Billed in another currency, in force from the open cycle's end."""

    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationClosed(OrganizationEvent):
    """Nothing runs and nothing is recorded from ``at`` on; a final invoice follows."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationReopened(OrganizationEvent):
    """A new cycle begins at ``at``."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertConfigured(OrganizationEvent):
    """People want to be told when a cycle comes to this much, once in each; in place of what the
    alert was before.

    of: ``spend`` (earned so far) or ``forecast``. amount: minor units of ``currency``. percent:
    of ``budget`` in minor units, or of the last invoice where there is none.
    """

    organization: str
    alert: str
    of: str
    currency: str
    amount: int | None = None
    percent: int | None = None
    budget: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRemoved(OrganizationEvent):
    """Nobody wants to be told of this alert any more."""

    organization: str
    alert: str
