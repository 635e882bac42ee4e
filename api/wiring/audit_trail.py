"""Wiring of the audit trail: chains, what is exported whole, what is erased."""

from dataclasses import dataclass

from adapters.postgres.chains import PostgresChain
from adapters.postgres.database import Database
from adapters.postgres.erasing import PostgresPersonalData
from adapters.postgres.organization_log import PostgresOrganizationLog
from application.cases import Cases
from application.erasing import Erasing
from application.holdings import Holdings
from application.invoices import Invoices
from application.ports import Books, EventLog
from application.registration import Registration
from application.whole_export import WholeExport


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditTrail:
    """What can be proved, taken along and forgotten."""

    chain: PostgresChain
    erasing: Erasing
    whole: WholeExport


def audit_trail(
    database: Database,
    log: EventLog,
    books: Books,
    registration: Registration,
    invoices: Invoices,
    cases: Cases,
) -> AuditTrail:
    """Everything about the audit trail over one database."""
    return AuditTrail(
        chain=PostgresChain(database),
        erasing=Erasing(log, books, PostgresPersonalData(database)),
        whole=WholeExport(
            registration,
            books,
            invoices,
            Holdings(books),
            cases,
            PostgresOrganizationLog(database),
        ),
    )
