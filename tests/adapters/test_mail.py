"""E-mails: written in plain words, sent by SMTP to those who want them, once for each address."""

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

from adapters.notify.letters import TEMPLATES, Letters
from adapters.notify.mail import SmtpCarrier, server
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.mail import PostgresMail
from adapters.postgres.mails import PostgresMailOutage
from adapters.postgres.notices import PostgresNotices
from application.mail_server import MailRefused, MailServer, MailServerAway
from application.mailing import SCHEDULE, TOO_OLD, Carrier, MailChoices, Mailing
from application.notices import KINDS, SUBJECTS, Notice, Told
from application.ports import Profile
from domain.errors import InvalidInput, NotFound
from domain.events.organization import MemberAdded, MemberRemoved, OrganizationRegistered
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
    "invoice.upcoming": {"total": 5, "currency": "eur", "ends_at": "2026-01-31T23:00:00Z"},
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


def test_every_kind_that_is_mailed_has_words() -> None:
    mailed = {name for name, kind in KINDS.items() if kind.mailed}
    written = {file.stem for file in TEMPLATES.glob("*.txt")} - {"letter", "sign_in"}
    assert mailed == written == SAID.keys()


@pytest.mark.parametrize("kind", SAID)
def test_words_are_whole(kind: str) -> None:
    letter = Letters(ORIGIN).write(told(kind), "Bäckerei Süß & Söhne", "Europe/Berlin")
    assert letter.subject and "\n" not in letter.subject
    assert letter.text.startswith("Hello Bäckerei Süß & Söhne,\n\n")
    assert "Hello Bäckerei Süß &amp; Söhne," in letter.html
    for text in (letter.subject, letter.text, letter.html):
        assert not any(mark in text for mark in ("{{", "{%", "None", "  \n"))
    link = f"{ORIGIN}/billing/acme"
    assert link in letter.text and f'href="{link}"' in letter.html


def test_amounts_and_days_are_those_of_the_customer() -> None:
    letter = Letters(ORIGIN).write(told(), "Acme", "Europe/Berlin")
    assert letter.subject == "Your invoice A-1: 123.45 EUR"
    assert "for 1 January 2026 to 1 February 2026 is here" in letter.text
    assert "Please pay it by 15 February 2026." in letter.text


def test_nothing_that_people_write_becomes_html_or_a_header() -> None:
    name = 'Acme\r\nBcc: all@example.com <script>alert(1)</script>"'
    said = {**SAID["invoice.payment_failed"], "reason": "<img src=x onerror=alert(1)>"}
    invoice = {**INVOICE, "number": "A-1\r\nBcc: all@example.com"}
    letter = Letters(ORIGIN).write(
        told("invoice.payment_failed", {**said, "invoice": invoice}), name, "UTC"
    )
    assert "<script>" not in letter.html and "<img" not in letter.html
    assert "\r" not in letter.subject and "\n" not in letter.subject


def test_what_lacks_its_data_is_refused_and_not_half_said() -> None:
    with pytest.raises(MailRefused, match="cannot be written"):
        Letters(ORIGIN).write(told("invoice.issued", {}), "Acme", "UTC")


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


def test_owners_and_billing_members_are_told_once(office: Office, inbox: Inbox) -> None:
    office.tell()
    office.tell()
    office.work()
    office.work()
    assert recipients(inbox) == ["ada@acme.example", "bea@acme.example"]
    sender, _, message = inbox.got[0]
    assert sender == "billing@cloud.example"
    assert message["From"] == "Bäckerei-Cloud <billing@cloud.example>"
    assert message["Subject"] == "Your invoice A-1: 123.45 EUR"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and "Hello Bäckerei Süß," in text.get_content()
    assert html is not None and "<p>Hello Bäckerei Süß,</p>" in html.get_content()
    assert len({message["Message-ID"] for _, _, message in inbox.got}) == 2


def test_members_say_what_they_want(office: Office, inbox: Inbox) -> None:
    assert office.choices.get("acme", "ada") == dict.fromkeys(SUBJECTS, True)
    assert office.choices.get("acme", "carl") == dict.fromkeys(SUBJECTS, False)
    office.choices.put("acme", "ada", {"billing": False})
    said = office.choices.put("acme", "carl", {"billing": True, "cases": True})
    assert said == {"billing": True, "alerts": False, "cases": True, "trouble": False}
    office.tell()
    office.tell("alert.reached")
    office.work()
    assert recipients(inbox) == [
        "ada@acme.example",  # the alert
        "bea@acme.example",
        "bea@acme.example",
        "carl@acme.example",  # the invoice
    ]
    with pytest.raises(NotFound):
        office.choices.get("acme", "emil")


def test_two_members_with_one_address_get_one_e_mail(office: Office, inbox: Inbox) -> None:
    office.addresses(ada="office@acme.example", bea="Office@acme.example")
    office.tell()
    office.work()
    assert recipients(inbox) == ["office@acme.example"]


def test_what_is_old_is_no_news(office: Office, inbox: Inbox) -> None:
    office.tell(at=office.now - TOO_OLD - timedelta(seconds=1))
    office.work()
    assert inbox.got == []


def test_whoever_left_or_was_erased_meanwhile_is_not_written_to(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    office.tell()
    (notice,) = office.store.unaddressed(9)
    office.store.address(notice, ["ada", "bea"])
    office.acme.apply(MemberRemoved(at=AT, user="bea"))
    office.addresses(bea="bea@acme.example")
    office.work()
    assert inbox.got == []
    reason = "this member has no address any more"
    assert errors(office, each_database_url) == [
        ("ada", "dropped", reason),
        ("bea", "dropped", reason),
    ]


def test_a_server_that_says_later_is_asked_later_and_then_left(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    inbox.answers["ada@acme.example"] = "451 busy"
    office.tell()
    for pause in SCHEDULE:
        office.work()
        office.now += pause
    assert errors(office, each_database_url)[0][1:] == ("waiting", "the mail server said 451")
    office.work()
    assert errors(office, each_database_url)[0][1] == "given_up"
    assert recipients(inbox) == ["bea@acme.example"]


def test_a_server_that_says_never_is_not_asked_again(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    inbox.answers["ada@acme.example"] = "550 no such user"
    office.tell()
    office.work()
    assert errors(office, each_database_url) == [
        ("ada", "given_up", "the mail server refused it: 550"),
        ("bea", "sent", None),
    ]


def test_what_was_taken_is_sent_however_the_server_says_good_bye(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    inbox.good_bye = "421 too busy"
    office.tell()
    office.work()
    office.now += SCHEDULE[0]
    office.work()
    assert recipients(inbox) == ["ada@acme.example", "bea@acme.example"]
    assert {row[1] for row in errors(office, each_database_url)} == {"sent"}


def test_a_fault_of_ours_is_given_up_like_any_other_and_keeps_no_other_mail(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    told_to = SmtpCarrier(office.smtp, "a@b.example", Letters(ORIGIN))

    def carry(address: str, notice: Told, name: str, zone: str) -> None:
        if address.startswith("ada"):
            raise RuntimeError("nobody thought of this")
        told_to(address, notice, name, zone)

    office.tell()
    mailing = office.mailing_by(carry)
    for pause in (timedelta(), *SCHEDULE):
        office.now += pause
        while mailing.step(office.now):
            pass
    assert errors(office, each_database_url) == [
        ("ada", "given_up", "a fault of ours: RuntimeError"),
        ("bea", "sent", None),
    ]
    assert recipients(inbox) == ["bea@acme.example"]


@pytest.mark.parametrize(
    "address", ["a@b,c@d", "a@b>", '"a@b', "ä@acme.example", "a@b;c@d", "@b", "a@b@c"]
)
def test_an_odd_address_harms_nobody_else(
    office: Office, inbox: Inbox, each_database_url: str, address: str
) -> None:
    office.addresses(ada=address, bea="bea@acme.example")
    office.tell()
    office.work()
    assert recipients(inbox) == ["bea@acme.example"]
    assert errors(office, each_database_url)[0][1] == "given_up"


def test_it_does_not_go_out_in_clear_text_where_that_is_asked(smtp: str, inbox: Inbox) -> None:
    carrier = SmtpCarrier(f"{smtp}?starttls=always", "a@b.example", Letters(ORIGIN))
    with pytest.raises(MailServerAway, match="STARTTLS"):
        carrier("ada@acme.example", told(), "Acme", "UTC")
    assert inbox.got == []


def test_a_server_is_named_by_a_url() -> None:
    found = server("smtp://us%40er:p%3Aw@mail.example:587?starttls=always")
    assert (found.host, found.port, found.tls, found.starttls) == (
        "mail.example",
        587,
        False,
        "always",
    )
    assert (found.user, found.password) == ("us@er", "p:w")
    assert (server("smtps://mail.example").port, server("smtps://mail.example").tls) == (465, True)
    for odd in ("smtp://", "smtp://mail?starttls=maybe", "smtp://mail:x"):
        with pytest.raises(InvalidInput):
            server(odd)
    with pytest.raises(InvalidInput):
        SmtpCarrier("smtp://mail.example", "nobody", Letters(ORIGIN))
