"""The story of a cycle: one plain sentence for each event."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.cycle.facts import Fact
from domain.events.amounts import HandedOver
from domain.events.base import Recorded
from domain.events.cycle import CycleClosed, CycleOpened
from domain.events.late import CorrectionReverted, UsageCorrected, UsageRetracted
from domain.events.organization import (
    CreditExpired,
    CreditGranted,
    CurrencyChanged,
    OrganizationRegistered,
)
from domain.events.outcome import InvoiceVoided
from domain.events.usage import UsageRecorded
from projections.sentences import (
    amounts,
    cases,
    catalog,
    cycle,
    late,
    organization,
    outcome,
    stripe,
    usage,
)
from projections.sentences.wording import Context, Meters, Sentences

SUBJECTS = (amounts, cases, catalog, cycle, late, organization, outcome, stripe, usage)

_SENTENCES: Sentences = {
    kind: sentence for subject in SUBJECTS for kind, sentence in subject.SENTENCES.items()
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One event as people read it. The two instants are the fact's and the log's.

    version: in the event's own stream. position: in the log, and so in every story. meters: ids
    of those it is about.
    """

    version: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    what: str
    meters: tuple[str, ...] = ()


def story(history: Iterable[Recorded], meters: Meters | None = None) -> Iterator[HistoryEntry]:
    """A stream's events as people read them, in the log's order, from its first event on.

    A cycle's may have those of its life at Stripe among them.

    Usage and other facts that came after the usage cut-off are marked as late. meters: what
    people call them; without it usage is told by their ids.
    """
    known = _SoFar(context=Context(meters=meters))
    for recorded in history:
        yield HistoryEntry(
            version=recorded.version,
            position=recorded.position,
            recorded_at=recorded.recorded_at,
            occurred_at=recorded.occurred_at,
            actor=recorded.actor,
            what=known.tell(recorded),
            meters=_meters(recorded.event) if meters else (),
        )
        known.take(recorded.event)


def _meters(event: object) -> tuple[str, ...]:
    match event:
        case UsageRecorded():
            return tuple(sorted({tally.meter for tally in event.tallies}))
        case UsageCorrected() | UsageRetracted() | CorrectionReverted():
            return (event.record.meter,)
        case _:
            return ()


def describe(event: object, currency: str = "", revision: int | None = None) -> str:
    """What happened, in one plain sentence.

    currency: of the amounts in the event; without one they are told in minor units. revision:
    of the cycle's invoice, where it is known.

    Raises:
        TypeError: nobody has written a sentence for it.

    >>> from datetime import UTC
    >>> from domain.events.organization import MemberRemoved
    >>> describe(MemberRemoved(at=datetime(2026, 1, 1, tzinfo=UTC), user="u1"))
    'User u1 left the organization'
    """
    return _told(event, Context(currency=currency, revision=revision))


def _told(event: object, context: Context) -> str:
    sentence = _SENTENCES.get(type(event))
    if sentence is None:
        raise TypeError(f"no sentence for {type(event).__name__}")
    return sentence(event, context)


@dataclass(slots=True)
class _SoFar:
    """What the events told so far say about those that follow.

    cutoff: version of the last event before the usage cut-off. credits: their currencies,
    which stay when the organization's changes.
    """

    context: Context = field(default_factory=Context)
    cutoff: int | None = None
    credits: dict[str, str] = field(default_factory=dict)

    def tell(self, recorded: Recorded) -> str:
        event, currency = recorded.event, self.context.currency
        if isinstance(event, CreditExpired):
            currency = self.credits.get(event.credit, currency)
        elif isinstance(event, CycleOpened | OrganizationRegistered):
            currency = event.currency
        what = _told(event, replace(self.context, currency=currency))
        return f"Late: {what}" if self._late(recorded) else what

    def _late(self, recorded: Recorded) -> bool:
        fact = isinstance(recorded.event, UsageRecorded | Fact)
        if not fact or isinstance(recorded.event, HandedOver) or self.cutoff is None:
            return False
        return recorded.version > self.cutoff

    def take(self, event: object) -> None:
        match event:
            case CycleOpened():
                self.context = replace(self.context, currency=event.currency, revision=1)
            case OrganizationRegistered() | CurrencyChanged():
                self.context = replace(self.context, currency=event.currency)
            case CreditGranted():
                self.credits[event.credit] = event.currency
            case CycleClosed():
                self.cutoff = event.version
            case InvoiceVoided(mode="reissue"):
                self.cutoff = event.version
                self.context = replace(self.context, revision=(self.context.revision or 1) + 1)
