"""What e-mails say: a template for each kind, as text and as simple HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from application.mail_server import MailRefused
from application.notices import Told
from application.signing_in_by_mail import WayIn
from domain.money import shown

TEMPLATES = Path(__file__).with_name("templates")
SUBJECT_MAX = 200
SEE = "See your invoices and choose what you are told"

Link = tuple[str, str]
"""What it is called, and where it leads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """An e-mail without its address."""

    subject: str
    text: str
    html: str


class Letters:
    """Writes e-mails. origin: where people reach the pages, for the link at the end."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        # Words are escaped where they meet HTML, in letter.html, and nowhere else.
        words = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
        words.filters |= {"money": _money, "day": _day}
        self._words = words
        self._pages = Environment(
            loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True
        )

    def write(self, notice: Told, name: str, zone: str) -> Letter:
        """What to say of a notice to people of an organization with a name, in a time zone.

        Raises:
            MailRefused: there are no words for it.
        """
        about = {"name": name, "at": notice.at, "zone": zone, "cycle": notice.cycle}
        where = f"{self._origin}/billing/{notice.organization}"
        return self._letter(f"{notice.kind}.txt", {**notice.data, **about}, name, [(SEE, where)])

    def sign_in(self, ways: Sequence[WayIn]) -> Letter:
        """What to say to somebody who asked for links to sign in: one for each organization."""
        links = [(_one_line(f"Sign in to {each.name}"), each.url) for each in ways]
        return self._letter("sign_in.txt", {"ways": ways}, "", links)

    def _letter(
        self, template: str, about: Mapping[str, object], name: str, links: Sequence[Link]
    ) -> Letter:
        try:
            words = self._words.get_template(template).render(about)
        except TemplateError as error:
            raise MailRefused(f"this e-mail cannot be written: {error}") from error
        subject, _, body = words.strip().partition("\n")
        paragraphs = [" ".join(each.split()) for each in body.split("\n\n") if each.strip()]
        said = {"paragraphs": paragraphs, "name": name, "links": links}
        return Letter(
            subject=_one_line(subject),
            text=self._words.get_template("letter.txt").render(said).strip() + "\n",
            html=self._pages.get_template("letter.html").render(said, subject=subject),
        )


def _one_line(text: str) -> str:
    """A subject never holds a line's end, whatever names hold."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:SUBJECT_MAX]


def _money(amount: int, currency: str) -> str:
    return f"{shown(amount, currency)} {currency.upper()}"


def _day(at: str | datetime, zone: str) -> str:
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y}"
