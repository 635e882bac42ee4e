"""Recording usage: the last checks that need no books, then the log."""

from collections.abc import Sequence
from datetime import datetime

from application.cycles import FUTURE_MAX
from application.ports import Appended, UsageLog
from domain.period import written_utc
from domain.usage import Outcome, Refusal, UsageRecord


class Recording:
    """Takes usage records from any way in. One bad record never fails the others."""

    def __init__(self, usage_log: UsageLog) -> None:
        self._usage_log = usage_log

    def record(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        """Record a batch, durably, once it returns. Safe to send again.

        A record too far in the future is rejected before the log sees it, so that the client
        may send it again when its time has come.

        Raises:
            StoreUnavailable: nothing was decided; send the same batch again.
        """
        latest = now + FUTURE_MAX
        early = [index for index, each in enumerate(records) if each.occurred_at > latest]
        if not early:
            return self._usage_log.append(records, actor=actor, now=now)
        kept = [index for index, each in enumerate(records) if each.occurred_at <= latest]
        refusals = {index: _in_the_future(records[index]) for index in early}
        if not kept:
            return Appended(refusals=refusals)
        appended = self._usage_log.append([records[index] for index in kept], actor=actor, now=now)
        refusals |= {kept[index]: refusal for index, refusal in appended.refusals.items()}
        return Appended(refusals=refusals, position=appended.position, late=appended.late)


def _in_the_future(record: UsageRecord) -> Refusal:
    return Refusal(
        Outcome.REJECTED,
        "in_the_future",
        f"occurred_at {written_utc(record.occurred_at)} lies more than "
        f"{FUTURE_MAX.seconds // 60} minutes in the future",
    )
