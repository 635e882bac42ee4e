"""Tables in messages' headers: what the library cannot read is no value, and not the end of all."""

from collections.abc import Callable
from typing import Any

from pika import data

_WIDTHS = {b"T": 8, b"d": 8, b"f": 4}
"""Bytes of the values that may be beyond what Python has: instants and numbers that are none."""

_MEASURED = (b"A", b"F")
"""What says its own length: lists and tables, which may be nested too deeply."""

_read: Callable[[bytes, int], tuple[Any, int]] = data.decode_value


def read_value(encoded: bytes, offset: int) -> tuple[Any, int]:
    """A value, ``None`` where it cannot be read, and where the next one begins.

    The library ends the connection instead, and with it the delivery of every message under way:
    one of a stranger who writes milliseconds for seconds would keep all others out.
    """
    try:
        return _read(encoded, offset)
    except (ValueError, OverflowError, OSError, RecursionError):
        kind, start = encoded[offset : offset + 1], offset + 1
        if kind in _MEASURED:
            return None, start + 4 + int.from_bytes(encoded[start : start + 4], "big")
        if kind not in _WIDTHS:
            raise
        return None, start + _WIDTHS[kind]


def tolerate() -> None:
    """Have the library read all tables so."""
    data.decode_value = read_value
