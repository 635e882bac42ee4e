"""Wiring to the processor: whoever holds and issues invoices, as the settings say."""

from collections.abc import Callable
from datetime import datetime

from adapters.journal.gateway import JournalGateway
from adapters.postgres.database import Database
from api.setting_texts import JOURNAL
from api.settings import Settings
from api.wiring.stripe import stripe_gateway
from application.gateway import InvoiceGateway
from application.pacer import Pacer
from application.paying import TakesPayments
from domain.sync_allowance import UNLIMITED, SyncAllowance


def processor(
    settings: Settings, database: Database, pacer: Pacer, now: Callable[[], datetime]
) -> InvoiceGateway:
    """Stripe or the sandbox, at a pace that it can take; or the journal in our own database."""
    if settings.processor == JOURNAL:
        return JournalGateway(database.connection, now)
    return stripe_gateway(settings, database, pacer)


def sync_allowance(settings: Settings) -> SyncAllowance:
    """How often drafts are read. The journal may be read as often as they change."""
    reads = 0 if settings.processor == JOURNAL else settings.stripe_reads_per_invoice
    return SyncAllowance.of(reads) if reads else UNLIMITED


def payments_by_hand(gateway: InvoiceGateway) -> TakesPayments | None:
    """The processor, if it has to be told what came in."""
    return gateway if isinstance(gateway, JournalGateway) else None
