"""Usage in a wired service, and its projections."""

from datetime import UTC, datetime
from typing import Any

from adapters.postgres.projector import PostgresProjector
from domain.events.stripe_invoice import Discrepancy
from tests.books import Wired, jan, record

DAYS = (
    "SELECT organization, meter, day::text, quantity::text, records FROM usage_by_day"
    " ORDER BY 1, 2, 3"
)
SEEN = Discrepancy(kind="status", key="", ours="draft", theirs="open")
EVERYTHING = (
    "SELECT u::text FROM usage_by_day u ORDER BY 1",
    "SELECT v::text FROM usage_by_day_value v ORDER BY 1",
    "SELECT s::text FROM invoice_summary s ORDER BY 1",
)


def use(case: Wired, *records: Any) -> None:
    appended = case.usage_log.append(list(records), actor="key:test", now=case.now)
    assert not appended.refusals


def project(case: Wired, page: int = 2000) -> PostgresProjector:
    """A projector that has caught up."""
    projector = PostgresProjector(case.database, case.catalog, page=page)
    while projector.step():
        pass
    return projector


def days(case: Wired) -> dict[str, tuple[str, int]]:
    return {f"{meter} {day}": (q, n) for _, meter, day, q, n in case.rows(DAYS)}


def queue(case: Wired) -> list[tuple[Any, ...]]:
    return case.rows(
        "SELECT cycle, dirty_position, priority, round(extract(epoch FROM due_at - now()))::int"
        " FROM sync_queue ORDER BY cycle"
    )


def meter(case: Wired, name: str, aggregation: str) -> None:
    values = {"aggregation": aggregation}
    case.publishing.define_meter(name, values, actor="test", at=jan(1))


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, minute, tzinfo=UTC)


def busy_month(case: Wired) -> None:
    meter(case, "people", "unique")
    meter(case, "heat", "latest")
    meter(case, "peak", "max")
    for number in range(40):
        at = day(1 + number % 15, number % 24, number)
        use(
            case,
            record(f"a{number}", value=f"{number}.50", occurred_at=at),
            record(f"b{number}", meter="people", attachment="", value=f"p{number % 7}"),
            record(f"c{number}", meter="heat", attachment="", value=f"{number}", occurred_at=at),
            record(f"d{number}", meter="peak", attachment="", value=f"{number % 9}.0"),
        )
