"""Syncing: a month's drafts brought to Stripe as fast as its limits allow, and no faster.

The reconciler, the worker, the pacer, the adapter and Stripe's own SDK are the real ones. They run
against the sandbox in this process, which enforces Stripe's limits: 25 calls a second for each
endpoint, 100 for the account. Two things stand in for others: time is virtual, so that hours take
minutes (each call is on its way for 40 to 80 ms of it), and the streams, the queue and the pace
are kept in memory, because PostgreSQL would wait in real time. What is measured is the pace, the
retries and the number of calls; how fast this machine is does not count.

The floor is arithmetic: the most calls of any endpoint ÷ 25, or all calls ÷ 100, whichever takes
longer. Reads count as writes do, those that prove a sync included.
"""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from application.pacing import SECOND
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, number
from benchmarks.syncing_world import OUTAGE, Syncing

INVOICES_FULL, INVOICES_QUICK, INVOICES_TINY = 50_000, 1_000, 12
MIXED_SHARE = 5
ENDPOINT_PER_S, ACCOUNT_PER_S = 25, 100
OVER_FLOOR_MAX = 1.05


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is to be synced. new, changed, unchanged: how many invoices of each kind."""

    name: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    outage: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it went. took_s: of virtual time, without the outage. refused: answers of 429."""

    scenario: Scenario
    took_s: float
    calls: Counter[str]
    busiest_endpoint: int
    busiest_account: int
    refused: int
    parked: int
    unequal: int

    @property
    def floor_s(self) -> float:
        """The least that these calls take at these limits."""
        account = self.calls.total() / ACCOUNT_PER_S
        return max(account, max(self.calls.values()) / ENDPOINT_PER_S)


def run(machine: Machine) -> list[Finding]:
    """New drafts, the same through an outage of six hours, and a mixture as on any other day."""
    scenarios = _scenarios(_invoices(machine.sizes.organizations))
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        outcomes = list(pool.map(carry_out, scenarios))
    return [finding for each in outcomes for finding in _findings(each)]


def carry_out(scenario: Scenario) -> Outcome:
    """One scenario, from its preparation to its proof."""
    total = scenario.new + scenario.changed + scenario.unchanged
    progress(f"syncing {total:,} invoices: {scenario.name}")
    world = Syncing(scenario.new, scenario.changed, scenario.unchanged)
    took = world.sync_all(outage=scenario.outage)
    return Outcome(
        scenario=scenario,
        took_s=(took - OUTAGE if scenario.outage and took > OUTAGE else took) / SECOND,
        calls=world.calls,
        busiest_endpoint=max(most(times) for times in world.times.values()),
        busiest_account=most(sorted(at for times in world.times.values() for at in times)),
        refused=world.refused,
        parked=len(world.queue.parked),
        unequal=world.unequal(),
    )


def most(times: list[int]) -> int:
    """The most calls in any second, wherever it begins. times: microseconds, in order.

    >>> most([0, 1, 999_999, 1_000_000])
    3
    """
    found, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - SECOND:
            first += 1
        found = max(found, last - first + 1)
    return found


def _invoices(organizations: int) -> int:
    if organizations >= 10_000:
        return INVOICES_FULL
    return INVOICES_QUICK if organizations >= 1_000 else INVOICES_TINY


def _scenarios(invoices: int) -> list[Scenario]:
    some = max(1, invoices // MIXED_SHARE // 3)
    return [
        Scenario(name="new", new=invoices),
        Scenario(name="new, with Stripe away for 6 hours", new=invoices, outage=True),
        Scenario(name="new, changed, unchanged", new=some, changed=some, unchanged=some),
    ]


def _findings(outcome: Outcome) -> list[Finding]:
    scenario = outcome.scenario
    total = scenario.new + scenario.changed + scenario.unchanged
    what = f"{total:,} invoices × 20 lines, {scenario.name}"
    return [
        Finding(
            what=f"{what}: time, against the floor",
            measured=outcome.took_s / outcome.floor_s,
            unit="×",
            goal=OVER_FLOOR_MAX,
            at_most=True,
            detail=f"{number(outcome.took_s)} s to {number(outcome.floor_s)} s;"
            f" {outcome.calls.total():,} calls",
        ),
        _at_most("… busiest second of an endpoint", outcome.busiest_endpoint, ENDPOINT_PER_S),
        _at_most("… busiest second of the account", outcome.busiest_account, ACCOUNT_PER_S),
        _at_most("… answers of 429", outcome.refused, 0),
        _at_most("… invoices parked or not equal", outcome.parked + outcome.unequal, 0),
    ]


def _at_most(what: str, measured: int, goal: int) -> Finding:
    return Finding(what=what, measured=measured, unit="", goal=goal, at_most=True)
