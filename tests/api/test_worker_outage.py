"""A whole worker while the database is away: all goes on after it, and no trouble stays listed."""

from collections.abc import Iterator

import pytest
from flask import Flask

from adapters.sandbox.client import InProcess
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.settings import Settings
from api.wiring import Wired, wire
from api.worker import Work, loops
from application.worker import Health
from tests.rabbitmq.relay import Relay, relay_to_database
from tests.scheduled import wait_until


@pytest.fixture
def cut_off(database_url: str, sandbox_app: Flask) -> Iterator[tuple[Relay, Wired]]:
    """The service by a way to the database that can be cut."""
    client = stripe_client("sk_test_sandbox", http_client=InProcess(sandbox_app))
    with relay_to_database(database_url) as (relay, url):
        settings = Settings.from_environment({"DATABASE_URL": url})
        with wire(settings, url, StripeGateway(client)) as found:
            yield relay, found


def healths(work: Work) -> list[Health]:
    """Of each loop, and of each duty of one."""
    return [health for loop in work.loops for health in (loop.health, *loop.parts)]


def test_everything_goes_on_after_an_outage_and_nothing_is_listed_as_trouble(
    cut_off: tuple[Relay, Wired],
) -> None:
    relay, wired = cut_off
    work = Work(loops(wired))
    work.start()
    try:
        wait_until(lambda: bool(wired.schedules.runs("upcoming")))
        before = {each.name: each.steps for each in healths(work)}
        relay.cut()
        wait_until(lambda: sum(each.failures > 2 for each in healths(work)) > 5, 60)
        relay.mend()
        wait_until(lambda: not any(each.problem for each in healths(work)), 60)
    finally:
        work.stop()
    assert work.join(30)
    went_on = [each.name for each in healths(work) if each.steps > before[each.name]]
    assert {"projector", "sync 1", "closing", "alerts", "recovery", "schedules"} <= set(went_on)
    assert [each.status for each in wired.schedules.jobs()] == []
