"""The books as they were: what had happened, and what was known, by an instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.detached import KnowsDetached, names_here
from application.live import InTurn, rate_in_turn
from application.ports import CatalogReader
from application.registration import fold
from application.replays import CycleRecord, CycleRecords, Replays
from domain.billing_cycle import UNISSUED, BillingCycle
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.identity import organization_stream, parse_cycle_name, stripe_stream
from domain.period import written_utc
from domain.stripe_invoice import StripeInvoice
from domain.stripe_invoice import replay as replay_stripe
from projections.replay import replay_control

ZONES_DIFFER_MAX = timedelta(days=2)
"""How far a cycle's name may lie from the UTC date it begins on."""


class Streams(Protocol):
    """What is asked of the log: single streams."""

    def read(self, stream: UUID, after: int = 0) -> Sequence[Recorded]:
        """A stream's events after a version, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class _Begun:
    """A cycle that had begun. late: whether something came after its usage cut-off, or others
    billed some of it."""

    cycle: BillingCycle
    late: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """Rebuilds an organization's books from events alone.

    as_of: only what had happened by then; ``None`` for everything. known_at: only what had
    been recorded by then; ``None`` for everything.
    """

    books: KnowsDetached
    log: Streams
    catalog: CatalogReader
    records: CycleRecords
    as_of: datetime | None
    known_at: datetime | None

    def cycle(self, organization: str, name: str) -> tuple[InTurn, int]:
        """One cycle, rated, and the position of its last event that counts.

        Raises:
            NotFound: it had not begun, or nobody knew of it yet.
            MonthArchived: what the log does not hold any more is needed for it.
        """
        self.books.detached(organization).require_here(name)
        begun = self._begun(organization)
        for place, each in enumerate(begun):
            if each.cycle.id == name:
                found = self._rated(organization, begun, _needed_for(begun, place))
                return next(turn for turn in found if turn[0].state.cycle.id == name)
        self._require_known(organization)
        raise NotFound(f"{name} had not begun by then", cycle=name)

    def unissued(self, organization: str, at: datetime) -> list[tuple[InTurn, int]]:
        """The cycle that held an instant (the last) and all others not issued by then.

        Raises:
            NotFound: the organization had no cycle then.
            MonthArchived: what the log does not hold any more is needed for it.
        """
        begun = [each for each in self._begun(organization) if each.cycle.period.start <= at]
        if not begun:
            self._require_known(organization)
            raise NotFound(
                f"{organization} had no billing cycle at {written_utc(at)}",
                organization=organization,
            )
        rated = self._rated(organization, begun, begun[_first_in_play(begun) :])
        last = begun[-1].cycle.id
        return [
            (turn, position)
            for turn, position in rated
            if turn.state.cycle.status in UNISSUED or turn.state.cycle.id == last
        ]

    def stripe(self, cycle: str) -> StripeInvoice:
        """What we knew of the cycle at Stripe."""
        return replay_stripe(each.event for each in self._seen(self.log.read(stripe_stream(cycle))))

    def _begun(self, organization: str) -> list[_Begun]:
        """Every cycle that had begun and was known, oldest first.

        Detached ones are left out: an instant after all that happened in them needs no more of
        them than the credits they used.
        """
        self.books.detached(organization).require_over(self.as_of, self.known_at)
        names = filter(self._may_have_begun, names_here(self.books, organization))
        found = [each for each in map(self._control, names) if each is not None]
        return [
            each for each in found if self.as_of is None or each.cycle.period.start <= self.as_of
        ]

    def _require_known(self, organization: str) -> None:
        first = self.log.read(organization_stream(organization))[:1]
        if self.known_at is not None and not any(map(self._known, first)):
            raise NotFound(
                f"{organization} was not known yet at {written_utc(self.known_at)}",
                organization=organization,
            )

    def _may_have_begun(self, name: str) -> bool:
        """Spares reading cycles that begin much later."""
        parsed = parse_cycle_name(name)
        if self.as_of is None or parsed is None:
            return True
        return parsed[1] <= (self.as_of + ZONES_DIFFER_MAX).date()

    def _control(self, name: str) -> _Begun | None:
        try:
            with self.records.opened(name, self.known_at) as record:
                cycle = replay_control(record.control, self.as_of)
                billed = any(cycle.billed_late.values())
                return _Begun(cycle, billed or _had_late(cycle, record))
        except NotFound:
            # Nobody knew of it by then.
            return None

    def _rated(
        self, organization: str, begun: Sequence[_Begun], needed: Sequence[_Begun]
    ) -> list[tuple[InTurn, int]]:
        """Some of the cycles that had begun, in turn."""
        replays = Replays(self.records, self.catalog)
        past = [
            replays.cycle(each.cycle.id, as_of=self.as_of, known_at=self.known_at)
            for each in needed
        ]
        history = self.log.read(organization_stream(organization))
        who = fold(organization, [*filter(self._known, history[:1]), *self._seen(history[1:])])
        gone = self.books.detached(organization).applied
        applied = _applied((each.cycle for each in begun), gone)
        states = [each.state for each in past]
        rated = rate_in_turn(who, states, applied, self.catalog.current())
        return list(zip(rated, (each.position for each in past), strict=True))

    def _known(self, recorded: Recorded) -> bool:
        return self.known_at is None or recorded.recorded_at <= self.known_at

    def _seen(self, history: Sequence[Recorded]) -> list[Recorded]:
        return [
            each
            for each in history
            if self._known(each) and (self.as_of is None or each.occurred_at <= self.as_of)
        ]


def _needed_for(begun: Sequence[_Begun], place: int) -> Sequence[_Begun]:
    """A cycle, those before it from which it may take something, and the one that follows, for
    which it bills ahead."""
    if begun[place].cycle.settled is not None:
        return begun[place : place + 1]
    return begun[_first_in_play(begun) : place + 2]


def _first_in_play(begun: Sequence[_Begun]) -> int:
    """Where the oldest one is that was not settled, or of which something became known late."""
    in_play = (place for place, each in enumerate(begun) if each.cycle.settled is None or each.late)
    return next(in_play, len(begun) - 1)


def _had_late(cycle: BillingCycle, record: CycleRecord) -> bool:
    """Whether facts or usage came after the cut-off."""
    if cycle.cutoff is None:
        return False
    control = sum(each.version > cycle.cutoff for each in record.control)
    return bool(cycle.late) or record.version > cycle.cutoff + control


def _applied(cycles: Iterable[BillingCycle], before: Mapping[str, int]) -> dict[str, int]:
    """What settled invoices had used of each credit. before: by those that are not here."""
    used = dict(before)
    for cycle in cycles:
        for applied in cycle.credits_used:
            used[applied.credit] = used.get(applied.credit, 0) + applied.amount
    return used
