"""The words of e-mails: whole for every kind, plain, and never HTML or headers of others."""

import pytest

from adapters.notify.letters import TEMPLATES, Letters
from application.mail_server import MailRefused
from application.notices import KINDS
from tests.mailed import INVOICE, ORIGIN, SAID, told


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


def test_what_an_invoice_will_come_to_is_not_called_what_it_comes_to_so_far() -> None:
    letter = Letters(ORIGIN).write(told("invoice.upcoming"), "Acme", "Europe/Berlin")
    assert letter.subject == "Your next invoice: 55.51 EUR if nothing more happens"
    assert "If nothing more happens until then, your invoice will come to 55.51 EUR." in letter.text
    assert "So far it comes to 48.79 EUR." in letter.text


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
