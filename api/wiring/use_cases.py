"""The use cases, built on the adapters that the settings ask for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.change_requests import PostgresChangeRequests
from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.cycle_lists import PostgresCycleLists
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.idempotency import PostgresAnswers
from adapters.postgres.inbox import PostgresCursor, PostgresInbox
from adapters.postgres.keys import PostgresKeys
from adapters.postgres.pacing import PostgresPace
from adapters.postgres.private_calls import PostgresPrivateParameters
from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.reconciled_cycles import PostgresSweptCycles
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.retally import Retally
from adapters.postgres.search import PostgresSearch
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.postgres.usage_records import PostgresUsageArchive, PostgresUsageFinder
from adapters.postgres.verifying import PostgresVerifiedStore
from adapters.postgres.web_sessions import PostgresSessions
from adapters.stripe.paced import sleep_for
from api.auth import KeyRing
from api.settings import Settings
from api.wiring import cases, notifying
from api.wiring.audit_trail import audit_trail
from api.wiring.database import attached, lacking, log_growth
from api.wiring.insight import insights
from api.wiring.messages import broker, dead_letters
from api.wiring.monitoring import monitoring, prometheus
from api.wiring.processor import payments_by_hand, processor, sync_allowance
from api.wiring.reconciling import reconciliations, safe_repairs
from api.wiring.scheduling import schedules, scheduling
from api.wiring.shadow import allowed, conflicts_of, elsewhere, handling_of, shadowing, theirs_by
from api.wiring.stripe import event_feed, webhook_reader
from api.wiring.usage import quarantine, replay_previews, usage_log
from api.wiring.wired import Changes, Wired
from application.adjusting import Adjusting
from application.attaching import Attaching
from application.catching_up import CatchingUp
from application.change_requests import ChangeRequests
from application.changing import Carrying, Rehearsing, Runner
from application.closing import Closing
from application.correcting import Correcting
from application.crediting import Crediting
from application.desired import DesiredState
from application.diffing import Diffing
from application.ending import Ending
from application.exporting import Exporting
from application.gateway import InvoiceGateway
from application.handling import Handling, cycle_named
from application.holding import Holding
from application.holdings import Holdings
from application.inbox import Inbox
from application.invoices import Invoices
from application.issuing import Issuing
from application.keys import Keys
from application.linking import Linking
from application.moving import Moving
from application.pacer import Pacer
from application.paying import Paying
from application.portal import Portal
from application.probing import Probing
from application.projector import SyncQueue
from application.publishing import Publishing
from application.reconciler import Reconciler, random_token
from application.reconciling.booked import BookedCycles
from application.reconciling.ports import Asked
from application.recording import Recording
from application.registration import Registration
from application.renewals import Renewals
from application.repricing import Repricing
from application.searching import Search
from application.signing_in import Sessions
from application.stripe_stream import CustomerLinks, LoggedStripeStream
from application.usage_records import UsageRecords
from application.verification import Verification
from application.voiding import Voiding
from application.what_if import WhatIf

if TYPE_CHECKING:
    from adapters.metrics.prometheus import PrometheusMeters

Answer = TypeVar("Answer")

SPARE_CONNECTIONS = 8


def clock() -> datetime:
    """The clock of every use case that reads one."""
    return datetime.now(UTC)


@contextmanager
def wire(
    settings: Settings,
    conninfo: str,
    gateway: InvoiceGateway | None = None,
    metrics: "PrometheusMeters | None" = None,
) -> Iterator[Wired]:
    """Everything over one database, closed afterwards.

    gateway: another than Stripe's, or the sandbox's, own. metrics: counts what goes on, if wanted.
    """
    size = max(settings.threads, settings.sync_threads) + SPARE_CONNECTIONS
    database = Database(conninfo, size=size)
    pace = PostgresPace(database, settings.stripe_rate_per_s, settings.stripe_rate_per_endpoint_s)
    pacer = Pacer(pace, sleep_for, meters=metrics)
    events = CyclebookEvents(conninfo)
    try:
        chosen = gateway or processor(settings, database, pacer, clock)
        yield _wired(settings, database, events, pacer, chosen, metrics)
    finally:
        events.close()
        database.close()


@contextmanager
def wired_from(
    settings: Settings, *, keep_running: bool = False, metered: bool = False
) -> Iterator[Wired]:
    """Attach to the database and wire everything."""
    metrics = prometheus() if metered else None
    with (
        attached(settings, keep_running=keep_running) as conninfo,
        wire(settings, conninfo, metrics=metrics) as wired,
    ):
        yield wired


def _wired(
    settings: Settings,
    database: Database,
    events: CyclebookEvents,
    pacer: Pacer,
    gateway: InvoiceGateway,
    metrics: "PrometheusMeters | None",
) -> Wired:
    feed, others, gateway = event_feed(gateway), elsewhere(gateway), allowed(settings, gateway)
    log = PostgresEventLog(database, events)
    catalog = PostgresCatalog(database)
    books = PostgresBooks(database, catalog)
    directory = PostgresDirectory(database)
    stripe_stream = LoggedStripeStream(log, clock, PostgresPrivateParameters(database))
    lists = PostgresCycleLists(database)
    queue = PostgresSyncQueue(database, allowance=sync_allowance(settings))
    scheduled = scheduling(settings, database)
    keys = Keys(PostgresKeys(database))
    known_schedules = schedules(settings, scheduled, clock)
    projector = PostgresProjector(
        database,
        catalog,
        sync_interval_s=settings.sync_interval_s,
        noticing=notifying.noticing(settings),
    )
    watched = monitoring(settings, database, projector, pacer, known_schedules)
    if metrics is not None:
        metrics.watch(watched.look, version("cyclebook"))
    recording = Recording(usage_log(database, catalog, books, metrics, clock))
    reconciler = Reconciler(
        gateway,
        stripe_stream,
        DesiredState(books, catalog, directory),
        clock,
        on_customer_linked=CustomerLinks(books, clock),
    )
    theirs = theirs_by(settings)
    conflicts = conflicts_of(theirs, reconciler, books, stripe_stream, queue, clock)
    renewals = Renewals(books, gateway, stripe_stream, _resync(queue), clock, random_token)
    carrying = Carrying(books)
    records = PostgresCycleRecords(database)
    crediting = Crediting(books, carrying, catalog, reconciler, clock)
    handling = Handling(books, gateway, stripe_stream, _resync(queue), renewals.claim)
    handle = handling_of(settings, database, gateway, others, handling)
    inbox = Inbox(PostgresInbox(database), handle)
    issuing = Issuing(books, conflicts, stripe_stream, theirs)
    booked = BookedCycles(books, log, catalog, records, clock)
    repairs = safe_repairs(database, booked, conflicts.sync, handle, issuing, clock)
    registration = Registration(log, books, directory, catalog)
    linking = Linking(books, gateway, queue, writes=not settings.shadow)
    plain = Invoices(books, log, catalog, records, stripe_stream)
    invoices = Invoices(books, log, catalog, records, stripe_stream, cases.about_cycles(database))
    mails = settings.smtp_url is not None
    insight = insights(database, carrying, books, catalog, records, mails=mails)
    return Wired(
        settings=settings,
        insight=insight.insight,
        alerts=insight.alerts,
        alert_watch=insight.watch,
        publishing=Publishing(log, catalog),
        registration=registration,
        changes=_changes(carrying, database, catalog),
        previews=_changes(Rehearsing(books, catalog), database, catalog),
        holdings=Holdings(books),
        linking=linking,
        shadowing=shadowing(
            settings, database, books, others, registration, linking, rated=plain.get
        ),
        portal=Portal(books, gateway, stripe_stream, queue, clock),
        voiding=Voiding(books, carrying, catalog, reconciler, clock),
        crediting=crediting,
        change_requests=ChangeRequests(PostgresChangeRequests(database), keys.same_holder, clock),
        search=Search(PostgresSearch(database)),
        paying=Paying(
            payments_by_hand(gateway), reconciler.observe, stripe_stream, carrying, clock
        ),
        recording=recording,
        usage_records=UsageRecords(PostgresUsageArchive(database), catalog),
        quarantine=quarantine(database, recording),
        replay_previews=replay_previews(database, catalog, clock),
        dead_letters=dead_letters(database, recording),
        broker=broker(settings, database, recording, clock),
        invoices=invoices,
        what_if=WhatIf(books, log, catalog, records, directory),
        repricing=Repricing(carrying, catalog, clock),
        diffing=Diffing(books, log, catalog, records),
        exporting=Exporting(books, log, records, directory),
        audit_trail=audit_trail(database, log, books, registration, plain),
        closing=Closing(books, catalog, issuing, crediting, insight.check),
        reconciler=reconciler,
        conflicts=conflicts,
        discrepancies=cases.discrepancies(database, conflicts),
        cases=cases.cases(database, log, books, plain),
        feedback=cases.feedback(database, books),
        reconciliations=reconciliations(database, gateway, booked, reconciler, repairs, clock),
        verification=Verification(
            PostgresVerifiedStore(database, PostgresRebuilder(database, catalog)),
            plain,
            gateway.find,
            clock,
        ),
        inbox=inbox,
        catching_up=CatchingUp(
            inbox=inbox,
            feed=feed,
            cursor=PostgresCursor(database),
            gateway=gateway,
            stripe=stripe_stream,
            books=books,
            began=lambda: PostgresSweptCycles(database).extent(Asked()).earliest,
        ),
        cycle_named=partial(cycle_named, gateway),
        stripe_stream=stripe_stream,
        keys=keys,
        key_ring=KeyRing(keys),
        sessions=Sessions(PostgresSessions(database)),
        asking_for_links=notifying.asking_for_links(settings, database),
        answers=PostgresAnswers(database),
        books=books,
        cycle_lists=lists,
        directory=directory,
        projector=projector,
        monitoring=watched,
        metrics=metrics,
        notices=notifying.notice_board(settings, database),
        endpoints=notifying.endpoints(settings, database),
        mail_choices=notifying.mail_choices(database, log),
        mails=notifying.mails(database),
        notifying=notifying.notifying(settings, database, log, directory, plain, pacer.budget),
        rebuilder=PostgresRebuilder(database, catalog),
        make_checkpoints=Checkpoints(database, catalog).make,
        fold_stale_tallies=Retally(database, catalog).run,
        sync_queue=queue,
        schedules=known_schedules,
        scheduling=scheduled,
        stripe_away=pacer.away,
        probing=Probing(pacer, feed, clock),
        read_webhook=webhook_reader(settings),
        pending_migrations=lambda: lacking(database),
        log_growth=lambda: log_growth(database.conninfo),
    )


def _changes(run: Runner[Answer], database: Database, catalog: PostgresCatalog) -> Changes[Answer]:
    return Changes(
        attaching=Attaching(run, catalog, clock),
        adjusting=Adjusting(run, catalog, clock),
        correcting=Correcting(run, PostgresUsageFinder(database), catalog, clock),
        holding=Holding(run, catalog),
        ending=Ending(run, clock),
        moving=Moving(run, catalog, clock),
    )


def _resync(queue: SyncQueue) -> Callable[[str], None]:
    return lambda cycle: queue.mark(cycle, 0, clock())
