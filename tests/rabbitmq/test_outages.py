"""The broker is away, cut off or set up otherwise: nothing is lost, and everything else goes on."""

from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask

from adapters.rabbitmq.link import Link
from api.app import create_app
from api.wiring import Wired
from domain.errors import Unavailable
from tests.api.test_usage import record
from tests.api.test_worker import wait_until
from tests.rabbitmq.conftest import Rabbit, broker_of, wired_to
from tests.rabbitmq.relay import relay_to
from tests.rabbitmq.test_intake import ids, stored, working


def through(url: str, port: int) -> str:
    """The same broker, by another way."""
    parts = urlsplit(url)
    login = f"{parts.username}:{parts.password}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}"))


def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(
    database_url: str, sandbox_app: Flask, rabbit: Rabbit, wired: Wired, acme: str
) -> None:
    parts = urlsplit(rabbit.url)
    with relay_to(parts.hostname or "", parts.port or 5672) as relay:
        url = through(rabbit.url, relay.port)
        with wired_to(url, database_url, sandbox_app, rabbit.names.prefix) as shaky, working(shaky):
            for round_ in range(4):
                for number in range(50):
                    rabbit.send([record(each) for each in ids(10, (round_ * 50 + number) * 10)])
                relay.cut()
                relay.mend()
            wait_until(lambda: stored(wired) == 2_000)
            wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 0)
        assert relay.connections > 2
    assert wired.dead_letters.count() == 0


def test_a_broker_that_is_away_at_the_start_is_found_later_and_told_of(
    database_url: str,
    sandbox_app: Flask,
    rabbit: Rabbit,
    wired: Wired,
    acme: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "application.worker")
    rabbit.send(record("k1"))
    parts = urlsplit(rabbit.url)
    with relay_to(parts.hostname or "", parts.port or 5672) as relay:
        relay.cut()
        url = through(rabbit.url, relay.port)
        with wired_to(url, database_url, sandbox_app, rabbit.names.prefix) as far:
            assert not broker_of(far).answers()
            with working(far) as work:
                wait_until(lambda: all(loop.health.failures > 1 for loop in work.loops))
                relay.mend()
                wait_until(lambda: stored(wired) == 1)
                wait_until(lambda: "intake works again" in caplog.messages)
    said = [each.message for each in caplog.records if each.name == "application.worker"]
    assert any("intake failed, again in 0.2 s: RabbitMQ is away" in each for each in said)
    assert len(said) < 40


def test_the_service_stays_ready_without_its_broker(database_url: str, sandbox_app: Flask) -> None:
    """Nobody listens on port 1."""
    with wired_to("amqp://127.0.0.1:1", database_url, sandbox_app, "nowhere") as lonely:
        answer = create_app(lonely).test_client().get("/readyz")
    assert answer.get_json()["ready"] is True
    assert "rabbitmq: unreachable" in answer.get_json()["warnings"]


def test_another_queue_of_the_same_name_is_refused_in_words(rabbit: Rabbit) -> None:
    channel = rabbit.link.channel()
    channel.queue_delete(rabbit.names.usage)
    channel.queue_declare(rabbit.names.usage, durable=True)
    link = Link(rabbit.url, rabbit.names)
    with pytest.raises(Unavailable, match="inequivalent arg"), link.guarded():
        link.channel()
