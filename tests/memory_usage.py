"""Taking usage records, in memory: by the rules of the real thing, one at a time."""

from collections.abc import Sequence
from datetime import datetime

from application.ports import Appended
from domain.billing_cycle import BillingCycle
from domain.identity import cycle_stream
from domain.usage import CONFLICT, DUPLICATE, Outcome, Refusal, UsageRecord
from projections.replay import meters_of
from tests.memory import MemoryStore
from tests.packing import event_of, packed


class MemoryUsageLog:
    """The ``UsageLog`` port: each record once, by (source, id) alone."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        refusals: dict[int, Refusal] = {}
        placed: dict[str, list[UsageRecord]] = {}
        for index, record in enumerate(records):
            known = self._store.accepted.get((record.source, record.id))
            cycle = self._cycle_at(record)
            code = self._refused(record, cycle, now)
            if known is not None:
                refusals[index] = DUPLICATE if known == record else CONFLICT
            elif cycle is None or code:
                refusals[index] = Refusal(Outcome.QUARANTINED, code or "no_cycle", "it must wait")
                self._store.quarantined.append(record)
            else:
                self._store.accepted[record.source, record.id] = record
                placed.setdefault(cycle.id, []).append(record)
        position, late = len(self._store.events), 0
        for name, each in placed.items():
            cycle = self._store.cycle(name)
            event = event_of(map(packed, each), meters_of(self._store.current(), cycle))
            stream = cycle_stream(name)
            version = len(self._store.read(stream))
            position = self._store.append(stream, version, [event], actor=actor, at=now)
            late += 0 if cycle.accepts_usage else len(each)
        return Appended(refusals=refusals, position=position, late=late)

    def _cycle_at(self, record: UsageRecord) -> BillingCycle | None:
        found = map(self._store.cycle, self._store.names.get(record.organization, []))
        return next((each for each in found if record.occurred_at in each.period), None)

    def _refused(self, record: UsageRecord, cycle: BillingCycle | None, now: datetime) -> str:
        """Why a record has to wait, as a code; empty where it need not."""
        names = self._store.names.get(record.organization, [])
        if cycle is None:
            began = names and record.occurred_at >= self._store.cycle(names[0]).period.start
            return "organization_closed" if began and self._over(record) else "no_cycle"
        if cycle.accepts_usage:
            return ""
        policy = self._store.organization(record.organization).policy
        since = [self._store.cycle(name).period.start for name in names]
        if policy("late_facts") == "reject":
            return "late_rejected"
        if sum(cycle.period.start < each <= now for each in since) > int(
            str(policy("late_limit_cycles"))
        ):
            return "too_late"
        return "written_off" if cycle.forgiven else ""

    def _over(self, record: UsageRecord) -> bool:
        """Whether the organization was closed then: in a gap, or after its end."""
        newest = self._store.cycle(self._store.names[record.organization][-1])
        closed_at = self._store.organization(record.organization).closed_at
        ended = closed_at is not None and record.occurred_at >= closed_at
        return record.occurred_at < newest.period.start or ended
