"""What an import reads at Stripe, and where it keeps it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from projections.imported_invoice import ImportedInvoice


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCustomer:
    """A customer as Stripe lists it. organization: ours, by its metadata. currency: the one it is
    billed in, ``None`` where Stripe does not say so on the customer itself."""

    id: str
    created: datetime
    name: str
    email: str | None
    currency: str | None
    organization: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundInvoice:
    """An invoice as Stripe lists it, before all its lines are read.

    final: whether it was finalized. ours: whether we made it. status, total, paid: as far as a
    finalized invoice can still change.
    """

    id: str
    customer: str
    final: bool
    ours: bool
    status: str
    amount_paid: int


class BilledElsewhere(Protocol):
    """Reads what others billed through Stripe. Never writes.

    Every method raises ``GatewayBusy``, ``GatewayUnavailable`` or ``GatewayRejected`` where
    Stripe cannot be read.
    """

    def customers(self) -> Iterator[Sequence[FoundCustomer]]:
        """Every customer that was not deleted, in pages, newest first."""
        ...

    def currency_of(self, customer: str) -> str | None:
        """What a customer's newest invoice is in, else its newest subscription; else ``None``."""
        ...

    def invoices(self, start: datetime, end: datetime) -> Iterator[Sequence[FoundInvoice]]:
        """Every invoice made in ``[start, end)``, in pages; perhaps twice."""
        ...

    def invoice(self, invoice: str) -> ImportedInvoice | None:
        """One with all its lines; ``None`` if it is gone, was never finalized, or is ours."""
        ...


class NothingElsewhere:
    """``BilledElsewhere`` of a processor at which nobody but us bills."""

    def customers(self) -> Iterator[Sequence[FoundCustomer]]:
        """None."""
        return iter(())

    def currency_of(self, customer: str) -> str | None:
        """None."""
        return None

    def invoices(self, start: datetime, end: datetime) -> Iterator[Sequence[FoundInvoice]]:
        """None."""
        return iter(())

    def invoice(self, invoice: str) -> ImportedInvoice | None:
        """None."""
        return None


class ImportedStore(Protocol):
    """Keeps what was imported."""

    def claims(self, customer: str | None = None) -> dict[str, str]:
        """The organization that each customer became or is to become, as far as that is settled:
        by a claim, or by a link, a former one too. customer: of this one alone."""
        ...

    def claim(self, customer: str, organization: str) -> bool:
        """Settle it; ``False`` where the organization is another customer's already."""
        ...

    def known(self, invoices: Sequence[str]) -> dict[str, tuple[str, int, str | None]]:
        """Status, amount paid and organization of those that are kept already, by Stripe's id."""
        ...

    def keep(self, invoice: ImportedInvoice) -> None:
        """Keep an invoice in place of what was known of it."""
        ...

    def of_organization(
        self, organization: str, customer: str | None, after: str | None, limit: int
    ) -> Sequence[ImportedInvoice]:
        """An organization's invoices, newest first, after one by Stripe's id.

        customer: as whom it is billed now; invoices of it count, too.
        """
        ...

    def every_of(self, organization: str, customer: str | None) -> Sequence[ImportedInvoice]:
        """All of them, oldest first."""
        ...

    def nobodys(self, start: datetime | None, end: datetime) -> Sequence[ImportedInvoice]:
        """Invoices of no organization whose period ends after ``start`` and by ``end``."""
        ...
