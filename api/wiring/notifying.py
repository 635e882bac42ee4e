"""Wiring of notices: how they come from the log, where they are listed, and how they go out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.notify.addresses import target
from adapters.notify.http import HttpSender
from adapters.notify.letters import Letters
from adapters.notify.mail import SmtpCarrier
from adapters.postgres.database import Database
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.mail import PostgresMail
from adapters.postgres.mails import PostgresMailOutage, PostgresMails
from adapters.postgres.notice_work import PostgresNoticeWork
from adapters.postgres.notices import PostgresNotices
from adapters.postgres.noticing import Noticing
from adapters.postgres.sign_in_requests import PostgresSignInRequests
from adapters.postgres.sync_troubles import PostgresTroubles
from adapters.postgres.web_sessions import PostgresSessions
from adapters.postgres.webhook_endpoints import PostgresEndpoints
from adapters.postgres.webhook_lines import PostgresLines
from api.links import Links
from api.settings import Settings
from application.delivering import Delivering
from application.endpoints import Endpoints
from application.invoices import Invoices
from application.mail_server import MailServer
from application.mailing import MailChoices, Mailing
from application.mails import Mails
from application.notices import SUBJECTS, NoticeBoard
from application.noticing import Upcoming, Updates
from application.ports import Directory, EventLog
from application.quarantine_growth import QuarantineGrowth
from application.registration import load
from application.signing_in import Sessions, Visitor
from application.signing_in_by_mail import AskingForLinks, SendingLinks
from application.sync_troubles import Outage, SyncTroubles
from application.vitals import Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifying:
    """What a worker needs for notices. mailing, sending_links: ``None`` without a mail server.

    prune: deletes what is old, some of it at a time; each says how much.
    """

    delivering: Delivering
    mailing: Mailing | None
    sending_links: SendingLinks | None
    upcoming: Upcoming
    updates: Updates
    troubles: SyncTroubles
    growth: QuarantineGrowth
    prune: Sequence[Callable[[], int]]


def noticing(settings: Settings) -> Noticing:
    """The projector's part."""
    every = timedelta(seconds=settings.webhook_updated_every_s)
    return Noticing(every, mails=settings.smtp_url is not None)


def notice_board(settings: Settings, database: Database) -> NoticeBoard:
    """What people see and read."""
    return NoticeBoard(PostgresNotices(database, mails=settings.smtp_url is not None))


def endpoints(settings: Settings, database: Database) -> Endpoints:
    """Systems that are told by webhook."""

    def check(url: str) -> None:
        target(url, local=settings.webhook_allow_local)

    return Endpoints(PostgresEndpoints(database), check)


def mail_choices(database: Database, log: EventLog) -> MailChoices:
    """What members want to be told of."""
    return MailChoices(PostgresMail(database), lambda each: load(log, each), SUBJECTS)


def mails(database: Database) -> Mails:
    """What operators see of e-mails, and do about them."""
    return Mails(PostgresMails(database))


def asking_for_links(settings: Settings, database: Database) -> AskingForLinks | None:
    """Signing in by e-mail; ``None`` without a mail server."""
    if settings.smtp_url is None:
        return None
    return AskingForLinks(PostgresSignInRequests(database))


def notifying(
    settings: Settings,
    database: Database,
    log: EventLog,
    directory: Directory,
    invoices: Invoices,
    budget: Callable[[], Budget],
) -> Notifying:
    """Everything a worker does about notices. budget: says whether Stripe is left alone."""

    def outage() -> Outage | None:
        found = budget()
        if found.away is None or found.away_since is None:
            return None
        return Outage(since=found.away_since, reason=found.away)

    mails = settings.smtp_url is not None
    notices, work = PostgresNotices(database, mails=mails), PostgresNoticeWork(database)
    lines, mail = PostgresLines(database), PostgresMail(database)
    requests, sessions = PostgresSignInRequests(database), PostgresSessions(database)
    every = timedelta(seconds=settings.webhook_updated_every_s)
    return Notifying(
        delivering=Delivering(
            lines, HttpSender(local=settings.webhook_allow_local), settings.origin
        ),
        mailing=_mailing(settings, database, log, directory),
        sending_links=_sending_links(settings, database, log, directory),
        upcoming=Upcoming(work, notices, invoices.get, settings.invoice_upcoming_days),
        updates=Updates(work, notices, invoices.get, every),
        troubles=SyncTroubles(PostgresTroubles(database, mails=mails), outage),
        growth=QuarantineGrowth(work, notices),
        prune=(
            lines.prune,
            mail.prune,
            notices.prune,
            work.prune,
            PostgresInbox(database).prune,
            requests.prune,
            sessions.prune,
            sessions.prune_links,
        ),
    )


def _mailing(
    settings: Settings, database: Database, log: EventLog, directory: Directory
) -> Mailing | None:
    carrier = _carrier(settings)
    if carrier is None:
        return None
    server = MailServer(PostgresMailOutage(database), carrier.reach)
    return Mailing(PostgresMail(database), server, lambda each: load(log, each), directory, carrier)


def _sending_links(
    settings: Settings, database: Database, log: EventLog, directory: Directory
) -> SendingLinks | None:
    carrier = _carrier(settings)
    if carrier is None:
        return None
    server = MailServer(PostgresMailOutage(database), carrier.reach)
    sessions, links = Sessions(PostgresSessions(database)), Links(settings)

    def link(visitor: Visitor, expires_at: datetime) -> str:
        made = sessions.make_link(visitor, expires_at, actor="e-mail")
        return links.address(made, visitor, expires_at)

    requests = PostgresSignInRequests(database)
    return SendingLinks(
        requests, server, lambda each: load(log, each), directory, link, carrier.sign_in
    )


def _carrier(settings: Settings) -> SmtpCarrier | None:
    if settings.smtp_url is None:
        return None
    return SmtpCarrier(settings.smtp_url, settings.mail_from or "", Letters(settings.origin))
