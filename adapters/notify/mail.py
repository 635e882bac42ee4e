"""Sends e-mails by SMTP."""

import hashlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.notify.letters import Letter, Letters
from application.mail_server import MailRefused, MailServerAway, MailUnavailable
from application.notices import Told
from application.signing_in_by_mail import Asked, WayIn
from domain.errors import InvalidInput

TIMEOUT_S = 8.0
_PORTS = {"smtp": 25, "smtps": 465}
_STARTTLS = ("auto", "always", "never")
WORDS_MAX = 200
"""Characters of a server's words that are kept of an e-mail it does not take."""

_AN_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]*@[^\s<>()\[\]\"',;:]*")


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. tls: from the first byte. starttls: ``auto``, ``always`` or ``never``."""

    host: str
    port: int
    tls: bool
    starttls: str
    user: str
    password: str


def server(url: str) -> Server:
    """The server that ``smtp://user:password@host:port?starttls=always`` names.

    Raises:
        InvalidInput: it names none.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    starttls = parse_qs(parts.query).get("starttls", ["auto"])[0] if host else ""
    if host is None or parts.scheme not in _PORTS or starttls not in _STARTTLS:
        raise InvalidInput(
            "SMTP_URL has to look like smtp://user:password@host:587?starttls=always or "
            "smtps://host",
            field="SMTP_URL",
        )
    return Server(
        host=host,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        starttls=starttls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class SmtpCarrier:
    """The ``Carrier`` port. sender: the address in ``From``, with a name or without.

    Raises:
        InvalidInput: the URL or the sender cannot be used.
    """

    def __init__(self, url: str, sender: str, letters: Letters) -> None:
        self._server = server(url)
        self._letters = letters
        name, spec = parseaddr(sender)
        try:
            self._sender = Address(display_name=name, addr_spec=spec)
        except (ValueError, MessageError, IndexError) as error:
            raise InvalidInput(f"MAIL_FROM is no address: {sender!r}", field="MAIL_FROM") from error

    def __call__(self, address: str, notice: Told, name: str, zone: str) -> None:
        """Write and send one e-mail.

        Raises:
            MailRefused: the server will never take it, or the address cannot be written.
            MailUnavailable: the server does not take it now.
            MailServerAway: it takes nothing now.
        """
        letter = self._letters.write(notice, name, zone)
        # The same id however often it is sent: whoever gets it twice sees one.
        self._send(self._message(address, letter, notice.at, notice.id))

    def sign_in(self, asked: Asked, ways: Sequence[WayIn]) -> None:
        """Write and send links to somebody who asked for them.

        Raises:
            MailRefused: the server will never take it, or the address cannot be written.
            MailUnavailable: the server does not take it now.
            MailServerAway: it takes nothing now.
        """
        # Each attempt has links of its own, so each is an e-mail of its own.
        name = f"sign-in.{asked.number}.{asked.attempts}"
        self._send(self._message(asked.address, self._letters.sign_in(ways), asked.at, name))

    def reach(self) -> None:
        """See whether the server takes e-mails from us, and send none.

        Raises:
            MailServerAway: it does not.
        """
        with self._connected() as connection, _nothing_goes():
            code, said = connection.mail(self._sender.addr_spec)
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, said, self._sender.addr_spec)
            connection.rset()

    def _send(self, message: EmailMessage) -> None:
        with self._connected() as connection:
            try:
                connection.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                ((address, (code, said)),) = error.recipients.items()
                raise _failure(code, said, address) from error
            except smtplib.SMTPNotSupportedError as error:
                raise MailRefused("the mail server cannot take this address") from error
            except smtplib.SMTPSenderRefused as error:
                raise _sender_refused(error) from error
            except smtplib.SMTPResponseException as error:
                address = message["To"].addresses[0].addr_spec
                raise _failure(error.smtp_code, error.smtp_error, address) from error
            except (OSError, smtplib.SMTPException) as error:
                raise MailUnavailable(f"the mail server: {type(error).__name__}") from error

    def _message(self, address: str, letter: Letter, at: datetime, name: str) -> EmailMessage:
        message = EmailMessage()
        try:
            message["To"] = Address(addr_spec=address)
        except (ValueError, MessageError, IndexError) as error:
            raise MailRefused("this member's address cannot be written to") from error
        message["From"] = self._sender
        message["Subject"] = letter.subject
        message["Date"] = at
        message["Message-ID"] = f"<{name}.{_seal(address)}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        with _nothing_goes():
            connection = _dialled(self._server)
        with closing(connection):
            with _nothing_goes():
                _greet(connection, self._server)
            yield connection
            # What was taken is taken, however the server says good-bye.
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()


@contextmanager
def _nothing_goes() -> Iterator[None]:
    """What goes wrong here would go wrong for every e-mail."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise MailServerAway("the mail server does not take our password") from error
    except smtplib.SMTPSenderRefused as error:
        raise _sender_refused(error) from error
    except smtplib.SMTPResponseException as error:
        raise MailServerAway(f"the mail server said {error.smtp_code}") from error
    except smtplib.SMTPException as error:
        raise MailServerAway(f"the mail server: {type(error).__name__}: {error}") from error
    except OSError as error:
        raise MailServerAway(f"the mail server: {type(error).__name__}") from error


def _dialled(told: Server) -> smtplib.SMTP:
    if told.tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(told.host, told.port, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(told.host, told.port, timeout=TIMEOUT_S)


def _greet(connection: smtplib.SMTP, told: Server) -> None:
    connection.ehlo()
    if not told.tls and told.starttls != "never":
        _encrypt(connection, must=told.starttls == "always")
    if told.user:
        connection.login(told.user, told.password)


def _encrypt(connection: smtplib.SMTP, *, must: bool) -> None:
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
    elif must:
        raise MailServerAway("the mail server offers no STARTTLS")


def _sender_refused(error: smtplib.SMTPSenderRefused) -> MailServerAway:
    return MailServerAway(f"the mail server does not take MAIL_FROM: {error.smtp_code}")


def _failure(code: int, said: bytes | str, address: str) -> MailRefused | MailUnavailable:
    """5xx is for ever, everything else may pass."""
    answer = f"{code} {_without_address(said, address)}".strip()
    if 500 <= code < 600:
        return MailRefused(f"the mail server refused it: {answer}")
    return MailUnavailable(f"the mail server said {answer}")


def _without_address(said: bytes | str, address: str) -> str:
    """A server's words on one line; neither the address nor a part of it, nor any other one."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    words = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    user, _, domain = address.rpartition("@")
    for part in filter(None, (address, domain, user)):
        words = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "…", words, flags=re.IGNORECASE)
    return _AN_ADDRESS.sub("…", words)[:WORDS_MAX]


def _seal(address: str) -> str:
    """Tells the addresses of one notice apart without showing them."""
    return hashlib.sha256(address.casefold().encode()).hexdigest()[:12]
