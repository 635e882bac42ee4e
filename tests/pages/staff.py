"""Support at work without a browser: forms as they are shown, filled in and sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient

from application.registration import Details
from tests.pages.stage import Stage

SECOND_LAST = timedelta(days=45)


@dataclass
class Shown(HTMLParser):
    """A page's elements and texts as a browser's parser finds them."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All of the text, blanks made one."""
        return " ".join(" ".join(self.texts).split())

    def attributes(self, tag: str) -> Iterator[dict[str, str]]:
        """Those of every element of a kind."""
        return (attributes for name, attributes in self.tags if name == tag)

    def value(self, name: str) -> str:
        """What a field holds."""
        return next(each["value"] for each in self.attributes("input") if each.get("name") == name)


def shown(html: str) -> Shown:
    """A page, parsed."""
    page = Shown()
    page.feed(html)
    return page


@dataclass(frozen=True)
class Form:
    """A form of an action. hidden: what it carries unseen."""

    client: FlaskClient
    path: str
    hidden: dict[str, str]

    def send(self, step: str, **typed: Any) -> Any:
        """Send it with what was typed. step: ``preview`` or ``do``."""
        names = {name.replace("__", ":"): value for name, value in typed.items()}
        return self.client.post(self.path, data={**self.hidden, "step": step, **names})


def form(client: FlaskClient, path: str) -> Form:
    """Load a form."""
    page = shown(client.get(path).text)
    hidden = {name: page.value(name) for name in ("csrf", "token")}
    return Form(client, path.partition("?")[0], hidden)


def csrf(client: FlaskClient, path: str) -> str:
    """What a form of a page carries."""
    return shown(client.get(path).text).value("csrf")


def registered(stage: Stage, organization: str, name: str = "Testers", **more: Any) -> str:
    """An organization with two cycles: one to be issued, and the current one."""
    begun = datetime.now(UTC) - SECOND_LAST
    details = {"currency": "usd", "policies": {"grace_s": 0}, "starts_at": begun, **more}
    stage.wired.registration.put(
        organization, Details(name=name, **details), actor="test", at=datetime.now(UTC)
    )
    return organization


def call(stage: Stage, method: str, path: str, body: Any = None, role: str = "admin") -> Any:
    """Ask the API, as an admin."""
    key = stage.wired.keys.create(role, actor="test")
    answer = stage.app.test_client().open(
        path, method=method, json=body, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code < 300, answer.text
    return answer.get_json()


def issued(stage: Stage, organization: str) -> str:
    """Have the cycles that are over issued; the name of the first one."""
    wired = stage.wired
    first: str = wired.books.cycle_names(organization)[0]
    wired.closing.advance(organization, datetime.now(UTC), "test")
    project(stage)
    return first


def current(stage: Stage, organization: str) -> str:
    """The name of the accruing cycle."""
    return stage.wired.invoices.current(organization).invoice.invoice.cycle


def project(stage: Stage) -> None:
    """Bring lists up to date."""
    while stage.wired.projector.step():
        pass
