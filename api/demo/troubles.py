"""What goes wrong in the demo: records that cannot be placed, a duplicate, a conflict."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from api.demo.cast import STARRING
from api.demo.usage import SEED, Record, uuid7
from api.instants import format_instant

UNKNOWN_METER = "gpu_seconds"
"""Nobody has defined it: define it, replay, and these records count."""


def troubles(sent: Sequence[Record], now: datetime) -> list[Record]:
    """Records with something wrong about them, after ``sent`` were accepted."""
    random = Random(SEED + 1)
    made = [
        _record(now - timedelta(hours=3), random, meter=UNKNOWN_METER, attachment="web"),
        _record(now - timedelta(hours=2), random, meter=UNKNOWN_METER, attachment="web"),
        _record(now - timedelta(hours=1), random, organization="acme-old", attachment="web"),
        _record(now - timedelta(minutes=30), random, attachment="wbe"),
    ]
    again = sent[0]
    changed = {**sent[1], "value": "1000000"}
    return [*made, again, changed]


def _record(at: datetime, random: Random, **fields: str) -> Record:
    return {
        "source": "fra-meter",
        "id": uuid7(at, random),
        "organization": STARRING,
        "meter": "cpu_seconds",
        "value": "3600",
        "occurred_at": format_instant(at),
        "properties": {"region": "fra"},
        **fields,
    }
