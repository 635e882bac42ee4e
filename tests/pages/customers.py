"""Organizations of a test's own on the stage, and what forms and pages of theirs say."""

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.pages.stage import Stage


class Desk:
    """The operator's desk: sends commands to the API of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._key = stage.wired.keys.create("admin", actor="test")

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers, which has to be a success."""
        headers = {"Authorization": f"Bearer {self._key}"}
        client = self._stage.app.test_client()
        response = client.open(f"/v1{path}", method=method, headers=headers, json=body)
        assert response.status_code < 300, response.text
        return response.json

    def register(self, organization: str, **details: Any) -> str:
        """A new organization; its accruing cycle."""
        body = {"name": organization.title(), "currency": "usd", **details}
        self("PUT", f"/organizations/{organization}", body)
        self.settle()
        found: str = self._stage.wired.invoices.current(organization).invoice.invoice.cycle
        return found

    def settle(self) -> None:
        """Let lists and notices catch up."""
        while self._stage.wired.projector.step():
            pass


def token_of(client: FlaskClient) -> str:
    """What the forms of somebody's session carry."""
    html = client.get("/sign-in").text
    return html.split('name="csrf" value="')[1].split('"')[0]


def send(client: FlaskClient, path: str, **values: Any) -> TestResponse:
    """Send a form of a page, as its own session does."""
    return client.post(path, data={"csrf": token_of(client), **values})


class Page(HTMLParser):
    """A page's elements and words, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """All words, one blank between them."""
        return " ".join(" ".join(self.words).split())

    def values(self) -> dict[str, str]:
        """The hidden and typed values of its forms."""
        return {
            str(given["name"]): given.get("value") or ""
            for tag, given in self.tags
            if tag == "input" and "name" in given and given.get("type") not in ("radio", "checkbox")
        }

    def links(self) -> list[str]:
        """Where its links lead."""
        return [str(given.get("href")) for tag, given in self.tags if tag == "a"]
