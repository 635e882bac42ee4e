"""Stripe's invoices, behind the ``InvoiceGateway`` port."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import stripe

from adapters.stripe import requests
from adapters.stripe.elsewhere import StripeElsewhere
from adapters.stripe.errors import (
    definite,
    errors_in_our_words,
    missing,
    required,
    translated,
)
from adapters.stripe.events import StripeEvents
from adapters.stripe.listing import listed
from adapters.stripe.money import StripeMoney
from adapters.stripe.products import PRODUCTS, KnownProducts, ProductMemory, new_product
from adapters.stripe.raw import read, read_all
from adapters.stripe.reading import (
    CYCLE,
    ORGANIZATION,
    id_of,
    plain,
    read_customer,
    read_invoice,
    read_renewal,
    with_lines,
)
from application.gateway import (
    Answer,
    CreditNote,
    Draft,
    LineChanges,
    Renewal,
    StripeCall,
    StripeCustomer,
    StripeRequest,
)
from domain.errors import GatewayUnavailable
from domain.invoice import Sold
from projections.change_set import UpdateDraft
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import Marks, RemoteInvoice

GONE = "resource_missing"


TIMEOUT_S = (3, 20)
"""How long to wait for a connection, and then for an answer."""


def stripe_sender(timeout_s: tuple[int, int] = TIMEOUT_S) -> stripe.RequestsClient:
    """What carries requests out, with a connection for each thread."""
    return stripe.RequestsClient(timeout=timeout_s)


def stripe_client(
    key: str,
    *,
    base: str | None = None,
    timeout_s: tuple[int, int] = TIMEOUT_S,
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
        http_client=http_client or stripe_sender(timeout_s),
    )


class StripeGateway(StripeMoney):
    """Reads and edits invoices, three bulk calls at most per change-set.

    Our ids travel in metadata: ``cycle_id`` on the invoice, ``line_key`` on each line,
    ``organization`` on the customer, ``note_id`` on a credit note. They are how a later run
    finds its own work again.

    products: remembers which Stripe has, for longer than this process lives.
    """

    def __init__(self, client: stripe.StripeClient, products: ProductMemory | None = None) -> None:
        super().__init__(client)
        self._invoices = client.v1.invoices
        self._products = KnownProducts(client, products)
        self.events = StripeEvents(client)
        self.elsewhere = StripeElsewhere(client)

    # Reads

    def glance(self, invoice: str) -> RemoteInvoice | None:
        """The invoice with its first ten lines, in one read; ``None`` if it is gone."""
        with errors_in_our_words():
            try:
                found = read(self._client, f"/v1/invoices/{invoice}")
            except stripe.InvalidRequestError as error:
                if missing(error):
                    return None
                raise
        required(found, "id", invoice)
        return read_invoice(found)

    def complete(self, seen: RemoteInvoice) -> RemoteInvoice:
        """The same invoice with all its lines, a hundred a read."""
        if seen.complete:
            return seen
        with errors_in_our_words():
            lines = read_all(self._client, f"/v1/invoices/{seen.id}/lines")
        for line in lines:
            required(line, "invoice", seen.id)
        if len(lines) < seen.line_count:
            message = f"{seen.id} has {seen.line_count} lines, and Stripe listed {len(lines)}"
            raise GatewayUnavailable(message)
        return with_lines(seen, lines)

    def find(self, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
        """Every invoice of a customer that carries the cycle's id, oldest first.

        Lists rather than searches: Stripe's search lags behind its writes.
        """
        with errors_in_our_words():
            every = read_all(self._client, "/v1/invoices", customer=customer)
        mine = _tagged(every, CYCLE, cycle)
        return tuple(read_invoice(invoice) for invoice in reversed(mine))

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        """Every invoice made in ``[start, end)``, a hundred a read, each with ten lines."""
        return listed(self._client, start, end)

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """The first customer made for an organization since an instant."""
        with errors_in_our_words():
            made_since = {"created[gte]": int(since.timestamp())}
            every = read_all(self._client, "/v1/customers", **made_since)
        mine = _tagged(every, ORGANIZATION, organization)
        return str(mine[-1]["id"]) if mine else None

    def renewal(self, invoice: str) -> Renewal | None:
        """What a subscription of one of our organizations made at its renewal: two reads."""
        with errors_in_our_words():
            found = plain(self._invoices.retrieve(invoice))
            if found.get("billing_reason") != "subscription_cycle":
                return None
            customer = self._client.v1.customers.retrieve(id_of(found["customer"]))
        return read_renewal(found, plain(customer))

    def customer(self, customer: str) -> RemoteCustomer | None:
        """A customer by Stripe's id; ``None`` if there never was one."""
        with errors_in_our_words():
            try:
                return read_customer(plain(self._client.v1.customers.retrieve(customer)))
            except stripe.InvalidRequestError as error:
                if missing(error):
                    return None
                raise

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

    def own_customer(self, customer: str, organization: str | None) -> StripeRequest:
        """Say in a customer's metadata which organization it is, or that it is none."""
        return requests.own_customer(customer, organization)

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Open a draft."""
        return requests.new_draft(draft)

    def update_draft(self, invoice: str, change: UpdateDraft) -> StripeRequest:
        """Change how a draft is collected."""
        return requests.update_draft(invoice, change)

    def new_product(self, sold: Sold) -> StripeRequest:
        """Put what a line sells into Stripe's catalogue."""
        return new_product(sold)

    def has_product(self, sold: Sold, *, ask: bool = True) -> bool:
        """Whether Stripe's catalogue has what a line sells; asked once for each."""
        return self._products.has(sold, ask=ask)

    def claim(self, invoice: str, marks: Marks) -> StripeRequest:
        """Make a subscription's draft ours."""
        return requests.claim(invoice, marks)

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
                if answer.code == GONE:  # perhaps a product that was there
                    self._products.forget()
                return answer
            raise translated(error) from error
        thing = response.data if isinstance(response.data, dict) else {}
        for name, value in _about(call):
            required(_flat(thing), name, value)
        if call.endpoint == PRODUCTS:
            self._products.made(call.parameters["id"])
        return Answer(status=response.code, reference=thing.get("id"), request=response.request_id)


def _about(call: StripeCall) -> Iterator[tuple[str, str]]:
    """What the answer to a write has to say: the thing that it names, or a new one with our ids.

    >>> call = StripeCall(key="k", method="post", endpoint="/v1/invoices/in_1/void", parameters={})
    >>> list(_about(call))
    [('id', 'in_1')]
    """
    kind, *rest = call.endpoint.removeprefix("/v1/").split("/")
    if rest:
        yield "id", rest[0]
        return
    yield "object", kind.removesuffix("s")
    sent = call.parameters.items()
    yield from ((name, text) for name, text in sent if name.startswith("metadata["))


def _flat(thing: Mapping[str, Any]) -> dict[str, Any]:
    """A thing with its metadata named as they are sent."""
    metadata = thing.get("metadata") or {}
    return {**thing, **{f"metadata[{name}]": text for name, text in metadata.items()}}


def _tagged(things: Iterable[dict[str, Any]], name: str, value: str) -> list[dict[str, Any]]:
    return [thing for thing in things if (thing.get("metadata") or {}).get(name) == value]
