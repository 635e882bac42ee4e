"""A thread's connection to the broker, opened when it is needed; its failures in our words."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pika
from pika.exceptions import AMQPError

from adapters.rabbitmq.tables import tolerate
from adapters.rabbitmq.topology import Names, declare
from domain.errors import InvalidInput, Unavailable

HEARTBEAT_S = 60
CONNECT_WITHIN_S = 3
LOOK_WITHIN_S = 1
LOOK_EVERY_S = 10
TROUBLE = (AMQPError, OSError)

# Each failure would be told many times over; we tell it once, in our words.
logging.getLogger("pika").setLevel(logging.CRITICAL)
tolerate()


class Link:
    """One connection with one channel, for one thread.

    prefetch: how many messages may be under way to it, for each consumer.
    """

    def __init__(self, url: str, names: Names, prefetch: int = 1) -> None:
        self._url = url
        self._names = names
        self._prefetch = prefetch
        self._connection: Any = None
        self._channel: Any = None

    def channel(self) -> Any:
        """The channel, with everything declared. Use it within ``guarded``."""
        if self._channel is None or not self._channel.is_open:
            self.close()
            self._connection = pika.BlockingConnection(_parameters(self._url, CONNECT_WITHIN_S))
            channel = self._connection.channel()
            declare(channel, self._names)
            channel.basic_qos(prefetch_count=self._prefetch)
            self._channel = channel
        return self._channel

    def attend(self, for_s: float = 0) -> None:
        """Let the connection live: answer heartbeats, hear of its end, take deliveries."""
        self._connection.process_data_events(time_limit=for_s)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Trouble with the broker ends the connection; the next ``channel`` is a new one.

        Raises:
            Unavailable: the broker does not answer, or refuses what we ask of it.
        """
        try:
            yield
        except TROUBLE as error:
            self.close()
            why = str(error) or type(error).__name__
            raise Unavailable(f"RabbitMQ is away or refuses: {why}") from error

    def close(self) -> None:
        """Let go of it; what was delivered and not acknowledged is delivered again."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            with suppress(*TROUBLE):  # it ends either way
                connection.close()


class Look:
    """Whether the broker answers, as of some seconds ago."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._answered = False

    def __call__(self) -> bool:
        """Look, unless that was done just now."""
        with self._lock:
            if self._until <= self._clock():
                self._answered = self._look()
                self._until = self._clock() + LOOK_EVERY_S
            return self._answered

    def _look(self) -> bool:
        try:
            pika.BlockingConnection(_parameters(self._url, LOOK_WITHIN_S)).close()
        except TROUBLE:
            return False
        return True


def require_usable(url: str) -> None:
    """Refuse an address that nobody can connect to.

    Raises:
        InvalidInput: it is no AMQP URL.
    """
    try:
        pika.URLParameters(url)
    except Exception:  # whatever it stumbles over; its words may quote a password
        raise InvalidInput(
            "AMQP_URL has to look like amqp://user:password@host:5672/vhost, with every sign "
            "that stands for something in an address written as %..",
            field="AMQP_URL",
        ) from None


def _parameters(url: str, within_s: float) -> Any:
    parameters = pika.URLParameters(url)
    parameters.heartbeat = HEARTBEAT_S
    parameters.socket_timeout = within_s
    parameters.stack_timeout = 2 * within_s
    parameters.blocked_connection_timeout = HEARTBEAT_S
    parameters.connection_attempts = 1
    return parameters
