"""What there is at the broker: one exchange and two queues of usage, two queues of hints.

exchange PREFIX.usage -> queue PREFIX.usage -> (delivered too often) -> PREFIX.usage.dead
PREFIX.sync.high, PREFIX.sync.normal: hints, the oldest dropped where there are too many
"""

from dataclasses import dataclass
from typing import Any

DELIVERIES_MAX = 20
"""Deliveries in vain until the broker gives a message up."""

NEVER = 1_000_000_000
"""Deliveries in vain until the broker drops what waits as a dead letter: nowhere else is it kept.
From version 4 on a queue that says nothing drops it after 20."""

HINTS_KEPT = 10_000
"""Hints that a queue keeps."""


@dataclass(frozen=True, slots=True)
class Names:
    """What everything is called."""

    prefix: str

    @property
    def usage(self) -> str:
        """The exchange that producers publish to, and the queue behind it."""
        return f"{self.prefix}.usage"

    @property
    def dead(self) -> str:
        """Where the broker puts what it gives up."""
        return f"{self.usage}.dead"

    @property
    def high(self) -> str:
        """Hints of urgent syncs."""
        return f"{self.prefix}.sync.high"

    @property
    def normal(self) -> str:
        """Hints of all other syncs."""
        return f"{self.prefix}.sync.normal"

    @property
    def queues(self) -> tuple[str, ...]:
        """All queues."""
        return (self.usage, self.dead, self.high, self.normal)


def declare(channel: Any, names: Names) -> None:
    """Make what is not there yet. Safe to repeat; refused by the broker where it is otherwise."""
    dead = {"x-queue-type": "quorum", "x-delivery-limit": NEVER}
    channel.queue_declare(names.dead, durable=True, arguments=dead)
    channel.exchange_declare(names.usage, exchange_type="topic", durable=True)
    usage = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERIES_MAX,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": names.dead,
        # What is given up leaves this queue only once it is safe in the other one.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    channel.queue_declare(names.usage, durable=True, arguments=usage)
    channel.queue_bind(names.usage, names.usage, routing_key="#")
    hints = {"x-queue-type": "quorum", "x-max-length": HINTS_KEPT, "x-overflow": "drop-head"}
    for queue in (names.high, names.normal):
        channel.queue_declare(queue, durable=True, arguments=hints)
