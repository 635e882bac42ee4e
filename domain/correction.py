"""A correction: what a usage record counts as, instead of what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.events.usage import PackedRecord

RecordId = tuple[str, str]
"""A usage record's source and id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """record: as it was recorded. becomes: what counts instead, ``None`` for nothing."""

    record: PackedRecord
    becomes: PackedRecord | None


Corrections = Mapping[RecordId, Correction]
