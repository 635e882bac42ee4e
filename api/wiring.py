"""Wiring: the one module that chooses adapters and builds the use cases on them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.cycle_lists import PostgresCycleLists
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.idempotency import PostgresAnswers
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.keys import PostgresKeys
from adapters.postgres.migrate import migrate, pending
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.retally import Retally
from adapters.postgres.routing import Routes
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageArchive, PostgresUsageFinder
from adapters.postgres.verifying import PostgresVerifiedStore
from adapters.stripe.gateway import StripeGateway, stripe_client
from adapters.stripe.webhooks import read_webhook
from api.auth import KeyRing
from api.settings import Settings
from application.adjusting import Adjusting
from application.attaching import Attaching
from application.audit import Audit
from application.changing import Carrying, Rehearsing, Runner
from application.closing import Closing
from application.correcting import Correcting
from application.crediting import Crediting
from application.cycles import CycleOpener
from application.desired import DesiredState
from application.diffing import Diffing
from application.ending import Ending
from application.gateway import InvoiceGateway
from application.holding import Holding
from application.holdings import Holdings
from application.idempotency import AnswerStore
from application.inbox import Inbox, Message
from application.invoices import Invoices
from application.issuing import Issuing
from application.keys import Keys
from application.ports import Books, Directory
from application.projector import Projector, Rebuilder, SyncQueue
from application.publishing import Publishing
from application.quarantine import Quarantine
from application.reconciler import Reconciler
from application.recording import Recording
from application.registration import Registration
from application.repricing import Repricing
from application.stripe_stream import CustomerLinks, LoggedStripeStream
from application.usage_records import UsageRecords
from application.verification import Verification
from application.views import Preview, Receipt
from application.voiding import Voiding
from application.what_if import WhatIf
from domain.errors import RuleViolation

if TYPE_CHECKING:
    from adapters.postgres.listening import LogGrowth

SANDBOX_KEY = "sk_test_sandbox"
SPARE_CONNECTIONS = 4

ReadWebhook = Callable[[bytes, str | None, datetime], Message]


Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes(Generic[Answer]):
    """Every change that people ask for: carried out, or rehearsed to see what it would do."""

    attaching: Attaching[Answer]
    adjusting: Adjusting[Answer]
    correcting: Correcting[Answer]
    holding: Holding[Answer]
    ending: Ending[Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wired:
    """Every use case, built on the adapters that the settings ask for."""

    settings: Settings
    publishing: Publishing
    registration: Registration
    changes: Changes[Receipt]
    previews: Changes[Preview]
    holdings: Holdings
    voiding: Voiding
    crediting: Crediting
    recording: Recording
    usage_records: UsageRecords
    quarantine: Quarantine
    invoices: Invoices
    what_if: WhatIf
    repricing: Repricing
    diffing: Diffing
    closing: Closing
    reconciler: Reconciler
    audit: Audit
    verification: Verification
    inbox: Inbox
    stripe_stream: LoggedStripeStream
    keys: Keys
    key_ring: KeyRing
    answers: AnswerStore
    books: Books
    cycle_lists: PostgresCycleLists
    directory: Directory
    projector: Projector
    rebuilder: Rebuilder
    make_checkpoints: Callable[[], int]
    fold_stale_tallies: Callable[[], int]
    sync_queue: SyncQueue
    read_webhook: ReadWebhook
    pending_migrations: Callable[[], list[str]]
    log_growth: "Callable[[], LogGrowth]"


def clock() -> datetime:
    """The clock of every use case that reads one."""
    return datetime.now(UTC)


@contextmanager
def wire(
    settings: Settings, conninfo: str, gateway: InvoiceGateway | None = None
) -> Iterator[Wired]:
    """Everything over one database, closed afterwards.

    gateway: another than Stripe's, or the sandbox's, own.
    """
    database = Database(conninfo, size=settings.threads + SPARE_CONNECTIONS)
    events = CyclebookEvents(conninfo)
    try:
        yield _wired(settings, database, events, gateway or stripe_gateway(settings))
    finally:
        events.close()
        database.close()


@contextmanager
def attached(
    settings: Settings, *, up_to_date: bool = True, keep_running: bool = False
) -> Iterator[str]:
    """The URL of the database: ``DATABASE_URL``, or the embedded one, started.

    up_to_date: whether the embedded one is migrated first, and another is required to be.
    keep_running: whether the embedded one is started again, should it die meanwhile.

    Raises:
        StoreUnavailable: the database does not answer.
        RuleViolation: it lacks migrations, or is newer than this code.
    """
    if settings.database_url is not None:
        if up_to_date:
            _require_migrated(settings.database_url)
        yield settings.database_url
        return
    from adapters.postgres.embedded import EmbeddedPostgres
    from adapters.postgres.keeping import kept_running

    server = EmbeddedPostgres(settings.cyclebook_home, programs=settings.postgres_programs)
    with server as url:
        if up_to_date:
            migrate(url)
        with kept_running(server) if keep_running else nullcontext():
            yield url


@contextmanager
def wired_from(settings: Settings, *, keep_running: bool = False) -> Iterator[Wired]:
    """Attach to the database and wire everything."""
    with (
        attached(settings, keep_running=keep_running) as conninfo,
        wire(settings, conninfo) as wired,
    ):
        yield wired


def stripe_gateway(settings: Settings) -> InvoiceGateway:
    """Stripe behind its key, or the sandbox without one."""
    key = settings.stripe_api_key or SANDBOX_KEY
    return StripeGateway(stripe_client(key, base=settings.stripe_api_base))


def migrated(conninfo: str) -> list[str]:
    """Bring a database up to date; the migrations that were applied."""
    return [str(each) for each in migrate(conninfo)]


def run_sandbox(settings: Settings, webhook_url: str, on_start: Callable[[str], None]) -> None:
    """Be the Stripe sandbox until told to stop."""
    from adapters.sandbox.server import serve

    home = settings.cyclebook_home / "sandbox"
    secret = settings.stripe_webhook_secret or ""
    serve("127.0.0.1", settings.sandbox_port, home, webhook_url, secret, on_start)


def _wired(
    settings: Settings, database: Database, events: CyclebookEvents, gateway: InvoiceGateway
) -> Wired:
    log = PostgresEventLog(database, events)
    catalog = PostgresCatalog(database)
    books = PostgresBooks(database, catalog)
    directory = PostgresDirectory(database)
    stripe_stream = LoggedStripeStream(log, clock)
    lists = PostgresCycleLists(database)
    queue = PostgresSyncQueue(database)
    keys = Keys(PostgresKeys(database))
    recording = Recording(_usage_log(database, catalog, books))
    reconciler = Reconciler(
        gateway,
        stripe_stream,
        DesiredState(books, catalog, directory),
        clock,
        on_customer_linked=CustomerLinks(books, clock),
    )
    carrying = Carrying(books)
    records = PostgresCycleRecords(database)
    crediting = Crediting(books, carrying, catalog, reconciler, clock)
    return Wired(
        settings=settings,
        publishing=Publishing(log, catalog),
        registration=Registration(log, books, directory, catalog),
        changes=_changes(carrying, database, catalog),
        previews=_changes(Rehearsing(books, catalog), database, catalog),
        holdings=Holdings(books),
        voiding=Voiding(books, carrying, reconciler, clock),
        crediting=crediting,
        recording=recording,
        usage_records=UsageRecords(PostgresUsageArchive(database), catalog),
        quarantine=Quarantine(PostgresQuarantine(database), recording),
        invoices=Invoices(books, log, catalog, records, stripe_stream),
        what_if=WhatIf(books, log, catalog, records, directory),
        repricing=Repricing(carrying, catalog, clock),
        diffing=Diffing(books, log, catalog, records),
        closing=Closing(
            books,
            catalog,
            Issuing(books, reconciler, stripe_stream),
            crediting,
        ),
        reconciler=reconciler,
        audit=Audit(lists.overlapping, reconciler.audit),
        verification=Verification(
            PostgresVerifiedStore(database, PostgresRebuilder(database, catalog)),
            Invoices(books, log, catalog, PostgresCycleRecords(database), stripe_stream),
            gateway.find,
            clock,
        ),
        inbox=Inbox(PostgresInbox(database), books, gateway, stripe_stream, _resync(queue)),
        stripe_stream=stripe_stream,
        keys=keys,
        key_ring=KeyRing(keys),
        answers=PostgresAnswers(database),
        books=books,
        cycle_lists=lists,
        directory=directory,
        projector=PostgresProjector(database, catalog, sync_interval_s=settings.sync_interval_s),
        rebuilder=PostgresRebuilder(database, catalog),
        make_checkpoints=Checkpoints(database, catalog).make,
        fold_stale_tallies=Retally(database, catalog).run,
        sync_queue=queue,
        read_webhook=_webhook_reader(settings),
        pending_migrations=lambda: _pending(database),
        log_growth=lambda: _log_growth(database.conninfo),
    )


def _changes(run: Runner[Answer], database: Database, catalog: PostgresCatalog) -> Changes[Answer]:
    return Changes(
        attaching=Attaching(run, catalog, clock),
        adjusting=Adjusting(run, catalog, clock),
        correcting=Correcting(run, PostgresUsageFinder(database), catalog, clock),
        holding=Holding(run, catalog),
        ending=Ending(run, clock),
    )


def _usage_log(database: Database, catalog: PostgresCatalog, books: PostgresBooks) -> GroupCommit:
    routes = Routes(catalog)
    planner = Planner(database, routes, CycleOpener(books, clock))
    return GroupCommit(UsageRecorder(database, routes, planner).append)


def _resync(queue: SyncQueue) -> Callable[[str], None]:
    return lambda cycle: queue.mark(cycle, 0, clock())


def _webhook_reader(settings: Settings) -> ReadWebhook:
    secrets = (settings.stripe_webhook_secret or "").split()

    def read(body: bytes, signature: str | None, now: datetime) -> Message:
        event = read_webhook(body, signature, secrets, now)
        return Message(id=event.id, type=event.type, object_id=event.object_id, cycle=event.cycle)

    return read


def _require_migrated(conninfo: str) -> None:
    database = Database(conninfo, size=1)
    try:
        lacking = _pending(database)
    finally:
        database.close()
    if lacking:
        raise RuleViolation(
            f"the database lacks {', '.join(lacking)}: run cyclebook migrate",
            code="migrations_pending",
        )


def _pending(database: Database) -> list[str]:
    with database.connection() as connection:
        return [str(each) for each in pending(connection)]


def _log_growth(conninfo: str) -> "LogGrowth":
    from adapters.postgres.listening import LogGrowth

    return LogGrowth(conninfo)
