"""The chain by itself: what a digest covers, and what a walk tells."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from projections.chain import BEGINNING, Damage, Kept, Link, Row, Walk, following

ROW = Row(
    stream=UUID(int=7),
    version=1,
    position=10,
    topic="ItemAdded@1",
    state=b'{"amount":1}',
    recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"stream": UUID(int=8)}, id="stream"),
        pytest.param({"version": 2}, id="version"),
        pytest.param({"position": 11}, id="position"),
        pytest.param({"topic": "ItemAdded@2"}, id="topic"),
        pytest.param({"state": b'{"amount":2}'}, id="body"),
        pytest.param({"recorded_at": ROW.recorded_at + timedelta(microseconds=1)}, id="clock"),
        pytest.param({"topic": "ItemAdded@", "state": b'1{"amount":1}'}, id="where a field ends"),
    ],
)
def test_every_part_of_a_row_changes_its_digest(change: dict[str, Any]) -> None:
    assert replace(ROW, **change).digest != ROW.digest


def test_a_digest_is_what_the_document_says() -> None:
    numbers = b"".join(each.to_bytes(8, "big") for each in (1, 10, 1767225600000000))
    parts = [hashlib.sha256(each).digest() for each in (b"ItemAdded@1", ROW.state)]
    told = hashlib.sha256(UUID(int=7).bytes + numbers + b"".join(parts)).digest()
    assert ROW.digest == told
    assert following(BEGINNING, told) == hashlib.sha256(bytes(32) + told).digest()


ROWS = [replace(ROW, version=number, position=number * 10) for number in (1, 2, 3, 4)]


def links(rows: Sequence[Row]) -> list[Link]:
    return [
        Link(number=n, position=r.position, stream=r.stream, version=r.version, digest=r.digest)
        for n, r in enumerate(rows, start=1)
    ]


def head(rows: Sequence[Row]) -> bytes:
    link = BEGINNING
    for row in rows:
        link = following(link, row.digest)
    return link


def walked(rows: Sequence[Row | None], chain: Sequence[Link], *kept: Kept) -> list[Damage]:
    walk, found = Walk("acme", kept), list[Damage]()
    for link, row in zip(chain, rows, strict=True):
        found += walk.take(link, row, "the stream")
    return [*found, *walk.end()]


def test_a_chain_that_fits_tells_nothing() -> None:
    kept = [Kept(events=n, head=head(ROWS[:n]), by="x") for n in (2, 4)]
    assert walked(ROWS, links(ROWS), *kept) == []


def test_an_altered_and_a_removed_row_are_named() -> None:
    altered = replace(ROWS[1], state=b"{}")
    found = walked([ROWS[0], altered, None, ROWS[3]], links(ROWS))
    assert [(each.what, each.version, each.position) for each in found] == [
        ("altered", 2, 20),
        ("removed", 3, 30),
    ]


def test_a_rewritten_chain_is_told_once_and_between_which_heads() -> None:
    other = [*ROWS[:2], replace(ROWS[2], state=b"{}"), ROWS[3]]
    kept = [Kept(events=n, head=head(ROWS[:n]), by="a friend") for n in (2, 3, 4)]
    (found,) = walked(other, links(other), *kept)
    assert found.what == "rewritten"
    assert found.detail.startswith("some of the events 3 to 3 of this chain: a friend says")


def test_a_chain_that_ends_too_soon_is_told() -> None:
    (found,) = walked(ROWS[:2], links(ROWS[:2]), Kept(events=4, head=head(ROWS), by="a friend"))
    assert (found.what, "the chain ends after 2" in found.detail) == ("rewritten", True)


def test_a_link_that_is_gone_is_told() -> None:
    chain = links(ROWS)
    (found,) = walked([ROWS[0], *ROWS[2:]], [chain[0], *chain[2:]])
    assert (found.what, found.detail) == ("unlinked", "links 2 to 2 are gone")
