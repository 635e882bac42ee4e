"""Correcting: usage records that were wrong, and late amounts that wait for a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from application.changing import Effect, Runner
from application.cycles import require_late_taken
from application.desired import organization_of
from application.handed_over import pass_on
from application.live import InTurn, locked_in_turn
from application.ports import CatalogReader, OpenBooks, UsageFinder
from domain.billing_cycle import BillingCycle
from domain.errors import InvalidInput, NotFound
from domain.events.cycle import CycleEvent
from domain.events.late import LateLine
from domain.events.usage import PackedRecord, instant, micros
from domain.quantity import plain, quantity
from domain.text import written

REASON_MAX = 400
Answer = TypeVar("Answer")
Decision = Callable[[BillingCycle], Sequence[CycleEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """What a record should have said; ``None`` keeps what it said."""

    value: str | None = None
    attachment: str | None = None
    properties: Mapping[str, str] | None = None
    occurred_at: datetime | None = None


class Correcting(Generic[Answer]):
    """Compensating facts, by a record's source and id. Every command may be repeated.

    run: carries it out, or shows what it would do to every invoice. A record of an issued
    invoice is corrected as a late fact, as far as the organization's policies take it.
    """

    def __init__(
        self,
        run: Runner[Answer],
        find: UsageFinder,
        catalog: CatalogReader,
        now: Callable[[], datetime],
    ) -> None:
        self._run = run
        self._find = find
        self._catalog = catalog
        self._now = now

    def retract(self, source: str, id: str, reason: str, *, actor: str) -> Answer:
        """Let a usage record not count.

        Raises:
            NotFound: there is no such record.
            RuleViolation: its invoice takes no late facts any more.
        """
        why = written(reason, "reason", REASON_MAX)
        return self._on(source, id, actor, lambda cycle, record: cycle.retract(record, why))

    def correct(
        self, source: str, id: str, becomes: Replacement, reason: str, *, actor: str
    ) -> Answer:
        """Let a usage record count as what it should have said.

        Raises:
            NotFound: there is no such record.
            InvalidInput: the meter cannot use it, or it would lie in another cycle.
            RuleViolation: its invoice takes no late facts any more.
        """
        why = written(reason, "reason", REASON_MAX)
        return self._on(
            source,
            id,
            actor,
            lambda cycle, record: cycle.correct(
                record, self._replaced(cycle, record, becomes), why
            ),
        )

    def revert(self, source: str, id: str, reason: str, *, actor: str) -> Answer:
        """Let a usage record count as it was recorded again.

        Raises:
            NotFound: there is no such record.
            RuleViolation: its invoice takes no late facts any more.
        """
        why = written(reason, "reason", REASON_MAX)
        return self._on(source, id, actor, lambda cycle, record: cycle.revert(record, why))

    def accept_late(self, cycle: str, line: str, reason: str, *, actor: str) -> Answer:
        """Bill a late amount although a person had adjusted its line.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: nobody had adjusted the line.
        """
        why = written(reason, "reason", REASON_MAX)

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            return _append(books, asked, asked.accept_late(line, why, self._now()))

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def write_off_late(self, cycle: str, line: str, reason: str, *, actor: str) -> Answer:
        """Never bill a late amount as it is now.

        Raises:
            NotFound: there is no such cycle, or no late amount of that line.
        """
        why = written(reason, "reason", REASON_MAX)

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            turns = locked_in_turn(books, self._catalog.current())
            late = _late(turns, asked)
            if line not in late:
                raise NotFound(f"{cycle} has no late amount of {line}", line=line)
            amounts, left = {line: late[line].amount}, len(late) > 1
            events = asked.bill_late("person", amounts, self._now(), open=left, reason=why)
            pass_on(books, turns)
            return _append(books, asked, events)

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def _on(
        self,
        source: str,
        id: str,
        actor: str,
        decision: Callable[[BillingCycle, PackedRecord], Sequence[CycleEvent]],
    ) -> Answer:
        found = self._find.find(source, id)
        if found is None:
            raise NotFound(f"there is no usage record {id} of {source}", source=source, id=id)
        cycle, record = found

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            if not asked.accepts_usage:
                require_late_taken(books, asked, self._now())
            return _append(books, asked, decision(asked.as_known(), record))

        since = instant(record.at)
        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle, since=since)

    def _replaced(
        self, cycle: BillingCycle, record: PackedRecord, becomes: Replacement
    ) -> PackedRecord:
        meter = self._catalog.current().meter_for(record.meter, cycle.opened_at)
        value = record.value if becomes.value is None else becomes.value
        if meter is not None and meter.aggregation != "unique":
            value = plain(quantity(value))
        attachment = record.attachment if becomes.attachment is None else becomes.attachment
        if attachment and attachment not in cycle.attachments:
            raise InvalidInput(
                f"{cycle.organization} has no attachment {attachment} in {cycle.id}",
                field="attachment",
            )
        return record._replace(
            value=value,
            attachment=attachment,
            properties=dict(
                record.properties if becomes.properties is None else becomes.properties
            ),
            at=record.at if becomes.occurred_at is None else micros(becomes.occurred_at),
        )


def _late(turns: Iterable[InTurn], cycle: BillingCycle) -> dict[str, LateLine]:
    late = next(turn.late for turn in turns if turn.state.cycle.id == cycle.id)
    return {each.line: each for each in late.lines + late.proposals} if late else {}


def _asked(books: OpenBooks, cycle: str) -> BillingCycle:
    if books.asked is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return books.asked


def _append(books: OpenBooks, cycle: BillingCycle, events: Sequence[CycleEvent]) -> Effect:
    if events:
        books.append(cycle, events)
    return Effect(cycle=cycle.id, recorded=bool(events))
