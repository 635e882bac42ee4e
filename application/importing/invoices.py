"""Invoices of another biller become a read-only history: never rated, never synced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from application.importing.customers import Imported
from application.importing.ports import BilledElsewhere, FoundInvoice, ImportedStore
from application.ports import Books
from domain.errors import CyclebookError, NotFound, RuleViolation, Unavailable
from projections.imported_invoice import ImportedInvoice

OURS, NOT_FINAL = "ours", "not_finalized"
"""Why an invoice is not brought over: we made it, or nobody was billed by it yet."""


class InvoiceImport:
    """Brings finalized invoices over. What is kept as it is at Stripe is not read again."""

    def __init__(self, elsewhere: BilledElsewhere, store: ImportedStore) -> None:
        self._elsewhere = elsewhere
        self._store = store

    def run(self, since: datetime, until: datetime, *, dry_run: bool = False) -> Imported:
        """Bring over what was made in ``[since, until)``; the next run goes on where one broke off.

        An invoice of a customer that is no organization is kept as well, and told of: it is
        somebody's as soon as its customer is imported and this runs again.

        Raises:
            Unavailable: Stripe or the database did not answer; say it again to go on.
        """
        done, claims = Imported(), self._store.claims()
        told: set[str] = set()
        for page in self._elsewhere.invoices(since, until):
            fresh = [each for each in page if each.id not in told]
            told |= {each.id for each in fresh}
            self._page(fresh, claims, done, dry=dry_run)
        return done

    def _page(
        self, page: Sequence[FoundInvoice], claims: Mapping[str, str], done: Imported, *, dry: bool
    ) -> None:
        known = self._store.known([each.id for each in page])
        for each in page:
            if each.ours or not each.final:
                done.left_out[OURS if each.ours else NOT_FINAL] += 1
                continue
            done.expected += 1
            organization = claims.get(each.customer)
            try:
                if known.get(each.id) != (each.status, each.amount_paid, organization):
                    done.made += 1
                    if not dry:
                        self._keep(each.id, organization)
                _require_owner(each, organization)
                done.done += 1
            except Unavailable:
                raise
            except CyclebookError as refusal:
                done.refuse(each.id, refusal)

    def _keep(self, invoice: str, organization: str | None) -> None:
        found = self._elsewhere.invoice(invoice)
        if found is None:
            raise NotFound(f"{invoice} is on Stripe's list, and cannot be read: import once more")
        self._store.keep(replace(found, organization=organization))


class ImportedHistory:
    """What an organization was billed before, for whoever may see its invoices."""

    def __init__(self, books: Books, store: ImportedStore) -> None:
        self._books = books
        self._store = store

    def of(self, organization: str, after: str | None, limit: int) -> Sequence[ImportedInvoice]:
        """Its imported invoices, newest first, after one by Stripe's id.

        Raises:
            NotFound: there is no such organization.
        """
        customer = self._books.snapshot(organization).organization.stripe_customer
        return self._store.of_organization(organization, customer, after, limit)


def _require_owner(found: FoundInvoice, organization: str | None) -> None:
    if organization is None:
        raise RuleViolation(
            f"its customer {found.customer} is no organization yet: import customers first",
            code="customer_not_imported",
        )
