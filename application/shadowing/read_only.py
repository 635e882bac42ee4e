"""A gateway that cannot write: in shadow mode nothing may reach Stripe but questions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from application.gateway import (
    Answer,
    CreditNote,
    Draft,
    InvoiceGateway,
    LineChanges,
    Renewal,
    StripeCall,
    StripeCustomer,
    StripeDispute,
    StripeNote,
    StripePayment,
    StripeRefund,
    StripeRequest,
)
from domain.errors import RuleViolation
from domain.invoice import Sold
from projections.change_set import UpdateDraft
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import Marks, RemoteInvoice

IN_SHADOW = (
    "this instance is in shadow mode and writes nothing to Stripe: another program bills. "
    "Take SHADOW away to bill with this one"
)


def refuse() -> NoReturn:
    """Say why nothing is written.

    Raises:
        RuleViolation: always.
    """
    raise RuleViolation(IN_SHADOW, code="shadow")


class ReadOnlyGateway:
    """The reads of another gateway. No write is even built: each raises ``RuleViolation``."""

    def __init__(self, reads: InvoiceGateway) -> None:
        self._reads = reads

    # Reads

    def glance(self, invoice: str) -> RemoteInvoice | None:
        """As the other."""
        return self._reads.glance(invoice)

    def complete(self, seen: RemoteInvoice) -> RemoteInvoice:
        """As the other."""
        return self._reads.complete(seen)

    def find(self, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
        """As the other."""
        return self._reads.find(customer, cycle)

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        """As the other."""
        return self._reads.listed(start, end)

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """As the other."""
        return self._reads.find_customer(organization, since)

    def customer(self, customer: str) -> RemoteCustomer | None:
        """As the other."""
        return self._reads.customer(customer)

    def invoice_of(self, kind: str, thing: str) -> str | None:
        """As the other."""
        return self._reads.invoice_of(kind, thing)

    def renewal(self, invoice: str) -> Renewal | None:
        """As the other."""
        return self._reads.renewal(invoice)

    def note(self, note: str) -> StripeNote | None:
        """As the other."""
        return self._reads.note(note)

    def notes(self, invoice: str) -> tuple[StripeNote, ...]:
        """As the other."""
        return self._reads.notes(invoice)

    def payments(self, invoice: str) -> tuple[StripePayment, ...]:
        """As the other."""
        return self._reads.payments(invoice)

    def refunds(self, payment: str) -> tuple[StripeRefund, ...]:
        """As the other."""
        return self._reads.refunds(payment)

    def disputes(self, payment: str) -> tuple[StripeDispute, ...]:
        """As the other."""
        return self._reads.disputes(payment)

    def has_product(self, sold: Sold, *, ask: bool = True) -> bool:
        """As the other."""
        return self._reads.has_product(sold, ask=ask)

    # Writes, and what makes something at Stripe on the way

    def portal_url(self, customer: str, return_url: str) -> str:
        """Refused: the link is made at Stripe."""
        refuse()

    def size(self, request: StripeRequest) -> StripeNote:
        """Refused: there is no request to size."""
        refuse()

    def new_customer(self, customer: StripeCustomer) -> StripeRequest:
        """Refused."""
        refuse()

    def own_customer(self, customer: str, organization: str | None) -> StripeRequest:
        """Refused."""
        refuse()

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Refused."""
        refuse()

    def update_draft(self, invoice: str, change: UpdateDraft) -> StripeRequest:
        """Refused."""
        refuse()

    def new_product(self, sold: Sold) -> StripeRequest:
        """Refused."""
        refuse()

    def claim(self, invoice: str, marks: Marks) -> StripeRequest:
        """Refused."""
        refuse()

    def change_lines(self, invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
        """Refused."""
        refuse()

    def finalize(self, invoice: str) -> StripeRequest:
        """Refused."""
        refuse()

    def void(self, invoice: str) -> StripeRequest:
        """Refused."""
        refuse()

    def mark_uncollectible(self, invoice: str) -> StripeRequest:
        """Refused."""
        refuse()

    def credit_note(
        self, invoice: str, cycle: str, note: CreditNote, held: Mapping[str, str]
    ) -> StripeRequest:
        """Refused."""
        refuse()

    def delete(self, invoice: str) -> StripeRequest:
        """Refused."""
        refuse()

    def send(self, call: StripeCall) -> Answer:
        """Refused."""
        refuse()
