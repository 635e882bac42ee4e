"""Schedules that look for something to tell: both numbers, and each notice once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from api.sweeps import sweeps
from api.wiring import Wired, clock
from application.quarantine_growth import GROWING_BY
from application.schedule_ports import Tally
from application.worker import SyncWorker
from domain.errors import GatewayRejected
from tests.api.conftest import CYCLE, Caller
from tests.api.telling import told
from tests.api.test_life import INVOICE, ORGANIZATION, done
from tests.api.test_usage import record

NOTHING = Tally(expected=0, done=0)
ONE = Tally(expected=1, done=1)

Prepare = Callable[[Caller, Wired], datetime]


def an_alert_is_reached(admin: Caller, wired: Wired) -> datetime:
    done(admin("POST", "/v1/usage", [record("k1", value="100")]))
    done(admin("PUT", f"{ORGANIZATION}/alerts/a", {"amount": 5}))
    told(wired)
    return clock()


def a_period_ends_soon(admin: Caller, wired: Wired) -> datetime:
    done(admin("POST", "/v1/usage", [record("k1", value="100")]))
    end = datetime.fromisoformat(done(admin("GET", INVOICE))["period"]["end"])
    return end.astimezone(UTC) - timedelta(days=3)


def a_sync_is_parked(admin: Caller, wired: Wired) -> datetime:
    def refuse(cycle: str, actor: str) -> None:
        raise GatewayRejected("no", code="customer_gone", person=True)

    wired.sync_queue.mark(CYCLE, 1, clock())
    assert SyncWorker(wired.sync_queue, refuse).step()
    return clock()


def much_is_quarantined(admin: Caller, wired: Wired) -> datetime:
    unknown = [record(f"k{number}", meter="disk") for number in range(GROWING_BY)]
    done(admin("POST", "/v1/usage", unknown))
    return clock()


LOOKS: dict[str, tuple[Prepare, str, Tally]] = {
    "alerts": (an_alert_is_reached, "alert.reached", NOTHING),
    "upcoming": (a_period_ends_soon, "invoice.upcoming", NOTHING),
    "sync_troubles": (a_sync_is_parked, "sync.failed", ONE),
    "quarantine_growth": (much_is_quarantined, "quarantine.growing", ONE),
}
"""By schedule: what there is to do, what is told of it, and what the next run counts."""


@pytest.mark.parametrize("schedule", LOOKS)
def test_a_run_counts_what_it_should_do_and_did_and_tells_it_once(
    admin: Caller, wired: Wired, acme: str, schedule: str
) -> None:
    prepare, kind, afterwards = LOOKS[schedule]
    now, sweep = prepare(admin, wired), sweeps(wired)[schedule]
    assert sweep(now) == ONE
    assert sweep(now) == afterwards
    assert [each.kind for each in told(wired, kind)] == [kind]


@pytest.mark.parametrize("schedule", LOOKS)
def test_runs_at_once_and_again_as_after_a_kill_tell_it_once(
    admin: Caller, wired: Wired, acme: str, schedule: str
) -> None:
    prepare, kind, _ = LOOKS[schedule]
    now, sweep = prepare(admin, wired), sweeps(wired)[schedule]
    together, tallies = threading.Barrier(4), []

    def run() -> None:
        together.wait(20)
        tallies.append(sweep(now))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    tallies.append(sweep(now))
    assert len(tallies) == 5 and all(each.expected == each.done for each in tallies)
    assert [each.kind for each in told(wired, kind)] == [kind]
