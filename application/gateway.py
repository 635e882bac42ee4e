"""The gateway port: what the reconciler asks of Stripe and of its own record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.invoice import Invoice
from domain.stripe_invoice import StripeInvoice
from projections.change_set import AddLine, RemoveLine, UpdateLine
from projections.remote_invoice import Marks, RemoteInvoice

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
class Collection:
    """How Stripe collects. method: ``charge_automatically`` or ``send_invoice``."""

    method: str = "charge_automatically"
    days_until_due: int | None = None
    automatic_tax: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """What Stripe should hold for a cycle.

    accept_foreign: whether lines other people put on the draft may be issued with it.
    """

    invoice: Invoice
    customer: StripeCustomer
    collection: Collection = field(default_factory=Collection)
    accept_foreign: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A draft to be opened."""

    customer: str
    currency: str
    collection: Collection
    marks: Marks


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

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """The customer made for an organization since an instant, if any was."""

    def new_customer(self, customer: StripeCustomer) -> StripeRequest:
        """Make a customer."""

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Open a draft."""

    def change_lines(self, invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
        """Change lines, and leave our marks on the invoice with the same call."""

    def finalize(self, invoice: str) -> StripeRequest:
        """Finalize a draft and let Stripe collect it."""

    def void(self, invoice: str) -> StripeRequest:
        """Void a finalized invoice."""

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
