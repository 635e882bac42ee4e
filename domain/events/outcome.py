"""Events of a billing cycle about its issued invoice: payment, correction, loss."""

from dataclasses import dataclass
from datetime import datetime

from domain.events.cycle import CycleEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceFinalized(CycleEvent):
    """The invoice was issued. number, stripe_invoice: none where nothing is owed at Stripe.

    reason: why a person had it issued, where it was settled before that; or empty.
    """

    total: int
    number: str | None = None
    stripe_invoice: str | None = None
    tax: int | None = None
    due_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentActionRequired(CycleEvent):
    """The customer has to confirm a payment. attempt: which one, from 1."""

    attempt: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFailed(CycleEvent):
    """An attempt to collect failed. reason: in words a customer understands."""

    attempt: int
    reason: str
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRecorded(CycleEvent):
    """A part of the invoice was paid. Minor units."""

    amount: int
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoicePaid(CycleEvent):
    """Stripe collected the invoice."""

    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoicePastDue(CycleEvent):
    """The invoice was not paid by its due date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceVoided(CycleEvent):
    """The invoice was taken back.

    mode: ``reissue`` (rated anew from everything known, as the next revision), ``forgive``
    (its usage is written off), or empty while nobody has decided. version: of the cycle's last
    event before: a reissue counts everything up to there.
    """

    reason: str
    mode: str = ""
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceMarkedUncollectible(CycleEvent):
    """Nobody expects this invoice to be paid. reason: empty where Stripe said so."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceBilledElsewhere(CycleEvent):
    """Another program billed what this invoice is for: it stands in our books alone, to be
    compared, and asks nobody for money."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNoteIssued(CycleEvent):
    """An issued invoice was corrected. Minor units, before tax but for ``tax``.

    lines: by line key. reduce_due, refund, credit_balance, out_of_band: how the amount with
    tax was given back; they sum to it exactly.
    """

    note: str
    amount: int
    lines: dict[str, int]
    reason: str
    reduce_due: int = 0
    refund: int = 0
    credit_balance: int = 0
    out_of_band: int = 0
    tax: int | None = None
    stripe_note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNoteVoided(CycleEvent):
    """A credit note was taken back: what it took off is asked for again. Minor units."""

    note: str
    amount: int
    tax: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRecorded(CycleEvent):
    """Money was paid back. Minor units."""

    refund: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFailed(CycleEvent):
    """Money that was paid back did not arrive, and is ours again. Minor units."""

    refund: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeOpened(CycleEvent):
    """The customer disputes a payment with the bank. Minor units."""

    dispute: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeClosed(CycleEvent):
    """The bank decided. outcome: ``won``, ``lost`` or Stripe's own word."""

    dispute: str
    outcome: str
