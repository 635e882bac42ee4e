"""A mail server that takes nothing: it is left alone, told of once, and nothing is lost."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from adapters.postgres.database import Database
from adapters.postgres.mails import PostgresMailOutage, PostgresMails
from adapters.postgres.vitals import PostgresVitals
from application.mail_server import PROBE_EVERY, MailServer, MailServerAway
from application.mailing import LEASE
from application.mails import Mails
from domain.errors import InvalidInput, NotFound
from tests.mailed import AT, Inbox, Office, errors, free_port, recipients

REFUSED = "the mail server: ConnectionRefusedError"


class Server(Inbox):
    """An inbox that answers senders, and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self.from_us = "250 OK"
        self._running: Controller | None = None

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        return self.from_us

    def come(self, **settings: Any) -> None:
        self._running = Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=False, **settings
        )
        self._running.start()

    def go(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.go()


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    found = Database(each_database_url)
    yield found
    found.close()


@pytest.fixture
def office(database: Database, server: Server) -> Office:
    return Office(database, f"smtp://127.0.0.1:{server.port}")


@pytest.fixture
def mails(database: Database) -> Mails:
    return Mails(PostgresMails(database))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [
        each.getMessage() for each in caplog.records if each.name == "application.mail_server"
    ]


def test_an_outage_is_told_of_once_when_it_begins_and_once_when_it_is_over(
    office: Office, server: Server, database: Database, lines: Callable[[], list[str]]
) -> None:
    office.tell()
    for _ in range(3):
        office.work()
        office.now += timedelta(seconds=30)
    assert lines() == [f"no e-mail goes out: {REFUSED}; they wait, and it is tried every minute"]
    outage = PostgresVitals(database).mail_outage()
    assert outage is not None and outage.reason == REFUSED

    server.come()
    office.now += PROBE_EVERY
    office.work()

    assert lines()[1:] == ["e-mails go out again, after 150 s"]
    assert PostgresVitals(database).mail_outage() is None
    assert recipients(server) == ["ada@acme.example", "bea@acme.example"]


def test_two_workers_tell_of_one_outage_once_and_ask_once_a_minute(
    office: Office, database: Database, lines: Callable[[], list[str]]
) -> None:
    asked: list[str] = []

    def reach(who: str) -> Callable[[], None]:
        def away() -> None:
            asked.append(who)
            raise MailServerAway(REFUSED)

        return away

    store = PostgresMailOutage(database)
    one, two = (MailServer(store, reach(who)) for who in ("one", "two"))
    for worker in (one, two):
        worker.failed(MailServerAway(REFUSED), office.now)
    for _ in range(3):
        office.now += PROBE_EVERY
        assert [one.away(office.now), two.away(office.now)] == [True, True]
    assert (len(lines()), asked) == (1, ["one"] * 3)


NO_AUTH = "the mail server: SMTPNotSupportedError: SMTP AUTH extension not supported by server."
NO_PASSWORD = {
    "auth_require_tls": False,
    "authenticator": lambda *_: AuthResult(success=False, handled=False),
}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({}, NO_AUTH, id="it asks for no password"),
        pytest.param(NO_PASSWORD, "the mail server does not take our password", id="or refuses it"),
    ],
)
def test_the_reason_is_that_of_the_last_probe_and_told_of_when_it_changes(
    server: Server,
    database: Database,
    lines: Callable[[], list[str]],
    settings: dict[str, Any],
    reason: str,
) -> None:
    office = Office(database, f"smtp://us:pw@127.0.0.1:{server.port}")
    office.tell()
    office.work()
    server.come(**settings)
    for _ in range(2):
        office.now += PROBE_EVERY
        office.work()

    outage = PostgresVitals(database).mail_outage()
    assert outage is not None and outage.since == AT + timedelta(minutes=1)
    assert outage.reason == reason and "pw" not in reason
    assert lines()[1:] == [f"still no e-mail goes out, for another reason: {reason}"]


def test_an_outage_costs_no_e_mail_its_attempts_however_long_it_lasts(
    office: Office, server: Server, each_database_url: str
) -> None:
    office.tell()
    for _ in range(14):
        office.work()
        office.now += timedelta(days=1)
    office.tell(number=2, at=office.now)
    office.work()
    assert {row[1] for row in errors(office, each_database_url)} == {"waiting"}
    with psycopg.connect(each_database_url) as connection:
        assert connection.execute("SELECT max(attempts) FROM mail").fetchone() == (0,)

    server.come()
    office.now += PROBE_EVERY
    office.work()

    assert len(server.got) == 4


def test_what_waited_for_its_next_attempt_goes_out_as_soon_as_anything_does(
    office: Office, server: Server
) -> None:
    server.come()
    server.answers["ada@acme.example"] = "451 busy"
    office.tell()
    office.work()
    server.go()
    office.tell(number=2)
    office.work()
    server.come()
    server.answers.clear()

    office.now += PROBE_EVERY
    office.work()

    assert recipients(server).count("ada@acme.example") == 2


def test_what_somebody_is_still_at_when_an_outage_ends_is_left_to_them(
    office: Office, server: Server
) -> None:
    server.come()
    office.tell()
    for notice in office.store.unaddressed(9):
        office.store.address(notice, ["ada"])
    slow = office.store.claim(office.now, office.now + LEASE)
    assert slow is not None
    office.server.failed(MailServerAway(REFUSED), office.now)
    office.now += PROBE_EVERY
    office.work()
    assert server.got == []
    office.store.sent(slow)
    office.now += LEASE
    office.work()
    assert server.got == []


@pytest.mark.parametrize("answer", ["550 not you", "451 not now"])
def test_a_server_that_does_not_take_our_sender_takes_nothing(
    office: Office, server: Server, each_database_url: str, answer: str
) -> None:
    server.come()
    server.from_us = answer
    office.tell()
    office.work()
    reason = f"the mail server does not take MAIL_FROM: {answer[:3]}"
    assert ("ada", "waiting", reason) in errors(office, each_database_url)

    office.now += PROBE_EVERY
    office.work()
    assert server.got == [], "asked again, and still refused"
    server.from_us = "250 OK"
    office.now += PROBE_EVERY
    office.work()
    assert len(server.got) == 2


def test_what_was_given_up_is_listed_with_its_error_and_sent_again(
    office: Office, server: Server, mails: Mails, caplog: pytest.LogCaptureFixture
) -> None:
    server.come()
    server.answers["ada@acme.example"] = "550 no such user"
    office.tell()
    office.work()
    (seen,) = mails.list()
    assert (seen.member, seen.status, seen.kind) == ("ada", "given_up", "invoice.issued")
    assert seen.error == "the mail server refused it: 550 no such user"
    assert f"e-mail {seen.number}, invoice.issued ntc_" in caplog.text
    assert "ada" not in caplog.text, "nobody's name or address is in a line"

    server.answers.clear()
    assert mails.retry([seen.number]) == 1
    office.work()

    assert recipients(server) == ["ada@acme.example", "bea@acme.example"]
    assert mails.list() == []
    with pytest.raises(NotFound):
        mails.retry([seen.number])
    assert mails.retry() == 0


def test_what_nobody_wants_sent_is_dropped_with_a_reason(
    office: Office, server: Server, mails: Mails, database: Database
) -> None:
    server.come()
    server.answers["ada@acme.example"] = "550 no such user"
    office.tell()
    office.work()
    (seen,) = mails.list()
    assert PostgresVitals(database).count()["mails_given_up"].count == 1
    with pytest.raises(InvalidInput, match="say why"):
        mails.drop([seen.number], " ", actor="staff:jane")

    assert mails.drop([seen.number], "she has left", actor="staff:jane") == 1

    (dropped,) = mails.list("dropped")
    assert (dropped.dropped_by, dropped.dropped_because) == ("staff:jane", "she has left")
    assert PostgresVitals(database).count()["mails_given_up"].count == 0
    with pytest.raises(NotFound):
        mails.drop([seen.number], "again", actor="staff:jane")


def test_nobody_need_look_at_an_e_mail_to_somebody_who_has_left(
    office: Office, server: Server, mails: Mails, database: Database
) -> None:
    server.come()
    office.tell()
    office.addresses()
    (notice,) = office.store.unaddressed(9)
    office.store.address(notice, ["ada"])
    office.work()

    assert mails.list() == []
    assert [each.dropped_by for each in mails.list("dropped")] == ["cyclebook"]
    assert PostgresVitals(database).count()["mails_given_up"].count == 0
