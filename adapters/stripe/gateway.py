"""Stripe's invoices, behind the ``InvoiceGateway`` port."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import stripe

from adapters.stripe import requests
from adapters.stripe.errors import definite, errors_in_our_words, translated
from adapters.stripe.money import StripeMoney
from adapters.stripe.reading import CYCLE, ORGANIZATION, plain, read_invoice, with_lines
from application.gateway import (
    Answer,
    CreditNote,
    Draft,
    LineChanges,
    StripeCall,
    StripeCustomer,
    StripeRequest,
)
from projections.remote_invoice import Marks, RemoteInvoice

PAGE_MAX = 100
"""What one page of a Stripe list holds at most."""


def stripe_client(
    key: str,
    *,
    base: str | None = None,
    timeout_s: tuple[int, int] = (3, 20),
    retries: int = 0,
    http_client: stripe.HTTPClient | None = None,
) -> stripe.StripeClient:
    """A client of Stripe, or of the sandbox at ``base``, that reports nothing about us.

    retries: how often the SDK itself repeats a call without an answer, under the same key;
    the reconciler repeats them too, at its own pace.
    """
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        max_network_retries=retries,
        http_client=http_client or stripe.RequestsClient(timeout=timeout_s),
    )


class StripeGateway(StripeMoney):
    """Reads and edits invoices, three bulk calls at most per change-set.

    Our ids travel in metadata: ``cycle_id`` on the invoice, ``line_key`` on each line,
    ``organization`` on the customer, ``note_id`` on a credit note. They are how a later run
    finds its own work again.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        super().__init__(client)
        self._invoices = client.v1.invoices

    # Reads

    def glance(self, invoice: str) -> RemoteInvoice | None:
        """The invoice with its first ten lines, in one read; ``None`` if it is gone."""
        with errors_in_our_words():
            try:
                return read_invoice(plain(self._invoices.retrieve(invoice)))
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise

    def complete(self, seen: RemoteInvoice) -> RemoteInvoice:
        """The same invoice with all its lines, a hundred a read."""
        if seen.complete:
            return seen
        with errors_in_our_words():
            listed = self._invoices.line_items.list(seen.id, {"limit": PAGE_MAX})
            return with_lines(seen, [plain(line) for line in listed.auto_paging_iter()])

    def find(self, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
        """Every invoice of a customer that carries the cycle's id, oldest first.

        Lists rather than searches: Stripe's search lags behind its writes.
        """
        with errors_in_our_words():
            listed = self._invoices.list({"customer": customer, "limit": PAGE_MAX})
            every = [plain(invoice) for invoice in listed.auto_paging_iter()]
        mine = _tagged(every, CYCLE, cycle)
        return tuple(read_invoice(invoice) for invoice in reversed(mine))

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """The first customer made for an organization since an instant."""
        with errors_in_our_words():
            listed = self._client.v1.customers.list(
                {"created": {"gte": int(since.timestamp())}, "limit": PAGE_MAX}
            )
            every = [plain(customer) for customer in listed.auto_paging_iter()]
        mine = _tagged(every, ORGANIZATION, organization)
        return str(mine[-1]["id"]) if mine else None

    def portal_url(self, customer: str, return_url: str) -> str:
        """A short-lived link to the customer's own pages at Stripe; never to be stored."""
        with errors_in_our_words():
            session = self._client.v1.billing_portal.sessions.create(
                {"customer": customer, "return_url": return_url}
            )
        return session.url

    # Writes, built

    def new_customer(self, customer: StripeCustomer) -> StripeRequest:
        """Make a customer."""
        return requests.new_customer(customer)

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Open a draft."""
        return requests.new_draft(draft)

    def change_lines(self, invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
        """Change lines of one kind, and leave our marks on the invoice."""
        return requests.change_lines(invoice, changes, marks)

    def finalize(self, invoice: str) -> StripeRequest:
        """Finalize a draft and let Stripe collect it."""
        return requests.finalize(invoice)

    def void(self, invoice: str) -> StripeRequest:
        """Void a finalized invoice."""
        return requests.void(invoice)

    def mark_uncollectible(self, invoice: str) -> StripeRequest:
        """Give up hope that a finalized invoice is paid."""
        return requests.mark_uncollectible(invoice)

    def credit_note(
        self, invoice: str, cycle: str, note: CreditNote, held: Mapping[str, str]
    ) -> StripeRequest:
        """Issue a credit note. held: Stripe's ids of the invoice's lines, by line key."""
        return requests.credit_note(invoice, cycle, note, held)

    def delete(self, invoice: str) -> StripeRequest:
        """Delete a draft."""
        return requests.delete(invoice)

    # Writes, sent

    def send(self, call: StripeCall) -> Answer:
        """Send a write exactly as it was written down.

        Raises:
            GatewayBusy, GatewayUnavailable: the outcome is open; send the same call again.
        """
        options = {"idempotency_key": call.key} if call.method == "post" else {}
        try:
            response: Any = self._client.raw_request(
                call.method, call.endpoint, **call.parameters, **options
            )
        except stripe.StripeError as error:
            if answer := definite(error):
                return answer
            raise translated(error) from error
        return Answer(
            status=response.code,
            reference=response.data.get("id"),
            request=response.request_id,
        )


def _tagged(things: Iterable[dict[str, Any]], name: str, value: str) -> list[dict[str, Any]]:
    return [thing for thing in things if (thing.get("metadata") or {}).get(name) == value]
