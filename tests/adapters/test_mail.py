"""E-mails: sent by SMTP to those who want them, once for each address."""

from datetime import timedelta

import pytest

from adapters.notify.letters import Letters
from adapters.notify.mail import SmtpCarrier, server
from application.mail_server import MailServerAway
from application.mailing import ADDRESS_AGAIN, SCHEDULE, TOO_OLD
from application.notices import SUBJECTS, Notice, Told
from domain.errors import InvalidInput, NotFound
from domain.events.organization import MemberRemoved
from domain.organization import Organization
from tests.mailed import (
    AT,
    ORIGIN,
    SAID,
    Inbox,
    Office,
    errors,
    inbox,
    office,
    recipients,
    smtp,
    told,
)

__all__ = ["inbox", "office", "smtp"]


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


def test_a_notice_whose_readers_cannot_be_found_keeps_no_other_e_mail(
    office: Office, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    whole: list[str] = []

    def load(organization: str) -> Organization:
        if organization not in ["acme", *whole]:
            raise RuntimeError("nobody thought of this")
        return office.acme

    office.load = load  # type: ignore[method-assign]
    mailing = office.mailing_by(SmtpCarrier(office.smtp, "a@b.example", Letters(ORIGIN)))
    odd = Notice(
        kind="invoice.issued",
        organization="globex",
        occurrence="o",
        at=AT,
        data=SAID["invoice.issued"],
    )
    office.notices.announce([odd])
    office.tell()
    while mailing.step(office.now):
        pass
    assert recipients(inbox) == ["ada@acme.example", "bea@acme.example"]
    assert caplog.text.count("cannot be addressed") == 1
    assert [each.organization for each in office.store.unaddressed(9)] == ["globex"]

    whole.append("globex")
    office.now += ADDRESS_AGAIN
    mailing.step(office.now)
    assert office.store.unaddressed(9) == []


def test_a_server_that_says_later_is_asked_later_and_then_left(
    office: Office, inbox: Inbox, each_database_url: str
) -> None:
    inbox.answers["ada@acme.example"] = "451 busy"
    office.tell()
    for pause in SCHEDULE:
        office.work()
        office.now += pause
    assert errors(office, each_database_url)[0][1:] == ("waiting", "the mail server said 451 busy")
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
        ("ada", "given_up", "the mail server refused it: 550 no such user"),
        ("bea", "sent", None),
    ]


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        pytest.param("550 5.7.1 rejected as spam", "550 5.7.1 rejected as spam", id="as it is"),
        pytest.param("550 <ADA@acme.example> is full", "550 <…> is full", id="the address"),
        pytest.param("550 no user Ada at acme.example", "550 no user … at …", id="its two parts"),
        pytest.param("550 ask bea@other.example", "550 ask …", id="another address"),
        pytest.param("550 " + "x" * 300, "550 " + "x" * 200, id="no longer than a sentence"),
        pytest.param("550", "550", id="no words"),
    ],
)
def test_the_server_s_words_are_kept_without_any_address(
    office: Office, inbox: Inbox, each_database_url: str, answer: str, kept: str
) -> None:
    inbox.answers["ada@acme.example"] = answer
    office.tell()
    office.work()
    refused = ("ada", "given_up", f"the mail server refused it: {kept}")
    assert errors(office, each_database_url)[0] == refused


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
