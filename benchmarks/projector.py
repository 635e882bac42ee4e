"""The projector: following the log, and making the read models anew."""

import time
from statistics import median

from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from benchmarks.books import Bench, bench, names, register
from benchmarks.machine import Machine, rounds, unhurried
from benchmarks.recorder import BATCH, recorded
from benchmarks.report import Finding
from benchmarks.usage import Pick, batches, only, records, zipf

FEW = 20
PACKED = 100


def run(machine: Machine) -> list[Finding]:
    """Usage in events of a hundred records, and as it comes for very many cycles."""
    url = machine.database("projector_packed")
    register(url, names(FEW))
    packed = f"events of {PACKED}"
    findings = _measured(machine, url, names(FEW), (only(names(FEW)[0]), PACKED), packed)
    url, many = machine.full_database("projector")
    spread = f"{len(many):,} cycles"
    return findings + _measured(machine, url, many, (zipf(many), BATCH), spread)


def _measured(
    machine: Machine, url: str, organizations: list[str], usage: tuple[Pick, int], what: str
) -> list[Finding]:
    """usage: who sends, and how many records at once."""
    pick, size = usage
    following, rebuilding = [], []
    with bench(url) as made:
        projector = PostgresProjector(made.database, made.catalog)
        _catch_up(projector)
        before = _rebuild(made)
        for seed in rounds(machine.sizes, [f"following and rebuilding, {what}"]):
            rows = machine.sizes.rows
            with unhurried(url):
                recorded(url, organizations, [batches(records(rows, pick, seed), size)])
            following.append(rows / _catch_up(projector))
            rebuilding.append(seed * rows / (_rebuild(made) - before))
    return [
        _finding(f"projector, following, {what}", median(following), 60_000),
        _finding(f"projector, rebuilding, {what}", median(rebuilding), 200_000),
    ]


def _finding(what: str, measured: float, goal: float) -> Finding:
    return Finding(what=what, measured=measured, unit="records/s", goal=goal)


def _catch_up(projector: PostgresProjector) -> float:
    start = time.perf_counter()
    while projector.step():
        pass
    return time.perf_counter() - start


def _rebuild(made: Bench) -> float:
    """Seconds to read the whole log again. Registrations are in it, too: see ``before``."""
    start = time.perf_counter()
    PostgresRebuilder(made.database, made.catalog).rebuild()
    return time.perf_counter() - start
