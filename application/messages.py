"""Usage that arrives in messages: read, and recorded many messages at once."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from application.ports import Appended
from application.recording import Recording
from domain.errors import Unavailable
from domain.usage import Outcome, UsageRecord

FAULT = "internal_error"
DELIVERY_LIMIT = "delivery_limit"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message. exchange, routing_key: where it was sent to.

    tag: the broker's number for it until it is acknowledged. deliveries: how often it was handed
    out before, in vain.
    """

    body: bytes
    content_type: str = ""
    content_encoding: str = ""
    exchange: str = ""
    routing_key: str = ""
    tag: int = 0
    deliveries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Poison:
    """What cannot be recorded as it is: a message, or one record of it, and why.

    index: the record's place in the message that came, where ``message`` is cut down to it.
    """

    message: Message
    code: str
    detail: str
    index: int | None = None


@dataclass(kw_only=True, slots=True)
class Contents:
    """What a message holds. places: where each of ``records`` stood in it.

    part: the message cut down to what stood in one place, byte for byte.
    """

    part: Callable[[int], Message]
    records: list[UsageRecord] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of some messages: how many records had each outcome, and what is poison."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    poison: list[Poison] = field(default_factory=list)


class Reception:
    """Records what messages hold. read: takes a message apart; bad parts are in its answer."""

    def __init__(self, read: Callable[[Message], Contents], recording: Recording) -> None:
        self._read = read
        self._recording = recording

    def record(self, messages: Sequence[Message], *, actor: str, now: datetime) -> Received:
        """Record all messages in one transaction. Safe to repeat.

        Where that fails for a reason of ours, each message is recorded alone, so that none fails
        for another's sake; the one at fault is poison.

        Raises:
            Unavailable: nothing was decided; the same messages again.
        """
        try:
            return self._record([self._read(each) for each in messages], actor, now)
        except Unavailable:
            raise
        except Exception as error:  # whatever it was, the other messages have to go on
            if len(messages) == 1:
                return _at_fault(messages[0], error)
            return _sum(self.record([each], actor=actor, now=now) for each in messages)

    def _record(self, found: Sequence[Contents], actor: str, now: datetime) -> Received:
        records = [record for contents in found for record in contents.records]
        appended = Appended()
        if records:
            appended = self._recording.record(records, actor=actor, now=now)
        outcomes = Counter(refusal.outcome for refusal in appended.refusals.values())
        outcomes[Outcome.ACCEPTED] = len(records) - len(appended.refusals)
        poison = [*_refused(found, appended), *(bad for each in found for bad in each.poison)]
        return Received(outcomes=outcomes, poison=poison)


def _refused(found: Sequence[Contents], appended: Appended) -> Iterator[Poison]:
    """The records that can never be taken as they are. Conflicts and quarantine the books keep."""
    first = 0
    for contents in found:
        for number, place in enumerate(contents.places, start=first):
            refusal = appended.refusals.get(number)
            if refusal is not None and refusal.outcome is Outcome.REJECTED:
                yield Poison(
                    message=contents.part(place),
                    code=refusal.code,
                    detail=refusal.detail,
                    index=place,
                )
        first += len(contents.places)


def _at_fault(message: Message, error: Exception) -> Received:
    log.error("a message of %d bytes cannot be recorded", len(message.body), exc_info=error)
    detail = f"this is a fault of ours ({type(error).__name__}); replay it once that is mended"
    return Received(poison=[Poison(message=message, code=FAULT, detail=detail)])


def _sum(parts: Iterator[Received]) -> Received:
    total = Received()
    for each in parts:
        total.outcomes.update(each.outcomes)
        total.poison.extend(each.poison)
    return total
