"""What has to hold afterwards; each breach is a sentence."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from domain.events.base import Recorded
from domain.events.stripe_invoice import CallAbandoned, CallAnswered, CallAttempted
from domain.identity import stripe_stream
from tests.soak.stage import ORGANIZATIONS, UNIT_PRICE, Stage
from tests.soak.traffic import CENTS

QUIET_WITHIN_S = 180


def comes_to_rest(stage: Stage) -> Iterator[str]:
    """Stripe answers again; whatever waits for it gets through."""
    stage.mend()
    stage.until(lambda: stage.call("GET", "/readyz")[0] == 200, QUIET_WITHIN_S)

    def nothing_waits() -> bool:
        _, found = stage.command("syncs", "--retry", "all")
        return not found["data"]

    try:
        stage.until(nothing_waits, QUIET_WITHIN_S)
    except AssertionError:
        _, found = stage.command("syncs")
        yield f"{len(found['data'])} syncs still wait, such as {found['data'][0]}"


def counts_differ(stage: Stage, used: Counter[str], items: Counter[str]) -> Iterator[str]:
    """Every acknowledged record and item is on the invoice once."""
    for name in ORGANIZATIONS:
        _, invoice = stage.call(
            "GET", f"/v1/organizations/{name}/invoices/current", None, stage.key
        )
        lines: list[dict[str, Any]] = invoice["lines"]
        amount = sum(line["amount"] for line in lines)
        quantity = sum(Decimal(line["quantity"]) for line in lines if line["kind"] == "usage")
        told = used[name], UNIT_PRICE * used[name] + CENTS * items[name]
        if (quantity, amount) != told:
            yield f"{name} has {quantity} and {amount}, and {told} was acknowledged"


def books_differ(stage: Stage) -> Iterator[str]:
    """What verify and audit find."""
    _, verified = stage.command("verify", "--stripe", "--rebuild")
    for each in verified["broken"]:
        yield f"verify: {each['invariant']} {each['where']}: {each['what']}"
    status, audited = stage.command("audit")
    if status:
        yield f"audit: {audited}"


def writers_meet(url: str) -> Iterator[str]:
    """Two workers at one invoice at once, by what its stream says."""
    database, events = Database(url), CyclebookEvents(url)
    try:
        log = PostgresEventLog(database, events)
        with database.connection() as connection:
            cycles = connection.execute("SELECT cycle FROM cycle_head ORDER BY cycle").fetchall()
        for (cycle,) in cycles:
            for key in overlapping(log.read(stripe_stream(cycle))):
                yield f"{cycle}: {key} went out while another call was on its way"
    finally:
        events.close()
        database.close()


def overlapping(history: Sequence[Recorded]) -> Iterator[str]:
    """Keys of calls that were begun while another one was neither answered nor given up.

    A worker writes a call down before it sends it, and what the last one left open first.
    """
    under_way: set[str] = set()
    for each in history:
        match each.event:
            case CallAttempted(key=key):
                if under_way - {key}:
                    yield key
                under_way.add(key)
            case CallAnswered(key=key) | CallAbandoned(key=key):
                under_way.discard(key)
