"""A stored event with its envelope: where and when it was recorded, and by whom."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One event as the log has it.

    stream, version: its place in its stream, from 1. position: its place in the whole log.
    occurred_at: the fact's clock. recorded_at: the log's clock, in the log's order.
    actor: who caused it, such as ``key:ck_ab12`` or ``scheduler``.
    """

    stream: UUID
    version: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    event: object
