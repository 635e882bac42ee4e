"""Wiring of imports and shadow mode: who bills, what may be asked of Stripe, what is compared."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.imported import PostgresImported
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.stripe.gateway import StripeGateway
from api.import_files import read_prices
from api.settings import Settings
from application.conflicts import Conflicts
from application.gateway import InvoiceGateway, StripeStream
from application.importing.customers import CustomerImport
from application.importing.invoices import ImportedHistory, InvoiceImport
from application.importing.ports import BilledElsewhere, NothingElsewhere
from application.inbox import Message
from application.issuing import BilledByOthers
from application.linking import Linking
from application.ports import Books
from application.reconciler import Reconciler
from application.registration import Registration
from application.shadowing.books_alone import InBooksAlone, billed_by_others
from application.shadowing.comparing import Comparing
from application.shadowing.facts import TheirFacts
from application.shadowing.read_only import ReadOnlyGateway
from application.views import InvoiceView
from domain.organization import Organization
from projections.shadow import Terms

Handle = Callable[[Message, datetime], None]
Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadowing:
    """What people ask for about another biller."""

    customers: CustomerImport
    invoices: InvoiceImport
    history: ImportedHistory
    comparing: Comparing


def elsewhere(gateway: InvoiceGateway) -> BilledElsewhere:
    """What others bill through the same account."""
    return gateway.elsewhere if isinstance(gateway, StripeGateway) else NothingElsewhere()


def allowed(settings: Settings, gateway: InvoiceGateway) -> InvoiceGateway:
    """The gateway, or in shadow mode no more than its reads."""
    return ReadOnlyGateway(gateway) if settings.shadow else gateway


def theirs_by(settings: Settings) -> BilledByOthers:
    """Which cycles another program bills."""
    return billed_by_others(shadow=settings.shadow, bill_from=settings.bill_from)


def conflicts_of(
    theirs: BilledByOthers,
    reconciler: Reconciler,
    books: Books,
    stream: StripeStream,
    queue: PostgresSyncQueue,
    now: Clock,
) -> Conflicts:
    """What syncs and finalizes, and leaves the cycles alone that another program bills."""
    return InBooksAlone(reconciler, books, stream, now, queue.retry_parked, theirs=theirs)


def handling_of(
    settings: Settings,
    database: Database,
    gateway: InvoiceGateway,
    others: BilledElsewhere,
    usual: Handle,
) -> Handle:
    """What webhooks lead to: in shadow mode facts of the other biller, and nothing else."""
    if not settings.shadow:
        return usual
    return TheirFacts(gateway, others, PostgresImported(database))


def shadowing(  # noqa: PLR0913 - each is something else that an import or a comparison needs
    settings: Settings,
    database: Database,
    books: Books,
    others: BilledElsewhere,
    registration: Registration,
    linking: Linking,
    *,
    rated: Callable[[str], InvoiceView],
) -> Shadowing:
    """Everything about another biller over one database."""
    store, directory = PostgresImported(database), PostgresDirectory(database)
    return Shadowing(
        customers=CustomerImport(others, store, registration, linking),
        invoices=InvoiceImport(others, store),
        history=ImportedHistory(books, store),
        comparing=Comparing(books, directory, store, rated, _terms(settings)),
    )


def _terms(settings: Settings) -> Callable[[Organization], Terms]:
    """How an organization's lines are compared, by the file of the settings.

    Raises:
        InvalidInput: the file is no such table.
    """
    prices = read_prices(settings.shadow_prices)

    def terms(organization: Organization) -> Terms:
        return Terms(prices=prices, taxed=organization.policy("automatic_tax") is True)

    return terms
