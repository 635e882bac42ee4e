"""Signing in by e-mail: who gets links, how often, and what becomes of what cannot be sent."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from adapters.notify.letters import Letters
from adapters.notify.mail import SmtpCarrier
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.mails import PostgresMailOutage
from adapters.postgres.sign_in_requests import KEPT_FOR, PostgresSignInRequests
from application.mail_server import PROBE_EVERY, MailServer, MailServerAway
from application.ports import Profile
from application.signing_in import Visitor
from application.signing_in_by_mail import (
    LINK_LASTS,
    OF_A_CLIENT_MAX,
    OF_AN_ADDRESS_MAX,
    SCHEDULE,
    WITHIN,
    AskingForLinks,
    SendingLinks,
)
from domain.errors import InvalidInput, NotFound
from domain.events.organization import MemberRemoved
from domain.organization import Organization
from tests.mailed import AT, ORIGIN, Inbox, inbox, organization, recipients, smtp

__all__ = ["inbox", "smtp"]

ADA = "ada@acme.example"
HOME = "198.51.100.7"


class Gate:
    """Both sides over a database: ada and bea of acme, and ada once more at zoo."""

    def __init__(self, database: Database, smtp: str) -> None:
        self.now = AT
        self.known = {each: organization(ada="owner", bea="billing") for each in ("acme", "zoo")}
        self.links: list[tuple[Visitor, datetime]] = []
        directory = PostgresDirectory(database)
        directory.put("acme", Profile(name="Bäckerei <Süß>", emails={"ada": ADA, "bea": "b@x.y"}))
        directory.put("zoo", Profile(name="", emails={"ada": "Ada@Acme.example"}))
        store = PostgresSignInRequests(database)
        carrier = SmtpCarrier(smtp, "billing@cloud.example", Letters(ORIGIN))
        self.asking = AskingForLinks(store)
        self.server = MailServer(PostgresMailOutage(database), carrier.reach)
        self.sending = SendingLinks(
            store, self.server, self.load, directory, self.link, carrier.sign_in
        )

    def load(self, name: str) -> Organization:
        if name not in self.known:
            raise NotFound(f"there is no organization {name}")
        return self.known[name]

    def link(self, visitor: Visitor, expires_at: datetime) -> str:
        self.links.append((visitor, expires_at))
        return f"{ORIGIN}/sign-in/{visitor.organization}"

    def ask(self, address: str = ADA, client: str = HOME) -> bool:
        return self.asking.ask(address, client, self.now)

    def work(self) -> None:
        while self.sending.step(self.now):
            pass


@pytest.fixture
def gate(each_database_url: str, smtp: str) -> Iterator[Gate]:
    database = Database(each_database_url)
    yield Gate(database, smtp)
    database.close()


def kept(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT address, error FROM sign_in_request ORDER BY number"
        ).fetchall()


def test_a_member_gets_a_link_to_each_of_their_organizations(gate: Gate, inbox: Inbox) -> None:
    gate.ask(" ADA@acme.example ")
    gate.work()

    ((_, to, message),) = inbox.got
    assert to == ["ADA@acme.example"]
    assert [(each.actor, each.role, each.organization) for each, _ in gate.links] == [
        ("member:ada", "organization", "acme"),
        ("member:ada", "organization", "zoo"),
    ]
    assert {expires_at for _, expires_at in gate.links} == {AT + LINK_LASTS}
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    assert re.findall(r"Sign in to (.*): (\S+)", text.get_content()) == [
        ("Bäckerei <Süß>", f"{ORIGIN}/sign-in/acme"),
        ("zoo", f"{ORIGIN}/sign-in/zoo"),
    ]
    assert f'<a href="{ORIGIN}/sign-in/acme">Sign in to Bäckerei &lt;Süß&gt;</a>' in (
        html.get_content()
    )


def test_nobody_else_is_written_to_and_no_address_is_kept(
    gate: Gate, inbox: Inbox, each_database_url: str
) -> None:
    gate.known["acme"].apply(MemberRemoved(at=AT, user="bea"))
    del gate.known["zoo"]

    answers = [gate.ask(each) for each in ("nobody@acme.example", "b@x.y", ADA)]
    gate.work()

    assert answers == [True, True, True], "nobody learns who is a customer"
    assert recipients(inbox) == [ADA]
    assert [each.organization for each, _ in gate.links] == ["acme"]
    assert kept(each_database_url) == [(None, None)] * 3


@pytest.mark.parametrize("text", ["", "ada", "a b@c", "ada@acme\r\nBcc: x@y", "a" * 260 + "@b.c"])
def test_what_is_no_address_is_refused(gate: Gate, text: str) -> None:
    with pytest.raises(InvalidInput, match="Write an e-mail address"):
        gate.ask(text)


def test_an_address_gets_three_an_hour(gate: Gate, inbox: Inbox) -> None:
    for number in range(OF_AN_ADDRESS_MAX + 3):
        assert gate.ask(ADA.title(), client=f"198.51.100.{number}"), "which nobody can see"
    gate.work()
    assert len(inbox.got) == OF_AN_ADDRESS_MAX

    gate.now += WITHIN
    gate.ask()
    gate.work()
    assert len(inbox.got) == OF_AN_ADDRESS_MAX + 1


def test_a_client_asks_twenty_times_an_hour(gate: Gate) -> None:
    answers = [gate.ask(f"a{number}@b.c") for number in range(OF_A_CLIENT_MAX + 1)]

    assert answers == [True] * OF_A_CLIENT_MAX + [False]
    assert gate.ask(client="203.0.113.9")
    gate.now += WITHIN
    assert gate.ask()


def test_who_asked_is_forgotten_after_a_day(gate: Gate, each_database_url: str) -> None:
    gate.ask()
    gate.now += KEPT_FOR + timedelta(seconds=1)
    gate.ask("b@x.y")

    assert [address for address, _ in kept(each_database_url)] == ["b@x.y"]


@pytest.mark.parametrize(
    ("answer", "attempts", "error"),
    [
        ("550 no such user", 1, "the mail server refused it: 550 no such user"),
        ("451 busy", len(SCHEDULE) + 1, "the mail server said 451 busy"),
    ],
    ids=["never", "later"],
)
def test_what_cannot_be_sent_is_given_up_with_its_reason(
    gate: Gate,
    inbox: Inbox,
    each_database_url: str,
    caplog: pytest.LogCaptureFixture,
    answer: str,
    attempts: int,
    error: str,
) -> None:
    inbox.answers[ADA] = answer
    gate.ask()
    for pause in (*SCHEDULE, timedelta(0)):
        gate.work()
        gate.now += pause

    assert len(gate.links) == 2 * attempts
    assert kept(each_database_url) == [(None, error)]
    (line,) = [each for each in caplog.messages if each.startswith("link to sign in")]
    assert line.endswith(f"is given up: {error}") and ADA not in line


def test_while_the_mail_server_is_away_nobody_loses_their_turn(
    gate: Gate, inbox: Inbox, each_database_url: str
) -> None:
    away = "the mail server: ConnectionRefusedError"
    gate.server.failed(MailServerAway(away), gate.now)
    gate.ask()
    gate.work()
    assert kept(each_database_url) == [(ADA, None)], "left alone"

    gate.now += PROBE_EVERY
    gate.work()

    assert recipients(inbox) == [ADA]
