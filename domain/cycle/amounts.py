"""Decisions about amounts in a billing cycle: items, discounts, what is waived or set."""

from dataclasses import dataclass
from datetime import datetime

from domain.cycle.history import CycleHistory
from domain.cycle.status import ACCEPTS_USAGE, UNSETTLED, Status
from domain.errors import RuleViolation
from domain.events.amounts import (
    AmountOverridden,
    DiscountEnded,
    DiscountGranted,
    DraftAdopted,
    DraftMissed,
    EditsAdopted,
    LineWaived,
    OneOffItemAdded,
)
from domain.events.cycle import CycleEvent


@dataclass(kw_only=True)
class AmountDecisions(CycleHistory):
    """What people may decide about amounts, until the invoice is settled."""

    def add_item(self, item: OneOffItemAdded) -> list[CycleEvent]:
        """Add a one-off amount. The same item again does nothing.

        Raises:
            RuleViolation: another item has this id, or the invoice is settled.
        """
        known = self.items.get(item.item)
        if known is None:
            self.require_unsettled()
            return [item]
        if (known.amount, known.description) != (item.amount, item.description):
            raise RuleViolation(
                f"item {item.item} was added with another content", code="conflict", item=item.item
            )
        return []

    def grant_discount(self, granted: DiscountGranted) -> list[CycleEvent]:
        """Take something off this invoice and coming ones. The same again does nothing.

        Raises:
            RuleViolation: another discount has this id, or the invoice is settled.
        """
        self.require_unsettled()
        known = self.discounts.get(granted.discount)
        if known is None:
            return [granted]
        if _terms(known) != _terms(granted):
            raise RuleViolation(
                f"discount {granted.discount} was granted with another content", code="conflict"
            )
        return []

    def end_discount(self, discount: str, reason: str, at: datetime) -> list[CycleEvent]:
        """Take a discount off this invoice and coming ones. Without it, nothing.

        Raises:
            RuleViolation: the invoice is settled.
        """
        self.require_unsettled()
        if discount not in self.discounts:
            return []
        return [DiscountEnded(at=at, discount=discount, reason=reason)]

    def waive(self, line: str, accrued: int, reason: str, at: datetime) -> list[CycleEvent]:
        """Do not ask for what a line has come to; later usage adds on.

        accrued: what it has come to, in minor units, with what was waived or set before.

        Raises:
            RuleViolation: there is nothing to waive, or the invoice is settled.
        """
        self.require_unsettled()
        if accrued <= 0:
            raise RuleViolation(f"{line} has come to nothing yet", code="nothing_to_waive")
        return [LineWaived(at=at, line=line, amount=accrued, reason=reason)]

    def override(
        self, line: str, amount: int, accrued: int, reason: str, at: datetime, *, final: bool
    ) -> list[CycleEvent]:
        """Set what a line has come to; later usage adds on, unless the amount is final.

        accrued: what it has come to, in minor units, with what was waived or set before.

        Raises:
            RuleViolation: it is final while the cycle accrues, or the invoice is settled.
        """
        self.require_unsettled()
        if final and self.status is Status.ACCRUING and self.held is None:
            raise RuleViolation(
                f"{self.id} still accrues: a final amount can be set once its period is over, or "
                "while it is held",
                code="cycle_accruing",
                field="final",
            )
        difference = None if final else amount - accrued
        if difference == 0:
            return []
        return [
            AmountOverridden(at=at, line=line, amount=amount, difference=difference, reason=reason)
        ]

    def adopt_edits(self, edits: EditsAdopted) -> list[CycleEvent]:
        """Take over what others did to the draft at Stripe. The same twice does nothing.

        Raises:
            RuleViolation: the invoice is settled.
        """
        self.require_unsettled()
        known = next((each for each in self.adopted if each.adoption == edits.adoption), None)
        same = known and (known.amounts, known.lines) == (edits.amounts, edits.lines)
        return [] if same else [edits]

    def adopt_draft(self, draft: DraftAdopted) -> list[CycleEvent]:
        """Have a subscription's draft for an invoice. The same twice does nothing.

        Raises:
            RuleViolation: the invoice is settled, or is another subscription's.
        """
        if self.draft is not None and self.draft.invoice == draft.invoice:
            return []
        self.require_unsettled()
        if self.draft is not None:
            raise RuleViolation(
                f"{self.id} is on {self.draft.invoice} already, made by {self.draft.subscription}",
                code="draft_adopted",
            )
        return [draft]

    def miss_draft(self, missed: DraftMissed) -> list[CycleEvent]:
        """Go on the next cycle's invoice. Twice does nothing, nor once it is settled."""
        known = self.missed or self.draft
        return [] if known or self.status not in UNSETTLED else [missed]

    def require_unsettled(self) -> None:
        """Refuse a change to an invoice that is settled.

        Raises:
            RuleViolation: it is.
        """
        if self.status not in UNSETTLED:
            raise RuleViolation(
                f"{self.id} is {self.status}; put it on the accruing cycle, or issue a credit note",
                code="cycle_settled",
                cycle=self.id,
            )

    @property
    def is_unsettled(self) -> bool:
        """Whether its invoice may still change."""
        return self.status in UNSETTLED

    @property
    def accepts_usage(self) -> bool:
        """Whether usage is still taken as it comes; later it is a late fact."""
        return self.status in ACCEPTS_USAGE


def _terms(granted: DiscountGranted) -> tuple[object, ...]:
    return (granted.percent, granted.amount, granted.prices)
