"""What pages take of the server: the demo played as it is, every page asked for many times."""

import logging
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.serving import make_server

from adapters.sandbox.server import SandboxServer
from api.app import create_app
from api.demo.cast import STARRING
from api.demo.play import play
from api.demo.usage import RECORDS
from api.links import Links
from api.settings import Settings
from api.wiring import Wired, clock, wire
from application.signing_in import Visitor
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, number, percentile
from benchmarks.service import HOST, free_port

ASKED = 20
GOAL_MS = 100
PART = {"HX-Request": "true"}
"""How a script of ours asks for a piece of a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page, or a piece of one."""

    name: str
    path: str
    part: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Took:
    """Milliseconds of each request: of the clock, and of this thread's own work."""

    page: Page
    wall: Sequence[float]
    cpu: Sequence[float]


def run(machine: Machine) -> list[Finding]:
    """The pages of a customer, and of support."""
    with _stage(machine.empty_database("pages")) as wired:
        cycle = wired.invoices.current(STARRING).invoice
        line = max(cycle.invoice.lines, key=lambda each: each.quantity).key
        shown = [
            _asked(_signed_in(wired, visitor), who, pages)
            for who, visitor, pages in (
                ("customers", _CUSTOMER, _of_customers(cycle.invoice.cycle, line)),
                ("support", _STAFF, _of_support(cycle.invoice.cycle, line)),
            )
        ]
    return [finding for each in shown for finding in each]


_CUSTOMER = Visitor(actor=f"customer:{STARRING}", role="organization", organization=STARRING)
_STAFF = Visitor(actor="staff:jane", role="admin")


def _of_customers(cycle: str, line: str) -> list[Page]:
    home = f"/billing/{STARRING}"
    invoice = f"{home}/invoices/{cycle}"
    return [
        Page(name="overview", path=home),
        Page(name="its forecast", path=f"{home}/costs", part=True),
        Page(name="its tips", path=f"{home}/tips", part=True),
        Page(name="costs", path=f"{home}/costs"),
        Page(name="invoices", path=f"{home}/invoices"),
        Page(name="invoice", path=invoice),
        Page(name="line", path=f"{invoice}/lines/{quote(line)}"),
        Page(name="why it changed", path=f"{invoice}/changes?since=2020-01-01"),
        Page(name="what happened", path=f"{invoice}/story"),
        Page(name="alerts", path=f"{home}/alerts"),
        Page(name="problems", path=f"{home}/cases"),
        Page(name="notices", path=f"{home}/notices"),
    ]


def _of_support(cycle: str, line: str) -> list[Page]:
    invoice, who = f"/support/invoices/{cycle}", f"/support/organizations/{STARRING}"
    return [
        Page(name="desk", path="/support"),
        Page(name="search", path=f"/support?q={STARRING}"),
        Page(name="organization", path=who),
        Page(name="invoice", path=invoice),
        Page(name="the slider", path=f"{invoice}?step=3&clock=known", part=True),
        Page(name="line", path=f"{invoice}/lines/{quote(line)}"),
        Page(name="books beside Stripe", path=f"{invoice}/stripe"),
        Page(name="why it changed", path=f"{invoice}/diff?from=2020-01-01T00:00:00Z"),
        Page(name="the story", path=f"{invoice}/story"),
        Page(name="cases", path="/support/cases"),
        Page(name="quarantine", path="/support/quarantine"),
        Page(name="operations", path="/operations"),
    ]


@contextmanager
def _stage(url: str) -> Iterator[Wired]:
    """The demo, with a server for the while it is played."""
    with tempfile.TemporaryDirectory(prefix="cyclebook-pages-") as home, ExitStack() as running:
        settings = Settings.from_environment(
            {
                "DATABASE_URL": url,
                "CYCLEBOOK_HOME": home,
                "PORT": str(free_port()),
                "SANDBOX_PORT": str(free_port()),
            }
        )
        wired = running.enter_context(wire(settings, url))
        sandbox = SandboxServer(HOST, settings.sandbox_port, Path(home) / "sandbox")
        server = make_server(HOST, settings.port, create_app(wired), threaded=True)
        running.callback(server.server_close)
        for serve, stop in ((sandbox.run, sandbox.stop), (server.serve_forever, server.shutdown)):
            thread = threading.Thread(target=serve)
            thread.start()
            running.callback(thread.join)
            running.callback(stop)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
        progress(f"playing the demo: {RECORDS:,} usage records")
        play(wired, lambda _: None)
        while wired.projector.step():
            pass
        yield wired


def _signed_in(wired: Wired, visitor: Visitor) -> FlaskClient:
    client, until = create_app(wired).test_client(), clock() + timedelta(hours=1)
    made = wired.sessions.make_link(visitor, until, actor="benchmark")
    address = Links(wired.settings).address(made, visitor, until)
    client.post(address.removeprefix(wired.settings.origin))
    return client


def _asked(client: FlaskClient, who: str, pages: Sequence[Page]) -> list[Finding]:
    """By turns, so that what slows one slows the others."""
    for page in pages:
        _once(client, page)
    rounds = [[_once(client, page) for page in pages] for _ in range(ASKED)]
    took = [
        Took(page=page, wall=[wall for wall, _ in each], cpu=[cpu for _, cpu in each])
        for page, each in zip(pages, zip(*rounds, strict=True), strict=True)
    ]
    for each in took:
        progress(f"{who}, {each.page.name}: {median(each.wall):.1f} ms, CPU {median(each.cpu):.1f}")
    slowest = max(took, key=lambda each: median(each.wall))
    return [
        Finding(
            what=f"pages for {who}, the slowest of {len(pages)}, p50",
            measured=median(slowest.wall),
            unit="ms",
            goal=GOAL_MS,
            at_most=True,
            detail=f"{slowest.page.name}; CPU {number(median(slowest.cpu))} ms, "
            f"p95 {number(percentile(slowest.wall, 0.95))} ms",
        )
    ]


def _once(client: FlaskClient, page: Page) -> tuple[float, float]:
    """Milliseconds of one request: (clock, CPU of this thread, which is the server's too)."""
    headers: Mapping[str, str] = PART if page.part else {}
    begun, worked = time.perf_counter(), time.thread_time()
    response = client.get(page.path, headers=headers)
    took = (time.perf_counter() - begun) * 1000, (time.thread_time() - worked) * 1000
    if response.status_code != 200:
        raise RuntimeError(f"{page.path}: {response.status_code}")
    return took
