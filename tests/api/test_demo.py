"""The demo's two months: the same for the same day, playable on any day, played once."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from adapters.sandbox.server import SandboxServer
from api.app import create_app
from api.demo import usage
from api.demo.calendar import two_cycles
from api.demo.cast import CAST, STARRING
from api.demo.client import Client, base_url
from api.demo.hints import hints
from api.demo.play import play
from api.demo.usage import month
from api.instants import parse_instant
from api.settings import Settings
from api.wiring import Wired, clock, wire
from application.reconciling.ports import Asked
from domain.errors import RuleViolation

NOVEMBER = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def stories(now: datetime) -> list[tuple[object, object]]:
    return [(customer, two_cycles(customer, now)) for customer in CAST]


def test_the_same_day_gives_the_same_records() -> None:
    assert month(stories(NOVEMBER)) == month(stories(NOVEMBER))


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(NOVEMBER, id="in the middle of a month"),
        pytest.param(datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC), id="a second into a year"),
        pytest.param(datetime(2028, 2, 29, 23, 59, tzinfo=UTC), id="at the end of a leap day"),
        pytest.param(datetime(2027, 3, 31, 12, tzinfo=UTC), id="on a 31st"),
        pytest.param(datetime(2027, 3, 28, 1, 30, tzinfo=UTC), id="as the clocks change"),
    ],
)
def test_on_any_day_records_lie_within_two_cycles_and_not_in_the_future(now: datetime) -> None:
    cycles = {customer.id: two_cycles(customer, now) for customer in CAST}

    records = month(stories(now))

    assert 30_000 <= len(records) <= 40_000
    assert len({record["id"] for record in records}) == len(records)
    assert all(
        cycles[each["organization"]].previous.start <= parse_instant(each["occurred_at"]) <= now
        for each in records
    )
    assert all(each.previous.end == each.current.start for each in cycles.values())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "RECORDS", 4_000)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.from_environment(
        {
            "DATABASE_URL": database_url,
            "CYCLEBOOK_HOME": str(tmp_path),
            "PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
            "THREADS": "2",
        }
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def running(settings: Settings, database_url: str, tmp_path: Path) -> Iterator[Wired]:
    """The API and the sandbox on ports of their own."""
    sandbox = SandboxServer("127.0.0.1", settings.sandbox_port, tmp_path / "sandbox")
    with wire(settings, database_url) as wired:
        api = make_server(settings.host, settings.port, create_app(wired), threaded=True)
        threads = [
            threading.Thread(target=sandbox.run),
            threading.Thread(target=api.serve_forever),
        ]
        for thread in threads:
            thread.start()
        yield wired
        sandbox.stop()
        api.shutdown()
        for thread in threads:
            thread.join()
        api.server_close()


def lines_of(running: Wired, organization: str, kind: str) -> list[int]:
    """What lines of a kind come to on a current invoice."""
    invoice = running.invoices.current(organization).invoice.invoice
    return [line.amount for line in invoice.lines if line.kind == kind]


def audited(running: Wired, **asked: bool) -> set[tuple[str, bool]]:
    """What is found, by kind, and whether it was mended."""
    use_case = running.reconciliations
    report = use_case.run(Asked(**asked), "test", lambda done, expected: None)
    assert (report.status, report.done) == ("done", report.expected)
    return {(each.kind.value, each.repaired) for each in use_case.every_finding(report.id)}


def test_a_month_is_played_issued_and_proved_once(small: None, running: Wired) -> None:
    said: list[str] = []

    play(running, said.append)

    previous = running.invoices.get(two_cycles(CAST[0], clock()).previous_name)
    assert len(running.registration.search(limit=100).data) == len(CAST)
    assert len(running.quarantine.list().data) == 4
    assert previous.invoice.subtotal > 0
    assert previous.stripe.state in ("in_step", "pending")
    assert audited(running) == set()
    assert "1 duplicate, 1 conflict, 4 quarantined" in said
    assert [each.amount > 0 for each in previous.late] == [True]
    current = running.invoices.current(STARRING).invoice.invoice
    late = {line.corrects: line.amount for line in current.lines if line.kind == "late"}
    assert list(late.values()) == [each.amount for each in previous.late]
    assert lines_of(running, "northwind", "late") and lines_of(running, "mistral", "discount")
    fjord = next(each for each in CAST if each.id == "fjord")
    corrected = running.invoices.get(two_cycles(fjord, clock()).previous_name)
    assert [type(each).__name__ for each in corrected.outcomes] == ["CreditNoteIssued"]

    before = running.invoices.current(STARRING).invoice
    play(running, said.append)

    assert said[-1] == "the store has data already; it is left as it is"
    assert running.invoices.current(STARRING).invoice.position == before.position


class BrokenOff(Exception):
    """The process is gone."""


def test_a_demo_that_breaks_off_after_each_of_its_steps_goes_on(
    small: None, running: Wired
) -> None:
    steps, over = 0, False
    while not over:
        steps += 1
        left = iter(range(steps))

        def say(_: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise BrokenOff

        with suppress(BrokenOff):
            play(running, say)
            over = True
    assert steps > 10
    audited(running, repair=True)
    assert audited(running) == set()
    told = [
        running.cases.get(name).summary.status for name in ("northwind.twice", "fjord.slow-disk")
    ]
    assert told == ["resolved", "reported"]


def test_every_address_in_the_hints_answers(
    small: None, running: Wired, settings: Settings, tmp_path: Path
) -> None:
    play(running, lambda _: None)

    text = hints(settings, clock())

    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    key = re.search(r"KEY=(\S+)", text)
    assert key
    base = base_url(settings)
    addresses = re.findall(rf'curl -s -H "[^"]+" "{base}([^"]+)"', text)
    assert len(addresses) == 8
    with Client(base, key[1]) as ask:
        for address in addresses:
            ask("GET", address)


def test_a_store_with_other_data_is_left_alone(running: Wired, settings: Settings) -> None:
    from application.registration import Details

    running.registration.put("own", Details(name="Own", currency="usd"), actor="t", at=clock())

    play(running, lambda _: None)

    assert [each.id for each in running.registration.search().data] == ["own"]
    assert "export KEY=ck_" in hints(settings, clock())


def test_a_live_key_is_refused(running: Wired) -> None:
    live = Settings.from_environment(
        {
            "STRIPE_API_KEY": "sk_live_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1",
            "SECRET_KEY": "a-secret-of-more-than-sixteen",
        }
    )
    from dataclasses import replace

    with pytest.raises(RuleViolation, match="live"):
        play(replace(running, settings=live), lambda _: None)
