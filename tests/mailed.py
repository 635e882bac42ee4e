"""E-mails to members of acme, sent to a mail server of the tests' own."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from adapters.notify.letters import Letters
from adapters.notify.mail import SmtpCarrier
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.mail import PostgresMail
from adapters.postgres.mails import PostgresMailOutage
from adapters.postgres.notices import PostgresNotices
from application.mail_server import MailServer
from application.mailing import Carrier, MailChoices, Mailing
from application.notices import SUBJECTS, Notice, Told
from application.ports import Profile
from domain.errors import NotFound
from domain.events.organization import MemberAdded, OrganizationRegistered
from domain.organization import Organization, registered

ORIGIN = "https://billing.example"
AT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
INVOICE = {
    "cycle": "acme.2026-01-01",
    "currency": "eur",
    "number": "A-1",
    "status": "issued",
    "total": 12345,
    "period": {"start": "2025-12-31T23:00:00Z", "end": "2026-01-31T23:00:00Z"},
}
ISSUED = {"total": 12345, "number": "A-1", "due_at": "2026-02-14T23:00:00Z", "invoice": INVOICE}
ALERT = {"alert": "a1", "of": "spend", "amount": 900, "threshold": 800, "currency": "usd"}
SAID: dict[str, dict[str, Any]] = {
    "invoice.upcoming": {
        "total": 5551,
        "accrued": 4879,
        "currency": "eur",
        "ends_at": "2026-01-31T23:00:00Z",
    },
    "invoice.issued": ISSUED,
    "invoice.past_due": {"invoice": INVOICE},
    "invoice.payment_failed": {
        "attempt": 1,
        "reason": "The card was declined",
        "next_attempt_at": "2026-02-03T09:00:00Z",
        "invoice": INVOICE,
    },
    "invoice.action_required": {"attempt": 1, "invoice": INVOICE},
    "alert.reached": ALERT,
    "case.acknowledged": {"case": "acme.c1"},
    "case.commented": {"case": "acme.c1", "by": "support"},
    "case.resolved": {"case": "acme.c1", "resolution": "explained"},
    "trouble.noticed": {"since": "2026-01-31T20:00:00Z"},
    "trouble.over": {"since": "2026-01-31T20:00:00Z"},
}


def told(kind: str = "invoice.issued", data: dict[str, Any] | None = None, number: int = 1) -> Told:
    return Told(
        number=number,
        kind=kind,
        organization="acme",
        occurrence=f"{kind}/{number}",
        at=AT,
        cycle="acme.2026-01-01",
        data=SAID[kind] if data is None else data,
    )


class Inbox:
    """A mail server's inbox. answers: by recipient, instead of taking it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], EmailMessage]] = []
        self.answers: dict[str, str] = {}
        self.good_bye = "221 Bye"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        return self.good_bye

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[str]:
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=False)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


class Office:
    """Mailing over a database, with members of acme and a clock of its own."""

    def __init__(self, database: Database, smtp: str) -> None:
        self.now = AT + timedelta(minutes=1)
        self.smtp = smtp
        self.acme = organization(ada="owner", bea="billing", carl="admin", dora="member")
        self.store = PostgresMail(database)
        self.directory = PostgresDirectory(database)
        self.notices = PostgresNotices(database, mails=True)
        self.choices = MailChoices(self.store, self.load, SUBJECTS)
        carrier = SmtpCarrier(smtp, "Bäckerei-Cloud <billing@cloud.example>", Letters(ORIGIN))
        self.server = MailServer(PostgresMailOutage(database), carrier.reach)
        self.mailing = self.mailing_by(carrier)
        self.addresses(ada="ada@acme.example", bea="bea@acme.example", carl="carl@acme.example")

    def mailing_by(self, carrier: Carrier) -> Mailing:
        return Mailing(self.store, self.server, self.load, self.directory, carrier)

    def load(self, organization: str) -> Organization:
        if organization != "acme":
            raise NotFound(f"there is no organization {organization}")
        return self.acme

    def addresses(self, **emails: str) -> None:
        self.directory.put("acme", Profile(name="Bäckerei Süß", emails=emails))

    def tell(self, kind: str = "invoice.issued", number: int = 1, at: datetime = AT) -> None:
        notice = Notice(
            kind=kind,
            organization="acme",
            occurrence=f"{kind}/{number}",
            at=at,
            cycle="acme.2026-01-01",
            data=SAID[kind],
        )
        self.notices.announce([notice])

    def work(self) -> None:
        while self.mailing.step(self.now):
            pass


def organization(**roles: str) -> Organization:
    first = OrganizationRegistered(
        at=AT, organization="acme", currency="eur", time_zone="Europe/Berlin", anchor_day=1
    )
    found = registered(first)
    for user, role in roles.items():
        found.apply(MemberAdded(at=AT, user=user, role=role))
    return found


@pytest.fixture
def office(each_database_url: str, smtp: str) -> Iterator[Office]:
    database = Database(each_database_url)
    yield Office(database, smtp)
    database.close()


def recipients(inbox: Inbox) -> list[str]:
    return sorted(address for _, addresses, _ in inbox.got for address in addresses)


def errors(office: Office, url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT member, status, coalesce(error, dropped_because) FROM mail ORDER BY 1"
        ).fetchall()
