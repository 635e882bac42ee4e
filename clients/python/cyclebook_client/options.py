"""How a client behaves where nothing else is said."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Literal

from cyclebook_client.records import Refusal

RECORDS_PER_REQUEST_MAX = 10_000
"""What the service takes at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """source: who reports; with a record's id it names the record. The host's name by default.

    batch_max, age_s: a batch is sent once it has so many records, or the oldest is so old.
    held_max: records in memory, those on their way included. when_full: ``record`` blocks until
    there is room, or raises ``Full``.
    on_refused: called with each record that was not accepted, in the sending thread; logged
    where it is not given. It may record again.
    spool: a file for what could not be sent at the end; the next start sends it first.
    timeout_s: for each step of a request. close_within_s: how long ``close`` goes on trying.
    pause_s, pause_max_s: between attempts, at most, doubled from the first to the second.
    """

    source: str | None = None
    batch_max: int = 1_000
    age_s: float = 1.0
    held_max: int = 100_000
    when_full: Literal["block", "raise"] = "block"
    on_refused: Callable[[Refusal], None] | None = None
    spool: str | Path | None = None
    timeout_s: float = 10.0
    close_within_s: float = 30.0
    pause_s: float = 0.5
    pause_max_s: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.batch_max <= RECORDS_PER_REQUEST_MAX:
            raise ValueError(f"batch_max must be 1 to {RECORDS_PER_REQUEST_MAX}")
        if self.held_max < 1:
            raise ValueError("held_max must be at least 1")
        if self.when_full not in ("block", "raise"):
            raise ValueError(f'when_full must be "block" or "raise", not {self.when_full!r}')
        if min(self.age_s, self.close_within_s, self.pause_s, self.pause_max_s) < 0:
            raise ValueError("no time is below zero")
        if self.timeout_s <= 0:
            raise ValueError("timeout_s must be above zero")

    @property
    def named_source(self) -> str:
        """The source of records."""
        return self.source or gethostname()
