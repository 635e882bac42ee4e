"""Headers of messages: strangers write them, and none of them may end a connection."""

import struct

import pytest
from pika import data

from adapters.rabbitmq import link, tables


def table(*values: bytes) -> bytes:
    """A table of AMQP with these values, and a last one that can be read."""
    named = b"".join(b"\x01k" + value for value in (*values, b"I\0\0\0\7"))
    return len(named).to_bytes(4, "big") + named


def nested(depth: int) -> bytes:
    found = b""
    for _ in range(depth):
        found = b"A" + len(found).to_bytes(4, "big") + found
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(struct.pack(">cQ", b"T", 1_790_000_000_000), id="an instant in milliseconds"),
        pytest.param(struct.pack(">cQ", b"T", 2**64 - 1), id="the last instant"),
        pytest.param(struct.pack(">cd", b"d", float("nan")), id="no number"),
        pytest.param(struct.pack(">cd", b"d", float("inf")), id="infinity"),
        pytest.param(struct.pack(">cf", b"f", float("-inf")), id="a short infinity"),
        pytest.param(nested(20_000), id="lists in lists"),
        pytest.param(b"S\0\0\0\1\xff", id="no UTF-8"),
    ],
)
def test_a_value_that_cannot_be_read_keeps_no_other_from_being_read(value: bytes) -> None:
    assert link.tolerate is tables.tolerate, "whoever connects reads so"
    sent = table(value)
    read, end = data.decode_table(sent, 0)
    assert (read["k"], end) == (7, len(sent))
