"""``make soak``: traffic while everything fails, then all of it is counted. Status 1: a breach.

A fifth of the time is quiet, three fifths are trouble; once it is back, a fifth is quiet again.
Before that, for a few seconds, usage is sent as fast as it goes; half of that is sent from then on.
"""

import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import click

from adapters.postgres.embedded import EmbeddedPostgres
from tests.soak.judging import books_differ, comes_to_rest, counts_differ, writers_meet
from tests.soak.measuring import Memory, p99
from tests.soak.stage import ORGANIZATIONS, Stage, stage
from tests.soak.traffic import FORKED, SENDERS, Sender, Visitor
from tests.soak.trouble import Troubles

VISITORS = 2
SLOWER_MAX = 3
FLOOR_S = 0.1
"""A p99 below this is never too slow: on a busy machine it is chance."""
GROWTH_MAX, GROWTH_MB = 1.25, 20
CEILING_S, CEILING_PER_S = 5.0, 40_000
BACK_WITHIN_S = 120


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Instants between which it was quiet, in trouble, and quiet again."""

    quiet: float
    trouble: float
    calm: float
    end: float


@click.command()
@click.option("--seconds", default=600, show_default=True, help="How long traffic goes on.")
@click.option("--seed", default=1, show_default=True, help="Of what goes wrong, in which order.")
@click.option("--per-second", default=0, help="Usage records; by default half of what goes.")
def main(seconds: int, seed: int, per_second: int) -> None:
    """Soak the service."""
    with stage() as found:
        breaches = _soaked(found, seconds, seed, per_second)
    with EmbeddedPostgres(found.home / "data") as url:
        breaches += writers_meet(url)
    for each in breaches:
        click.echo(f"BREACH  {each}")
    if breaches:
        click.echo(f"what was there is kept in {found.home}")
        sys.exit(1)
    click.echo("everything holds")
    shutil.rmtree(found.home)


def _soaked(found: Stage, seconds: int, seed: int, per_second: int) -> list[str]:
    rate = FORKED.Value("i", per_second or CEILING_PER_S)
    senders = [Sender(found, number, rate) for number in range(SENDERS)]
    visitors = [Visitor(found, seed + number) for number in range(VISITORS)]
    memory, troubles = Memory(found), Troubles(found, seed)
    if not per_second:
        rate.value = _ceiling(found) // 2
    watchers: list[threading.Thread] = [memory, *visitors]
    for each in watchers:
        each.start()
    parts = _played(found, seconds, troubles)
    for each in (memory, *visitors):
        each.over.set()
    for sender in senders:
        sender.over()
    told = [sender.counts() for sender in senders]
    for each in watchers:
        each.join()
    used = sum((counts for counts, _ in told), Counter[str]())
    items = sum((visitor.items for visitor in visitors), Counter[str]())
    click.echo(
        f"{used.total():,} records ({rate.value:,}/s) and {items.total():,} items acknowledged"
    )
    click.echo(f"{sum(troubles.told.values())} troubles: {troubles.told}")
    breaches = [each for _, wrong in told for each in wrong]
    breaches += [*_slower(visitors, parts), *_larger(memory), *comes_to_rest(found)]
    return [*breaches, *counts_differ(found, used, items), *books_differ(found)]


def _ceiling(found: Stage) -> int:
    """Records a second that are recorded while nobody holds back."""
    before = _recorded(found)
    time.sleep(CEILING_S)
    return int((_recorded(found) - before) / CEILING_S)


def _recorded(found: Stage) -> int:
    answers = (
        found.call("GET", f"/v1/organizations/{name}/invoices/current", None, found.key)[1]
        for name in ORGANIZATIONS
    )
    return sum(int(line["quantity"]) for answer in answers for line in answer["lines"])


def _played(found: Stage, seconds: int, troubles: Troubles) -> Parts:
    quiet = time.monotonic()
    time.sleep(seconds / 5)
    trouble = time.monotonic()
    troubles.go_on(seconds * 3 / 5)
    found.until(lambda: found.call("GET", "/readyz")[0] == 200, BACK_WITHIN_S)
    time.sleep(seconds / 10)  # what senders held back goes out first
    calm = time.monotonic()
    time.sleep(seconds / 5)
    return Parts(quiet=quiet, trouble=trouble, calm=calm, end=time.monotonic())


def _slower(visitors: list[Visitor], parts: Parts) -> Iterator[str]:
    looks = [each for visitor in visitors for each in visitor.looks]
    before = p99(looks, parts.quiet, parts.trouble)
    meanwhile = p99(looks, parts.trouble, parts.calm)
    after = p99(looks, parts.calm, parts.end)
    answers = dict(sorted(Counter(each.status for each in looks).items()))
    click.echo(
        f"requests by status (0: no answer): {answers}; p99 {before * 1000:.0f} ms"
        f" quiet, {meanwhile * 1000:.0f} in trouble, {after * 1000:.0f} afterwards"
    )
    if after > max(SLOWER_MAX * before, FLOOR_S):
        yield f"p99 was {before:.3f} s before and {after:.3f} s after the troubles"


def _larger(memory: Memory) -> Iterator[str]:
    for name, (before, after) in memory.growth().items():
        click.echo(f"memory of {name}: {before:.0f} MB, then {after:.0f} MB")
        if after > max(before * GROWTH_MAX, before + GROWTH_MB):
            yield f"{name} grew from {before:.0f} to {after:.0f} MB"


if __name__ == "__main__":
    main(prog_name="make soak")
