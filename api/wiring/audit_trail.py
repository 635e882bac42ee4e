"""Wiring of the audit trail: chains, what is exported whole, what is erased."""

from dataclasses import dataclass

from adapters.postgres.chains import PostgresChain
from adapters.postgres.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditTrail:
    """What can be proved, taken along and forgotten."""

    chain: PostgresChain


def audit_trail(database: Database) -> AuditTrail:
    """Everything about the audit trail over one database."""
    return AuditTrail(chain=PostgresChain(database))
