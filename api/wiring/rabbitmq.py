"""What a worker does with RabbitMQ, as loops of one connection each; it is opened when they run."""

import threading
from datetime import timedelta

from adapters.rabbitmq.consumer import BatchConsumer
from adapters.rabbitmq.hints import HintListener, HintSender
from adapters.rabbitmq.link import Link, Look, require_usable
from adapters.rabbitmq.topology import Names
from application.hints import Bell, DueSyncs, Herald
from application.intake import MESSAGES_MAX, Intake
from application.worker import Loop, every

GIVEN_UP_AT_ONCE = 10
TELL_EVERY = timedelta(milliseconds=200)


class Broker:
    """RabbitMQ, with the names of its queues.

    answers: whether it can be reached, as of some seconds ago.
    """

    def __init__(self, url: str, prefix: str, intake: Intake, due: DueSyncs) -> None:
        require_usable(url)
        self._url = url
        self.names = Names(prefix)
        self.intake = intake
        self._due = due
        self.answers = Look(url)

    def intake_loops(self) -> list[Loop]:
        """Usage in, and what the broker gives up."""
        usage = BatchConsumer(self._link(MESSAGES_MAX), self.names.usage, self.intake.usage)
        dead = BatchConsumer(self._link(GIVEN_UP_AT_ONCE), self.names.dead, self.intake.given_up)
        return [
            Loop("intake", usage.step, _not_idle, at_end=usage.close),
            Loop("intake of dead letters", dead.step, _not_idle, at_end=dead.close),
        ]

    def telling_loop(self) -> Loop:
        """Tells the workers of syncs that fall due."""
        sender = HintSender(self._link(), self.names)
        step = Herald(self._due, sender).step
        return Loop("hints", step, every(TELL_EVERY), at_end=sender.close)

    def listening_loop(self, bell: Bell) -> Loop:
        """Rings a bell when a sync falls due."""
        listener = HintListener(self._link(), self.names, bell)
        return Loop("hints heard", listener.step, _not_idle, at_end=listener.close)

    def _link(self, prefetch: int = 1) -> Link:
        return Link(self._url, self.names, prefetch)


def _not_idle(_stop: threading.Event) -> None:
    """Such a step waits by itself."""
