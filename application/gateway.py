"""The gateway port: what the reconciler asks of Stripe and of its own record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.invoice import Invoice, Sold
from domain.stripe_invoice import StripeInvoice
from projections.change_set import AddLine, RemoveLine, UpdateDraft, UpdateLine
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import Collection, Marks, RemoteInvoice

LineChanges = Sequence[RemoveLine] | Sequence[UpdateLine] | Sequence[AddLine]
"""Line changes of one kind, which one bulk call can carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeCustomer:
    """Whom to bill. stripe_id: the recorded link, ``None`` until there is one."""

    organization: str
    stripe_id: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """What Stripe should hold for a cycle, for whom, and how it is collected.

    awaits: nothing, until a Stripe subscription makes the draft. adopted: Stripe's id of the one
    that it made. held: whether the cycle is. others: its organization's other cycles that are not
    issued, which may have asked for its customer, too.
    """

    invoice: Invoice
    customer: StripeCustomer
    collection: Collection = field(default_factory=Collection)
    awaits: bool = False
    adopted: str | None = None
    held: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A draft to be opened."""

    customer: str
    currency: str
    collection: Collection
    marks: Marks


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """An invoice that a Stripe subscription made at its renewal.

    organization: ours, by the customer's metadata. ended_at: the end of the period it renews.
    """

    invoice: RemoteInvoice
    organization: str
    subscription: str
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeRequest:
    """A write, ready to send but for its key. parameters: form fields exactly as they go out."""

    purpose: str
    method: str
    endpoint: str
    parameters: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeCall:
    """A write under its idempotency key. Sending an equal call again does nothing twice."""

    key: str
    method: str
    endpoint: str
    parameters: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A definite answer: done, or refused for good. reference: Stripe's id of the object."""

    status: int
    reference: str | None = None
    request: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNote:
    """A correction of an issued invoice. Minor units, before tax.

    id: ours. lines: by line key, below zero for a line that is. How it is given back, which
    sums to the amount: ``reduce_due`` takes off what is still to be paid, and has to be used up
    first; the rest is a ``refund`` of what was paid, ``credit_balance`` for the next invoices at
    Stripe, or settled ``out_of_band``. memo: for the customer.
    """

    id: str
    lines: Mapping[str, int]
    reason: str
    memo: str = ""
    reduce_due: int = 0
    refund: int = 0
    credit_balance: int = 0
    out_of_band: int = 0

    @property
    def amount(self) -> int:
        """What the lines come to."""
        return sum(self.lines.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeNote:
    """A credit note as Stripe has it. Minor units; the ways it was given back sum to ``total``.

    id: Stripe's. note: our id, ``None`` where somebody else made it. lines: (Stripe's id of an
    invoice's line or of the note's own, minor units), before tax. refunds: Stripe's ids.
    void: whether it was taken back.
    """

    id: str
    note: str | None
    invoice: str
    total: int
    tax: int
    lines: tuple[tuple[str, int], ...]
    reason: str
    reduce_due: int
    refund: int = 0
    credit_balance: int = 0
    out_of_band: int = 0
    refunds: tuple[str, ...] = ()
    void: bool = False

    @property
    def rest(self) -> int:
        """What was given back beyond what was still to be paid."""
        return self.total - self.reduce_due


@dataclass(frozen=True, kw_only=True, slots=True)
class StripePayment:
    """A payment of an invoice. reference: Stripe's id of the intent, or of the record of money
    that came another way. status: ``paid``, ``failed``, ``action_required``, ``open`` or
    ``canceled``. failure: the reason a person is told, or empty. Minor units.
    """

    reference: str
    amount: int
    status: str
    failure: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeRefund:
    """Money that went back to a customer. Minor units. failure: why it did not arrive."""

    id: str
    amount: int
    reason: str
    failure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeDispute:
    """A payment that a customer disputes with the bank. outcome: none while it is open."""

    id: str
    amount: int
    reason: str
    outcome: str | None


class InvoiceGateway(Protocol):
    """Stripe's invoices. Reads answer in our words; writes are built first and sent later.

    Every method that reaches Stripe raises ``GatewayBusy`` where Stripe asks to slow down,
    ``GatewayUnavailable`` where there was no definite answer, ``GatewayRejected`` where it
    refused to be read.
    """

    def glance(self, invoice: str) -> RemoteInvoice | None:
        """The invoice in one read, perhaps without all its lines; ``None`` if it is gone."""

    def complete(self, seen: RemoteInvoice) -> RemoteInvoice:
        """The same invoice with all its lines; no read if they are there already."""

    def find(self, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
        """Every invoice of a customer that carries the cycle's id, oldest first."""

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        """Every invoice made in ``[start, end)``, in pages; perhaps twice, or with few lines."""

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """The customer made for an organization since an instant, if any was."""

    def customer(self, customer: str) -> RemoteCustomer | None:
        """A customer by Stripe's id; ``None`` if there never was one."""

    def portal_url(self, customer: str, return_url: str) -> str:
        """A short-lived link to the customer's own pages at Stripe; never to be stored."""

    def invoice_of(self, kind: str, thing: str) -> str | None:
        """The invoice that an event of a ``kind`` is about, which names a ``thing``, if any is."""

    def renewal(self, invoice: str) -> Renewal | None:
        """What a subscription of one of our organizations made; ``None`` for any other."""

    def note(self, note: str) -> StripeNote | None:
        """A credit note by Stripe's id; ``None`` if there is none."""

    def notes(self, invoice: str) -> tuple[StripeNote, ...]:
        """The credit notes of an invoice, oldest first; those taken back, too."""

    def size(self, request: StripeRequest) -> StripeNote:
        """What Stripe would make of a credit note: its tax and total. Changes nothing."""

    def payments(self, invoice: str) -> tuple[StripePayment, ...]:
        """The payments of a finalized invoice, oldest first."""

    def refunds(self, payment: str) -> tuple[StripeRefund, ...]:
        """What of a payment went back, oldest first; what did not arrive, too."""

    def disputes(self, payment: str) -> tuple[StripeDispute, ...]:
        """The disputes about a payment, oldest first."""

    def new_customer(self, customer: StripeCustomer) -> StripeRequest:
        """Make a customer."""

    def own_customer(self, customer: str, organization: str | None) -> StripeRequest:
        """Say in a customer's metadata which organization it is, or that it is none."""

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Open a draft."""

    def update_draft(self, invoice: str, change: UpdateDraft) -> StripeRequest:
        """Change how a draft is collected."""

    def has_product(self, sold: Sold, *, ask: bool = True) -> bool:
        """Whether Stripe's catalogue has what a line sells; read, or (not ask) as remembered."""

    def new_product(self, sold: Sold) -> StripeRequest:
        """Put what a line sells into Stripe's catalogue."""

    def claim(self, invoice: str, marks: Marks) -> StripeRequest:
        """Make a subscription's draft ours: Stripe does not finalize it by itself any more."""

    def change_lines(self, invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
        """Change lines, and leave our marks on the invoice with the same call."""

    def finalize(self, invoice: str) -> StripeRequest:
        """Finalize a draft and let Stripe collect it."""

    def void(self, invoice: str) -> StripeRequest:
        """Void a finalized invoice."""

    def mark_uncollectible(self, invoice: str) -> StripeRequest:
        """Give up hope that a finalized invoice is paid."""

    def credit_note(
        self, invoice: str, cycle: str, note: CreditNote, held: Mapping[str, str]
    ) -> StripeRequest:
        """Issue a credit note. held: Stripe's ids of the invoice's lines, by line key."""

    def delete(self, invoice: str) -> StripeRequest:
        """Delete a draft."""

    def send(self, call: StripeCall) -> Answer:
        """Send a write. Only a definite answer returns; anything else raises."""


class StripeStream(Protocol):
    """Where the events of each cycle's StripeInvoice are kept."""

    def load(self, cycle: str) -> tuple[StripeInvoice, int]:
        """The state of a cycle's stream and its version, 0 for none."""

    def append(
        self, cycle: str, expected_version: int, events: Sequence[object], actor: str
    ) -> int:
        """Append and answer the new version.

        Raises:
            ConcurrentChange: the stream is no longer at ``expected_version``.
        """
