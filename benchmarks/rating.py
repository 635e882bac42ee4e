"""Rating: one invoice of fifty lines, from tallies to its digest."""

import time
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from benchmarks.books import START
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding
from domain.billing_cycle import BillingCycle, opened
from domain.catalog import Meter
from domain.events.cycle import CycleOpened, ServiceAttached
from domain.price import Price, PriceBook, parse_price
from domain.rating import rate
from domain.tally import Tallies, Tally, TallyKey

LINES = 50
END = START + timedelta(days=31)
METER = Meter(
    id="cpu", version=1, aggregation="sum", unit="second", dimensions=(), recorded_at=START
)


def run(machine: Machine) -> list[Finding]:
    """Half of the lines are fees, half are usage in tiers."""
    progress(f"rating an invoice of {LINES} lines")
    cycle, tallies, book = _cycle(), _tallies(), _book()
    seconds = []
    for _ in range(machine.sizes.requests):
        start = time.perf_counter()
        invoice = rate(cycle, tallies, book, {"cpu": METER}).invoice
        invoice.digest()
        seconds.append(time.perf_counter() - start)
    assert len(invoice.lines) == LINES
    return [
        Finding(
            what=f"rating an invoice of {LINES} lines, with its digest",
            measured=median(seconds) * 1000,
            unit="ms",
            goal=2,
            at_most=True,
        )
    ]


def _cycle() -> BillingCycle:
    cycle = opened(
        CycleOpened(
            at=START,
            cycle="bench.2026-01-01",
            organization="bench",
            currency="usd",
            start=START,
            end=END,
            full_start=START,
            full_end=END,
            time_zone="UTC",
        ),
        START,
    )
    for number in range(LINES // 2):
        cycle.apply(
            ServiceAttached(
                at=START + timedelta(hours=number),
                attachment=f"a{number}",
                service="machine",
                name="Machine",
                quantity=Decimal(1),
                prices=("base@1", "cpu@1"),
            )
        )
    return cycle


def _tallies() -> Tallies:
    return {
        TallyKey("cpu", f"a{number}", "cpu@1", ()): Tally(records=1, quantity=Decimal("123456.789"))
        for number in range(LINES // 2)
    }


def _book() -> PriceBook:
    tiers = [{"up_to": "100000", "unit_amount": "0.05"}, {"up_to": None, "unit_amount": "0.03"}]
    terms: list[dict[str, Any]] = [
        {"price": "base", "kind": "recurring", "model": "flat", "amount": "3100"},
        {"price": "cpu", "kind": "metered", "meter": "cpu", "model": "graduated", "tiers": tiers},
    ]
    prices: list[Price] = [parse_price({"currency": "usd", **each}, 1) for each in terms]
    return {price.ref: price for price in prices}
