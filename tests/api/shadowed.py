"""An instance in shadow mode beside another biller, with a sandbox in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.sandbox.app import Sandbox
from adapters.sandbox.client import InProcess
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.app import create_app
from api.settings import Settings
from api.wiring import Wired, wire
from application.importing.customers import Defaults, Imported
from application.importing.naming import Wish
from domain.period import Period
from domain.usage import UsageRecord
from tests.api.conftest import Caller
from tests.biller import Biller

ACTOR = "test"
# The API reads the real clock: two whole months and the one that runs.
NOW = datetime.now(UTC)


def month(back: int) -> Period:
    """A calendar month: 0 is the one that runs."""
    months = NOW.year * 12 + NOW.month - 1 - back
    start, end = (datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in (months, months + 1))
    return Period(start, end)


OLDER, LAST, RUNNING = month(2), month(1), month(0)
DEFAULTS = Defaults(currency="usd", starts_at=OLDER.start)


def cycle(organization: str, period: Period) -> str:
    return f"{organization}.{period.start:%Y-%m-%d}"


class Shadowed:
    """What people do in shadow mode, and what the other biller does meanwhile."""

    def __init__(self, wired: Wired, app: Flask) -> None:
        self.wired = wired
        self.sandbox: Sandbox = app.extensions["sandbox"]
        self.biller = Biller(stripe_client("sk_test_biller", http_client=InProcess(app)))
        key = wired.keys.create("support", None, actor=ACTOR)
        self.ask = Caller(create_app(wired).test_client(), key)
        self._records = 0

    def offer(self) -> None:
        """A machine: 4900 a month, and 2.5 for each hour."""
        publishing = self.wired.publishing
        publishing.define_meter("cpu", {"unit": "hour"}, actor=ACTOR, at=NOW)
        base = {"price": "base", "kind": "recurring", "model": "flat", "amount": "4900"}
        hours = {"kind": "metered", "model": "per_unit", "unit_amount": "2.5"}
        cpu = {"price": "cpu", "meter": "cpu", **hours}
        for terms in (base, cpu):
            publishing.publish_price({"currency": "usd", **terms}, actor=ACTOR, at=NOW)
        machine = {"name": "Machine", "prices": ["base", "cpu"]}
        publishing.define_service("machine", machine, actor=ACTOR, at=NOW)

    def bring_customers(
        self, defaults: Defaults = DEFAULTS, *, dry_run: bool = False, **wishes: Wish
    ) -> Imported:
        run = self.wired.shadowing.customers.run
        return run(wishes, defaults, actor=ACTOR, at=NOW, dry_run=dry_run)

    def bring_invoices(self) -> Imported:
        until = datetime.now(UTC) + timedelta(days=1)
        return self.wired.shadowing.invoices.run(NOW - timedelta(days=1), until)

    def attach(self, organization: str) -> None:
        attach = self.wired.changes.attaching.attach
        attach(organization, "web", "machine", Decimal(1), at=OLDER.start, actor=ACTOR)

    def use(self, organization: str, hours: str, at: datetime) -> None:
        self._records += 1
        record = UsageRecord(
            source="meter",
            id=f"r{self._records}",
            organization=organization,
            meter="cpu",
            value=hours,
            occurred_at=at,
            attachment="web",
        )
        taken = self.wired.recording.record([record], actor=ACTOR, now=datetime.now(UTC))
        assert not taken.refusals

    def compare(self, **query: str) -> dict[str, Any]:
        """What a person of ours reads, from the start of the older month on."""
        answer = self.ask("GET", "/v1/shadow", query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def writes(self) -> list[str]:
        """What was written to Stripe since the last look, by whomever."""
        calls = self.sandbox.transport.calls
        found = [each["path"] for each in calls if each["method"] != "GET"]
        calls.clear()
        return found


@contextmanager
def shadowed(url: str, app: Flask, **settings: str) -> Iterator[Shadowed]:
    """A shadow over an empty database."""
    given = {"DATABASE_URL": url, "THREADS": "2", "SHADOW": "true", **settings}
    client = stripe_client("sk_test_sandbox", http_client=InProcess(app))
    with wire(Settings.from_environment(given), url, StripeGateway(client)) as wired:
        yield Shadowed(wired, app)
