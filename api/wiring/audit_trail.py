"""Wiring of the audit trail: chains, exports, archives, and what is erased."""

from dataclasses import dataclass

from adapters.postgres.archiving import PostgresArchive
from adapters.postgres.chains import PostgresChain
from adapters.postgres.database import Database
from adapters.postgres.erasing import PostgresPersonalData
from adapters.postgres.organization_log import PostgresOrganizationLog
from adapters.postgres.organization_rows import PostgresOrganizationRows
from api.wiring.cases import cases
from application.archiving import Archive
from application.chain import Chain
from application.erasing import Erasing
from application.holdings import Holdings
from application.invoice_bundle import InvoiceBundles
from application.invoices import Invoices
from application.ports import Books, EventLog
from application.registration import Registration
from application.whole_export import WholeExport


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditTrail:
    """What can be proved, taken along and forgotten."""

    chain: Chain
    erasing: Erasing
    whole: WholeExport
    bundles: InvoiceBundles
    archive: Archive


def audit_trail(
    database: Database,
    log: EventLog,
    books: Books,
    registration: Registration,
    invoices: Invoices,
) -> AuditTrail:
    """Everything about the audit trail over one database."""
    chain = PostgresChain(database)
    return AuditTrail(
        chain=chain,
        archive=PostgresArchive(database),
        bundles=InvoiceBundles(chain, books, invoices),
        erasing=Erasing(log, books, PostgresPersonalData(database)),
        whole=WholeExport(
            registration,
            books,
            invoices,
            Holdings(books),
            cases(database, log, books, invoices),
            PostgresOrganizationLog(database),
            PostgresOrganizationRows(database),
        ),
    )
