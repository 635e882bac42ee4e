"""What the soak judges by: two writers at one invoice are seen in its stream."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.events.base import Recorded
from domain.events.stripe_invoice import CallAbandoned, CallAnswered, CallAttempted
from tests.soak.judging import overlapping

AT = datetime(2026, 1, 1, tzinfo=UTC)


def attempted(key: str) -> CallAttempted:
    return CallAttempted(
        plan=1,
        purpose="create",
        key=key,
        method="POST",
        endpoint="/v1/invoices",
        parameters={},
        revision=1,
        attempted_at=AT,
    )


def answered(key: str) -> CallAnswered:
    return CallAnswered(key=key, status=200, reference=None, request=None, code=None, message=None)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        pytest.param([attempted("a"), answered("a"), attempted("b")], [], id="in turn"),
        pytest.param([attempted("a"), CallAbandoned(key="a"), attempted("b")], [], id="given up"),
        pytest.param([attempted("a"), attempted("b"), answered("a")], ["b"], id="two at once"),
    ],
)
def test_calls_that_overlap_are_told(events: list[Any], found: list[str]) -> None:
    history = [
        Recorded(
            stream=UUID(int=1),
            version=version,
            position=version,
            recorded_at=AT,
            occurred_at=AT,
            actor="sync",
            event=event,
        )
        for version, event in enumerate(events, start=1)
    ]
    assert list(overlapping(history)) == found
