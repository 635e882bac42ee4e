"""Stream ids: deterministic UUIDs that say which month a cycle belongs to."""

import hashlib
from datetime import date, timedelta
from uuid import UUID

CATALOG = "catalog"


def cycle_name(organization: str, start: date) -> str:
    """The readable id of a cycle.

    >>> cycle_name("acme", date(2026, 1, 1))
    'acme.2026-01-01'
    """
    return f"{organization}.{start.isoformat()}"


def next_cycle_name(organization: str, start: date, previous: str) -> str:
    """The id of the cycle after another one.

    Where the clocks were moved west twice within a day, two cycles begin on one local date:
    the later one is then named after the day that follows.

    >>> next_cycle_name("acme", date(2026, 1, 31), "acme.2026-01-31")
    'acme.2026-02-01'
    """
    parsed = parse_cycle_name(previous)
    earliest = parsed[1] + timedelta(days=1) if parsed else start
    return cycle_name(organization, max(start, earliest))


def parse_cycle_name(name: str) -> tuple[str, date] | None:
    """Organization and local start date, or ``None`` where it names no cycle.

    >>> parse_cycle_name("acme.2026-01-01")
    ('acme', datetime.date(2026, 1, 1))
    """
    organization, _, day = name.rpartition(".")
    try:
        return (organization, date.fromisoformat(day)) if organization else None
    except ValueError:
        return None


def cycle_stream(name: str) -> UUID:
    """A cycle's stream: year and month of its local start date, then a hash of its name.

    Month prefixes let the log be partitioned by month.

    >>> cycle_stream("acme.2026-01-01").hex[:6]
    '07ea01'
    """
    return _stream("cycle", name, _month(name))


def stripe_stream(name: str) -> UUID:
    """The stream of what happened at Stripe for a cycle; it lives in the cycle's month."""
    return _stream("stripe", name, _month(name))


def organization_stream(organization: str) -> UUID:
    """An organization's own stream."""
    return _stream("organization", organization, b"\0\0\0")


def case_stream(case: str) -> UUID:
    """The stream of a case, by its whole name."""
    return _stream("case", case, b"\0\0\0")


def case_name(organization: str, name: str) -> str:
    """The readable id of a case: names belong to an organization, so nobody meets another's.

    >>> case_name("acme", "c1")
    'acme.c1'
    """
    return f"{organization}.{name}"


def case_owner(case: str) -> str:
    """The organization whose case it is, by its name.

    >>> case_owner("acme.c1")
    'acme'
    """
    return case.partition(".")[0]


def catalog_stream() -> UUID:
    """The one stream of meters, services and prices."""
    return _stream("catalog", CATALOG, b"\0\0\0")


def _month(name: str) -> bytes:
    parsed = parse_cycle_name(name)
    if parsed is None:
        raise ValueError(f"{name!r} is not a cycle id")
    _, day = parsed
    return day.year.to_bytes(2, "big") + day.month.to_bytes(1, "big")


def _stream(kind: str, name: str, prefix: bytes) -> UUID:
    tail = hashlib.blake2b(f"{kind}/{name}".encode(), digest_size=13).digest()
    raw = bytearray(prefix + tail)
    raw[6] = 0x80 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return UUID(bytes=bytes(raw))
