"""Arrays in PostgreSQL's binary format, packed by hand.

psycopg dumps a list element by element in Python; joining the bytes at once costs a fraction
of that, which is most of the client's work on the usage path.
"""

import struct
from collections.abc import Sequence

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

_INT = struct.Struct("!i").pack


class PackedArray(bytes):
    """A one-dimensional array without nulls, ready to be sent; subclasses name its type."""

    array_oid = 0


class UuidArray(PackedArray):
    """``uuid[]``."""

    array_oid = 2951


class BigintArray(PackedArray):
    """``bigint[]``."""

    array_oid = 1016


class TextArray(PackedArray):
    """``text[]``."""

    array_oid = 1009


class ByteaArray(PackedArray):
    """``bytea[]``."""

    array_oid = 1001


def uuids(values: Sequence[bytes]) -> UuidArray:
    """Pack raw 16-byte ids."""
    if not values:
        return UuidArray(_header(2950, 0))
    return UuidArray(_header(2950, len(values)) + b"\0\0\0\x10" + b"\0\0\0\x10".join(values))


def bigints(values: Sequence[int]) -> BigintArray:
    """Pack 64-bit integers."""
    count = len(values)
    flat = [8] * (2 * count)
    flat[1::2] = values
    return BigintArray(_header(20, count) + struct.pack("!" + "iq" * count, *flat))


def texts(values: Sequence[bytes]) -> TextArray:
    """Pack UTF-8 strings."""
    return TextArray(_header(25, len(values)) + _variable(values))


def byteas(values: Sequence[bytes]) -> ByteaArray:
    """Pack byte strings."""
    return ByteaArray(_header(17, len(values)) + _variable(values))


def _header(element_oid: int, count: int) -> bytes:
    """Dimensions, null flag, element type; then, unless empty, length and lower bound."""
    if not count:
        return struct.pack("!iii", 0, 0, element_oid)
    return struct.pack("!iiiii", 1, 0, element_oid, count, 1)


def _variable(values: Sequence[bytes]) -> bytes:
    return b"".join([part for value in values for part in (_INT(len(value)), value)])


class _PackedDumper(Dumper):
    """Sends what is packed already."""

    format = Format.BINARY

    def dump(self, obj: PackedArray) -> Buffer:
        return obj


class _RawUuidLoader(Loader):
    """Keeps ids as 16 raw bytes on the usage path."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def register(connection: Connection[tuple[object, ...]]) -> None:
    """Let a connection send packed arrays, and load binary uuids as raw bytes."""
    for kind in (UuidArray, BigintArray, TextArray, ByteaArray):
        dumper = type(f"{kind.__name__}Dumper", (_PackedDumper,), {"oid": kind.array_oid})
        connection.adapters.register_dumper(kind, dumper)
    connection.adapters.register_loader("uuid", _RawUuidLoader)
