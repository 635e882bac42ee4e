"""Who pays, as the organization's own stream says, and what is left of its credits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.events.base import Recorded
from domain.events.organization import (
    AnchorMoved,
    CreditExpired,
    CreditGranted,
    CurrencyChanged,
    OrganizationClosed,
    OrganizationRegistered,
    OrganizationReopened,
    PolicyChanged,
)
from domain.money import minimum_charge
from projections.checks.rating import Credit
from projections.checks.reading import Reading

NOTHING: Mapping[str, int] = {}


@dataclass(kw_only=True, slots=True)
class Payer:
    """An organization as its stream says. used: of each credit, by settled invoices."""

    currency: str = ""
    zone: str = "UTC"
    anchor_day: int = 1
    closed: bool = False
    policies: dict[str, object] = field(default_factory=dict)
    grants: dict[str, CreditGranted] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def take(self, event: object) -> None:
        """Take one event into account."""
        match event:
            case OrganizationRegistered():
                self.currency = event.currency
                self.zone, self.anchor_day = event.time_zone, event.anchor_day
            case AnchorMoved():
                self.zone, self.anchor_day = event.time_zone, event.anchor_day
            case CurrencyChanged():
                self.currency = event.currency
            case PolicyChanged():
                self.policies |= event.policies
            case CreditGranted():
                self.grants[event.credit] = event
            case CreditExpired():
                self.use(event.credit, event.amount)
            case OrganizationClosed() | OrganizationReopened():
                self.closed = isinstance(event, OrganizationClosed)

    def use(self, credit: str, amount: int) -> None:
        """An invoice used a part of a credit."""
        self.used[credit] = self.used.get(credit, 0) + amount

    def credits(self, currency: str) -> list[Credit]:
        """What is left, oldest expiry first, then the oldest."""
        open_ = [
            (grant.expires_at is None, grant.expires_at or grant.at, grant.at, grant.credit)
            for grant in self.grants.values()
            if grant.currency == currency
        ]
        left = {name: grant.amount - self.used.get(name, 0) for name, grant in self.grants.items()}
        return [
            Credit(id=name, left=left[name], expires_at=self.grants[name].expires_at)
            for *_, name in sorted(open_)
            if left[name] > 0
        ]

    def minimum(self, currency: str) -> int:
        """Below it an invoice is carried."""
        asked = self.policies.get("minimum_invoice")
        return minimum_charge(currency) if asked is None else int(str(asked))


def payer_of(
    history: Iterable[Recorded], readings: Iterable[Reading], before: Mapping[str, int] = NOTHING
) -> Payer:
    """Who pays, by the organization's events, and what settled invoices used of its credits.

    before: what those used that are not among these.
    """
    payer = Payer(used=dict(before))
    for each in history:
        payer.take(each.event)
    for reading in readings:
        if reading.settled is not None:
            for credit, amount in reading.credits().items():
                payer.use(credit, amount)
    return payer
