"""Consumes a queue in batches: each message is acknowledged once it was taken, and not before."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from adapters.rabbitmq.link import Link
from application.intake import Filling, portions
from application.messages import Message

LOOKS_FOR_S = 0.5
"""How long a step waits for a first message."""


class BatchConsumer:
    """The step of a worker's loop over one queue, for one thread.

    take: keeps messages for good. While it cannot, the batch is held back: nothing is sent back to
    the broker, where each delivery in vain counts, and nothing more is taken.
    """

    def __init__(self, link: Link, queue: str, take: Callable[[Sequence[Message]], object]) -> None:
        self._link = link
        self._queue = queue
        self._take = take
        self._held: list[list[Message]] = []
        self._channel: Any = None

    def step(self) -> bool:
        """Take the next batch, or the one held back; there may always be more.

        Raises:
            Unavailable: the broker, or whoever keeps the messages, is away.
        """
        with self._reached():
            if self._held:
                self._link.attend()
            else:
                self._channel = self._link.channel()
                self._held = portions(self._batch())
        while self._held:
            self._take(self._held[0])
            with self._reached():
                self._acknowledge(self._held[0], last=len(self._held) == 1)
            self._held.pop(0)
        return True

    def close(self) -> None:
        """Let go; what was not acknowledged is delivered again."""
        self._held = []
        self._link.close()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            with self._link.guarded():
                yield
        except Exception:
            self.close()  # the broker delivers again what it has of us
            raise

    def _batch(self) -> list[Message]:
        filling = Filling()
        waits_s = LOOKS_FOR_S
        while waits_s > 0 and (message := self._next(waits_s)) is not None:
            filling.add(message, time.monotonic())
            waits_s = filling.waits_s(time.monotonic())
        return filling.messages

    def _next(self, within_s: float) -> Message | None:
        for method, properties, body in self._channel.consume(
            self._queue, inactivity_timeout=within_s
        ):
            return None if method is None else _message(method, properties, body)
        return None  # the queue was deleted; it is made anew

    def _acknowledge(self, portion: Sequence[Message], *, last: bool) -> None:
        if last:  # and all before it: what is left of the batch
            tag = max(message.tag for message in portion)
            self._channel.basic_ack(tag, multiple=len(portion) > 1)
            return
        for message in portion:
            self._channel.basic_ack(message.tag)


def _message(method: Any, properties: Any, body: bytes) -> Message:
    headers = properties.headers or {}
    death, count = _death(headers.get("x-death")), headers.get("x-delivery-count")
    keys = death.get("routing-keys")
    return Message(
        body=body,
        content_type=_text(properties.content_type),
        content_encoding=_text(properties.content_encoding),
        exchange=_text(death.get("exchange", method.exchange)),
        routing_key=_text(keys[0] if isinstance(keys, list) and keys else method.routing_key),
        tag=method.delivery_tag,
        deliveries=count if isinstance(count, int) else 0,
    )


def _text(sent: Any) -> str:
    """A text of a stranger: the library leaves bytes as they are that are no UTF-8."""
    if isinstance(sent, bytes):
        return sent.decode(errors="replace")
    return "" if sent is None else str(sent)


def _death(told: Any) -> dict[str, Any]:
    """How the broker gave a message up; a producer may have put anything there instead."""
    first = told[0] if isinstance(told, list) and told else None
    return first if isinstance(first, dict) else {}
