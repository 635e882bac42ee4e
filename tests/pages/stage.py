"""A stage for pages: the demo's organizations behind a real server, and visitors with a browser."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from werkzeug.serving import make_server

from adapters.sandbox.server import SandboxServer
from api.app import create_app
from api.demo import usage
from api.demo.play import play
from api.links import Links
from api.settings import Settings
from api.wiring import Wired, wire
from application.signing_in import Visitor

STARRING = "acme"
RECORDS = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Everything served on this machine. base: the pages' address. shots: where pictures go."""

    wired: Wired
    app: Flask
    base: str
    shots: Path

    def link(self, organization: str | None = None, *, name: str = "jane", role: str = "") -> str:
        """The path of a link for a customer, or for a colleague."""
        if organization is None:
            visitor = Visitor(actor=f"staff:{name}", role=role or "support")
        else:
            visitor = Visitor(
                actor=f"customer:{organization}", role="organization", organization=organization
            )
        until = datetime.now(UTC) + timedelta(hours=1)
        link = self.wired.sessions.make_link(visitor, until, actor="test")
        address = Links(self.wired.settings).address(link, visitor, until)
        return address.removeprefix(self.wired.settings.origin)

    def client(self, organization: str | None = None, **staff: str) -> FlaskClient:
        """Somebody signed in without a browser: for what a page answers, not how it looks."""
        client = self.app.test_client()
        client.post(self.link(organization, **staff))
        return client


@dataclass  # no slots: playwright hangs its own attributes on whose methods it calls
class Visit:
    """A browser's window. troubles: console errors, and requests that left the origin."""

    stage: Stage
    page: Page
    troubles: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note whatever should not happen."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"{message.text} at {message.location}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.stage.base, "data:")):
            self.troubles.append(f"left the origin: {request.url}")

    def go(self, path: str) -> Page:
        """Open a page of ours."""
        self.page.goto(f"{self.stage.base}{path}")
        return self.page

    def sign_in(self, organization: str | None = None, **staff: str) -> Page:
        """Follow a link and press its button."""
        self.go(self.stage.link(organization, **staff))
        self.page.get_by_role("button", name="Go on").click()
        return self.page

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        self.page.screenshot(path=self.stage.shots / f"{name}.png", full_page=True)

    def assert_accessible(self) -> None:
        """axe finds nothing."""
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def set_up(database_url: str, home: Path, shots: Path) -> Iterator[Stage]:
    """Serve the API and the sandbox, play the demo, and draw the curtain."""
    settings = Settings.from_environment(
        {
            "DATABASE_URL": database_url,
            "CYCLEBOOK_HOME": str(home),
            "PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
            "THREADS": "2",
        }
    )
    with wire(settings, database_url) as wired, ExitStack() as running:
        app = create_app(wired)
        sandbox = SandboxServer(settings.host, settings.sandbox_port, home / "sandbox")
        server = make_server(settings.host, settings.port, app, threaded=True)
        running.callback(server.server_close)
        for run, stop in ((sandbox.run, sandbox.stop), (server.serve_forever, server.shutdown)):
            thread = threading.Thread(target=run)
            thread.start()
            running.callback(thread.join)
            running.callback(stop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(usage, "RECORDS", RECORDS)
            play(wired, lambda _: None)
        while wired.projector.step():
            pass
        yield Stage(wired=wired, app=app, base=settings.origin, shots=shots)


@contextmanager
def visiting(stage: Stage, browser: Browser, **options: Any) -> Iterator[Visit]:
    """A window of its own, with nobody signed in; afterwards nothing may have gone wrong in it."""
    context: BrowserContext = browser.new_context(**options)
    visit = Visit(stage, context.new_page())
    visit.watch()
    try:
        yield visit
        assert visit.troubles == []
    finally:
        context.close()


Open = Callable[..., Visit]
"""Opens a window. Options are those of a browser's context, such as ``color_scheme``."""
