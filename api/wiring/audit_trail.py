"""Wiring of the audit trail: chains, what is exported whole, what is erased."""

from dataclasses import dataclass

from adapters.postgres.chains import PostgresChain
from adapters.postgres.database import Database
from adapters.postgres.erasing import PostgresPersonalData
from application.erasing import Erasing
from application.ports import Books, EventLog


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditTrail:
    """What can be proved, taken along and forgotten."""

    chain: PostgresChain
    erasing: Erasing


def audit_trail(database: Database, log: EventLog, books: Books) -> AuditTrail:
    """Everything about the audit trail over one database."""
    return AuditTrail(
        chain=PostgresChain(database),
        erasing=Erasing(log, books, PostgresPersonalData(database)),
    )
