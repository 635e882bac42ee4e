"""Deduplication keys, content hashes and canonical values of usage records."""

import re
import struct
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

import msgspec

from domain.quantity import EXACT, quantity
from domain.usage import UsageRecord

_encode = msgspec.json.Encoder().encode
_HEX12 = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_unpack = struct.Struct("!q").unpack
_CROCKFORD = {letter: place for place, letter in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def dedup_key(source: str, identity: str) -> bytes:
    """Sixteen bytes from (source, id) alone.

    An id that begins with its time (UUIDv7, ULID) keeps those six bytes in front: neighbours in
    time are neighbours in the index, so a batch touches few of its pages and writes little WAL.

    >>> dedup_key("fra-7", "0197f000-0000-7000-8000-000000000001").hex()[:12]
    '0197f0000000'
    >>> dedup_key("fra-7", "01JXYZ00000000000000000000") == dedup_key("fra-8", "x")
    False
    """
    text = f"{source}\0{identity}".encode()
    if len(identity) == 36 and identity[14] == "7" and _HEX12.match(identity):
        first = bytes.fromhex(identity[:8] + identity[9:13])
        return first + blake2b(text, digest_size=10).digest()
    if len(identity) == 26 and _ULID.fullmatch(identity):
        milliseconds = 0
        for letter in identity[:10]:
            milliseconds = milliseconds * 32 + _CROCKFORD[letter]
        return milliseconds.to_bytes(6, "big") + blake2b(text, digest_size=10).digest()
    return blake2b(text, digest_size=16).digest()


def content_hash(organization: str, body: bytes) -> int:
    """Sixty-four bits that tell a retry from another record under the same id."""
    hashed: int = _unpack(blake2b(body + organization.encode(), digest_size=8).digest())[0]
    return hashed


def packed(record: UsageRecord, value: str, at: int) -> bytes:
    """A record as it stands in the log, one way of writing it: properties sorted by name.

    value: in its canonical form. at: microseconds since 1970.
    """
    properties = record.properties
    if len(properties) > 1:
        properties = dict(sorted(properties.items()))
    return _encode(
        (record.source, record.id, record.meter, record.attachment, value, at, properties)
    )


@lru_cache(maxsize=65_536)
def canonical(text: str) -> tuple[str, Decimal]:
    """A value's one way of writing it, and its number.

    Raises:
        InvalidInput: it is no quantity.

    >>> canonical("12.50"), canonical("-0")
    (('12.5', Decimal('12.5')), ('0', Decimal('0')))
    """
    number = quantity(text).normalize(EXACT)
    if number == 0:
        number = Decimal(0)
    plain = format(number, "f")
    return plain, Decimal(plain)
