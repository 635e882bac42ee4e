"""RabbitMQ itself, with queues of each test's own, and the service wired to it."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pika
import pytest
from flask import Flask

from adapters.rabbitmq.link import Link
from adapters.rabbitmq.topology import Names
from adapters.sandbox.client import InProcess
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.settings import Settings
from api.wiring import Wired, wire
from api.wiring.rabbitmq import Broker
from tests.api.conftest import (  # noqa: F401 - fixtures
    acme,
    admin,
    app,
    caller,
    run,
    sandbox_app,
)


@pytest.fixture
def amqp_url() -> str:
    """The broker of ``TEST_AMQP_URL``."""
    url = os.environ.get("TEST_AMQP_URL")
    if not url:
        pytest.skip("TEST_AMQP_URL is not set: there is no RabbitMQ to try it with")
    return url


class Rabbit:
    """A producer, and somebody who looks at queues."""

    def __init__(self, url: str, names: Names) -> None:
        self.url = url
        self.names = names
        self.link = Link(url, names)
        self.link.channel().confirm_delivery()

    def send(self, what: Any, content_type: str | bytes = "application/json", **more: Any) -> None:
        """Publish a message, confirmed by the broker."""
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        about = pika.BasicProperties(content_type=content_type, delivery_mode=2, **more)
        self.link.channel().basic_publish(self.names.usage, "fra", body, about, mandatory=True)

    def waiting(self, queue: str) -> int:
        """How many messages a queue has that nobody has taken."""
        answer = self.link.channel().queue_declare(queue, passive=True)
        return int(answer.method.message_count)

    def remove(self) -> None:
        """Delete all of it."""
        channel = self.link.channel()
        for queue in self.names.queues:
            channel.queue_delete(queue)
        channel.exchange_delete(self.names.usage)


@pytest.fixture
def rabbit(amqp_url: str) -> Iterator[Rabbit]:
    found = Rabbit(amqp_url, Names(f"test-{uuid.uuid4().hex[:12]}"))
    with closing(found.link):
        try:
            yield found
        finally:
            found.remove()


@pytest.fixture
def wired(database_url: str, sandbox_app: Flask, rabbit: Rabbit) -> Iterator[Wired]:  # noqa: F811
    with wired_to(rabbit.url, database_url, sandbox_app, rabbit.names.prefix) as found:
        yield found


def wired_to(url: str, database_url: str, sandbox: Flask, prefix: str) -> Any:
    """The service over a database, a sandbox in this process, and a broker."""
    given = {"DATABASE_URL": database_url, "AMQP_URL": url, "AMQP_PREFIX": prefix}
    client = stripe_client("sk_test_sandbox", http_client=InProcess(sandbox))
    return wire(Settings.from_environment(given), database_url, StripeGateway(client))


def broker_of(wired: Wired) -> Broker:
    """The broker that is wired."""
    assert wired.broker is not None
    return wired.broker
