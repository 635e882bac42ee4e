"""In shadow mode a webhook tells what the other biller did: the invoice is read and kept."""

from dataclasses import replace
from datetime import datetime

from application.gateway import InvoiceGateway
from application.importing.ports import BilledElsewhere, ImportedStore
from application.inbox import Message


class TheirFacts:
    """Handles messages from Stripe without changing anything of our own books."""

    def __init__(
        self, gateway: InvoiceGateway, elsewhere: BilledElsewhere, store: ImportedStore
    ) -> None:
        self._gateway = gateway
        self._elsewhere = elsewhere
        self._store = store

    def __call__(self, message: Message, now: datetime) -> None:
        """Look afresh: what the message itself says may be old."""
        if message.type.startswith("customer."):
            return
        invoice = self._gateway.invoice_of(message.type, message.object_id)
        found = self._elsewhere.invoice(invoice) if invoice else None
        if found is not None:
            owner = self._store.claims(found.customer).get(found.customer)
            self._store.keep(replace(found, organization=owner))
