"""The intake: messages from a broker, taken in batches, each recorded before it is acknowledged."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from application.dead_letters import DeadLetterStore
from application.messages import DELIVERY_LIMIT, Message, Poison, Received, Reception

ACTOR = "rabbitmq"
MESSAGES_MAX = 250
"""Messages in a batch, and on their way to us: so many have a place in memory."""

BYTES_MAX = 2 * 1024 * 1024
"""Weight from which a batch is full, some 10,000 records; nobody should wait for its locks."""

FILLS_WITHIN = timedelta(milliseconds=50)
"""How long the first message of a batch waits for others."""

SUSPECT_AFTER = 2
"""A message that was handed out so often in vain may be what ends us: it is taken alone."""

log = logging.getLogger(__name__)


class Filling:
    """A batch that fills up: full by number, by weight, or by the age of its first message.

    Instants are seconds of any one clock.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._bytes = 0
        self._until = 0.0

    def add(self, message: Message, at_s: float) -> None:
        """Put one more in."""
        if not self.messages:
            self._until = at_s + FILLS_WITHIN.total_seconds()
        self.messages.append(message)
        self._bytes += len(message.body)

    def waits_s(self, at_s: float) -> float:
        """For how long it may still wait for more; 0 once it is full."""
        if len(self.messages) >= MESSAGES_MAX or self._bytes >= BYTES_MAX:
            return 0
        return max(0, self._until - at_s)


def portions(messages: Sequence[Message]) -> list[list[Message]]:
    """What of a batch is recorded together: everything, but each suspect alone and last.

    Suspects go forwards and, when they were handed out once more, backwards. So those before and
    those behind the one that ends us both get through, long before the broker gives any of them up.
    """
    suspects = [each for each in messages if each.deliveries >= SUSPECT_AFTER]
    forwards = [each for each in suspects if each.deliveries % 2 == 0]
    backwards = [each for each in reversed(suspects) if each.deliveries % 2]
    fresh = [each for each in messages if each.deliveries < SUSPECT_AFTER]
    return [*([fresh] if fresh else []), *([each] for each in (*forwards, *backwards))]


class Intake:
    """Takes what a broker delivers. Once a call returns, its messages may be acknowledged."""

    def __init__(
        self, reception: Reception, letters: DeadLetterStore, now: Callable[[], datetime]
    ) -> None:
        self._reception = reception
        self._letters = letters
        self._now = now

    def usage(self, messages: Sequence[Message]) -> Received:
        """Record messages of usage; what is poison becomes dead letters. Safe to repeat.

        Raises:
            Unavailable: nothing is lost; the same messages again.
        """
        received = self._reception.record(messages, actor=ACTOR, now=self._now())
        self._keep(received.poison)
        return received

    def given_up(self, messages: Sequence[Message]) -> None:
        """Keep messages that the broker delivered too often in vain, as they are.

        Raises:
            Unavailable: nothing is lost; the same messages again.
        """
        detail = "it was delivered again and again, and never acknowledged: it may end the intake"
        self._keep([Poison(message=each, code=DELIVERY_LIMIT, detail=detail) for each in messages])

    def _keep(self, poison: Sequence[Poison]) -> None:
        if not poison:
            return
        self._letters.add(poison)
        codes = Counter(each.code for each in poison)
        told = ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))
        log.warning("kept as dead letters: %s (cyclebook intake dead shows them)", told)
