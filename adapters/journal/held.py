"""An invoice of the journal while one write is at it: locked, and in the state it has to be in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.journal import reading
from adapters.journal.reading import Reader
from projections.remote_invoice import RemoteInvoice, RemoteStatus


class Refused(Exception):
    """The journal does not do what was asked. code, status: as an answer gives them."""

    def __init__(self, message: str, code: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Held:
    """The rows within a transaction. made: names what a write makes, the same each time."""

    rows: Reader
    now: datetime
    made: Callable[[str], str]

    def draft(self, invoice: str) -> RemoteInvoice:
        """A draft, locked.

        Raises:
            Refused: there is none.
        """
        return self.found(invoice, (RemoteStatus.DRAFT,))

    def found(self, invoice: str, states: tuple[RemoteStatus, ...]) -> RemoteInvoice:
        """An invoice in one of some states, locked.

        Raises:
            Refused: it is in another, or there is none.
        """
        self.lock(invoice)
        seen = reading.invoice(self.rows, invoice)
        if seen is None:
            raise Refused(f"there is no invoice {invoice}", "resource_missing", 404)
        if seen.status not in states:
            raise Refused(f"{invoice} is {seen.status.value}", code="invoice_status")
        return seen

    def lock(self, invoice: str) -> None:
        """Keep others from an invoice until the transaction ends."""
        self.rows.execute("SELECT 1 FROM journal_invoice WHERE id = %s FOR UPDATE", [invoice])
