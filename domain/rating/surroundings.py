"""What an invoice takes from outside its cycle, while it is not settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.events.amounts import HandedOver
from domain.events.cycle import Coming
from domain.events.late import LateAmountsBilled


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What is left of a granted credit, in minor units of the organization's currency."""

    id: str
    remaining: int
    reason: str
    granted_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """All of it is recorded in the cycle when it is settled, and not looked at here any more.

    credits: the open credit balance, in the order it is used up. handover: what the cycle
    before would leave if it were settled now; ``None`` for what is recorded. late: what became
    known late of settled cycles. coming: the cycle to come, ``None`` where none follows in this
    currency. minimum: an invoice below it is carried to the next, in minor units. taken: what a
    settled invoice took over from the revision before this one, in minor units.
    automatic_tax: whether Stripe computes tax for it.
    """

    credits: Sequence[Credit] = ()
    handover: HandedOver | None = None
    late: Sequence[LateAmountsBilled] = ()
    coming: Coming | None = None
    minimum: int = 0
    taken: int = 0
    automatic_tax: bool = False


ALONE = Surroundings()
