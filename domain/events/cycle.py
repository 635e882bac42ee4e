"""Events of a billing cycle, except usage."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleEvent:
    """Base of a billing cycle's events. at: when it happened in the world, aware UTC."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleOpened(CycleEvent):
    """A period of an organization began to accrue.

    full_start, full_end: the period from anchor to anchor that prorations count in; the
    cycle's own may be shorter.
    """

    cycle: str
    organization: str
    currency: str
    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime
    time_zone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAttached(CycleEvent):
    """A service runs for the organization from ``at``.

    prices: the versions it was attached at. carried: it came over from the cycle before.
    """

    attachment: str
    service: str
    name: str
    quantity: Decimal
    prices: tuple[str, ...]
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentQuantityChanged(CycleEvent):
    """An attachment counts for more, or less, from ``at``."""

    attachment: str
    quantity: Decimal
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceDetached(CycleEvent):
    """An attachment ran until ``at``."""

    attachment: str
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OneOffItemAdded(CycleEvent):
    """A person added an amount by hand. Minor units, above zero."""

    item: str
    description: str
    amount: int
    reason: str
    tax_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditApplied(CycleEvent):
    """Part of the credit balance was used up by this invoice. Minor units, above zero."""

    credit: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleClosing(CycleEvent):
    """The period is over and the next cycle is open; late records are still taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleClosed(CycleEvent):
    """The usage cut-off: what comes later is a late fact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalizationStarted(CycleEvent):
    """The books of this invoice are settled; nothing on it changes any more.

    version: the cycle's last event that counts: the basis of late differences.
    lines: amounts by line key, in minor units.
    """

    version: int
    digest: str
    subtotal: int
    lines: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceFinalized(CycleEvent):
    """The invoice was issued. number, stripe_invoice: none where nothing is owed at Stripe."""

    total: int
    number: str | None = None
    stripe_invoice: str | None = None
    tax: int | None = None
    due_at: datetime | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoicePaid(CycleEvent):
    """Stripe collected the invoice."""

    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceVoided(CycleEvent):
    """The invoice was taken back."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceMarkedUncollectible(CycleEvent):
    """Nobody expects this invoice to be paid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleHeld(CycleEvent):
    """Finalization waits for a person. kind: ``person``, ``plan`` or ``discrepancy``."""

    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleReleased(CycleEvent):
    """The hold is over."""

    reason: str
