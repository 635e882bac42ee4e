"""What an organization's own events mean for the journal: credits granted and expired."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.events.organization import CreditExpired, CreditGranted, OrganizationRegistered
from projections.journal.accounts import CARRIED, CREDITS, CREDITS_GRANTED
from projections.journal.transactions import Transaction, moved

_CARRIED = re.compile(r"carry-\d{4}-\d\d-\d\d-\d+")
"""The ids of credits that the books themselves grant, for what no invoice is left to take."""


@dataclass(kw_only=True)
class OrganizationJournal:
    """An organization's events, in the order they were recorded, turned into transactions."""

    organization: str = ""
    granted: dict[str, CreditGranted] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)

    def take(self, event: object) -> Iterator[Transaction]:
        """What an event of the organization means for the journal."""
        match event:
            case OrganizationRegistered():
                self.organization = event.organization
            case CreditGranted():
                self.granted[event.credit] = event
                of = CARRIED if _CARRIED.fullmatch(event.credit) else CREDITS_GRANTED
                yield Transaction(
                    id=f"{self.organization}/credit/{event.credit}",
                    at=event.at,
                    kind="credit",
                    organization=self.organization,
                    cycle=None,
                    document=event.credit,
                    currency=event.currency,
                    text=f"Credit: {event.reason}",
                    postings=tuple(moved(event.amount, of, CREDITS)),
                )
            case CreditExpired(amount=amount) if amount:
                yield self._expired(event)

    def _expired(self, event: CreditExpired) -> Transaction:
        """What a void invoice gave back may expire once more."""
        times = self.expired[event.credit] = self.expired.get(event.credit, 0) + 1
        again = f"/{times}" if times > 1 else ""
        return Transaction(
            id=f"{self.organization}/credit_expired/{event.credit}{again}",
            at=event.at,
            kind="credit_expired",
            organization=self.organization,
            cycle=None,
            document=event.credit,
            currency=self.granted[event.credit].currency,
            text="Credit expired",
            postings=tuple(moved(event.amount, CREDITS, CREDITS_GRANTED)),
        )
