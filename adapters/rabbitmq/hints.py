"""Hints that a sync is due, told to all workers and heard by one that has nothing to do."""

from collections.abc import Sequence
from typing import Any

import pika

from adapters.rabbitmq.link import Link
from adapters.rabbitmq.topology import Names
from application.hints import Bell, DueSync
from domain.errors import Unavailable

LISTENS_FOR_S = 0.5


class HintSender:
    """The ``Messenger`` port, for one thread."""

    def __init__(self, link: Link, names: Names) -> None:
        self._link = link
        self._names = names

    def tell(self, due: Sequence[DueSync]) -> None:
        """Publish the names of cycles. Nobody waits for a confirmation: hints may be lost."""
        with self._link.guarded():
            channel = self._link.channel()
            self._link.attend()
            for each in due:
                queue = self._names.high if each.high else self._names.normal
                kind = pika.BasicProperties(content_type="text/plain")
                channel.basic_publish("", queue, each.cycle.encode(), kind)

    def close(self) -> None:
        """Let go."""
        self._link.close()


class HintListener:
    """The step of a worker's loop that rings a bell for each hint, for one thread.

    It listens only while somebody waits for the bell, so that hints go to a process that has time.
    """

    def __init__(self, link: Link, names: Names, bell: Bell) -> None:
        self._link = link
        self._queues = (names.high, names.normal)
        self._bell = bell
        self._channel: Any = None
        self._tags: list[str] = []

    def step(self) -> bool:
        """Listen for a moment, or wait for one of those who work; there may always be more.

        Raises:
            Unavailable: the broker is away; those who wait look more often meanwhile.
        """
        try:
            with self._link.guarded():
                self._listen()
        except Unavailable:
            self._bell.answered = False
            raise
        return True

    def close(self) -> None:
        """Let go."""
        self._bell.answered = False
        self._link.close()

    def _listen(self) -> None:
        channel = self._link.channel()
        if channel is not self._channel:
            self._channel, self._tags = channel, []
        self._bell.answered = True
        if self._bell.awaited(0):
            self._tags = self._tags or [self._consume(queue) for queue in self._queues]
            self._link.attend(LISTENS_FOR_S)  # or until something came
            return
        for tag in self._tags:
            channel.basic_cancel(tag)  # what came meanwhile goes back, for others
        self._tags = []
        self._link.attend()
        self._bell.awaited(LISTENS_FOR_S)

    def _consume(self, queue: str) -> str:
        tag: str = self._channel.basic_consume(queue, self._heard)
        return tag

    def _heard(self, channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        channel.basic_ack(method.delivery_tag)
        self._bell.ring()
