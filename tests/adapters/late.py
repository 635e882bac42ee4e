"""Late usage in tests: acme's January is cut off in February, and what comes after is looked at."""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.events.organization import PolicyChanged
from domain.identity import organization_stream
from domain.tally import Tallies
from domain.usage import UsageRecord
from tests.books import Wired, jan

JANUARY, FEBRUARY = "acme.2026-01-01", "acme.2026-02-01"
FEB = jan(31) + timedelta(days=3)


def send(case: Wired, *records: UsageRecord, now: datetime = FEB) -> list[str]:
    """What becomes of a batch, by record."""
    appended = case.usage_log.append(list(records), actor="key:test", now=now)
    codes = [each.code for _, each in sorted(appended.refusals.items())]
    return [*codes, *["late"] * appended.late]


def policy(case: Wired, **policies: object) -> None:
    """Set policies of acme's."""
    at = jan(1)
    stream = organization_stream("acme")
    version = len(case.log.read(stream))
    case.log.append(stream, version, [PolicyChanged(at=at, policies=policies)], actor="t", at=at)


def summed(tallies: Tallies | None) -> dict[str, Decimal] | None:
    """Quantities by attachment and price."""
    if tallies is None:
        return None
    return {f"{key.attachment} {key.price}": tally.quantity for key, tally in tallies.items()}


def layers(case: Wired, cycle: str = JANUARY) -> tuple[object, object]:
    """What a cycle comes to by its basis, and with everything known now."""
    state = case.books.snapshot("acme", cycle).asked
    assert state is not None
    return summed(state.tallies), summed(state.late)


def flags(case: Wired) -> tuple[object, ...]:
    """has_late, late_stale, late_open of January."""
    return case.rows(
        f"SELECT has_late, late_stale, late_open FROM cycle_head WHERE cycle = '{JANUARY}'"
    )[0]


def note(case: Wired, event: object, cycle: str = JANUARY) -> None:
    with case.books.change("acme", actor="test", cycle=cycle) as books:
        assert books.asked is not None
        books.append(books.asked, [event])
