"""A worker is killed at every step of every kind of work; the next one ends it, once.

The books are on PostgreSQL, the sandbox is an HTTP server, and the worker a process of its own
that dies of SIGKILL just before or just after a call, an append or a commit.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest

from tests.databases import drop_database, migrated_database
from tests.sync.account import Account, once_only, publish
from tests.sync.distant import Distant
from tests.sync.processes import End, Job, Workers, served, workers
from tests.sync.scenes import SCENES

DEEP = int(os.environ.get("DEEP_EXAMPLES", "0"))
SEEDS = 20 if DEEP else 1
"""How many books each step is tried with; one each means other books for every step."""


@dataclass
class Place:
    """A database, a sandbox and someone to fork workers."""

    database: str
    stripe: str
    clock: Path
    workers: Workers
    world: Distant
    _accounts: Iterator[int] = field(default_factory=count)

    def account(self, scene: str, seed: int) -> tuple[Account, str]:
        """An account up to the work, and what the work has to know."""
        self.world.begin()
        account = Account(self.world, f"o{next(self._accounts)}", seed)
        return account, SCENES[scene].begin(account)

    def job(self, scene: str, account: Account, about: str, ends_at: int | None = None) -> Job:
        """The work of a scene as a worker's."""
        return Job(
            database=self.database,
            stripe=self.stripe,
            clock=str(self.clock),
            now=self.world.now.isoformat(),
            scene=scene,
            account=account.name,
            seed=account.seed,
            about=about,
            ends_at=ends_at,
        )

    def live(self, scene: str, seed: int, *ends: int) -> list[End]:
        """Workers that end at steps, one after the other; then one that lives."""
        account, about = self.account(scene, seed)
        ended = [self.workers.do(self.job(scene, account, about, end))[0] for end in ends]
        once_only(account.invoices())
        account.patiently(lambda: SCENES[scene].work(account, about))
        SCENES[scene].must_hold(account, about)
        return ended


@contextmanager
def a_place(database: str, home: Path) -> Iterator[Place]:
    """A place with a catalog in it."""
    with ExitStack() as stack:
        clock = home / "clock"
        clock.write_bytes(bytes(8))
        stripe = stack.enter_context(served(home / "stripe", clock))
        forking = stack.enter_context(workers())
        world = Distant(database, stripe, clock)
        stack.callback(world.close)
        publish(world)
        yield Place(database, stripe, clock, forking, world)


@pytest.fixture(scope="module")
def place(embedded_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("crashes")
    database = migrated_database(embedded_server, f"crashes_{os.getpid()}")
    with a_place(database, home) as made:
        yield made
    drop_database(embedded_server, f"crashes_{os.getpid()}")


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("scene", SCENES)
def test_a_worker_killed_at_any_step_leaves_nothing_undone_or_done_twice(
    place: Place, scene: str
) -> None:
    account, about = place.account(scene, 0)
    (whole,) = place.workers.do(place.job(scene, account, about))
    assert (whole.code, whole.error) == (0, "")
    assert len(whole.steps) >= 10
    for step in range(len(whole.steps)):
        for seed in range(step * SEEDS, (step + 1) * SEEDS):
            (end,) = place.live(scene, seed, step)
            assert end.killed or len(end.steps) <= step, end


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("scene", SCENES)
def test_workers_killed_one_after_the_other_leave_it_to_the_last(place: Place, scene: str) -> None:
    for seed in range(50 if DEEP else 1):
        draw = Random(seed)
        ended = place.live(scene, seed, *(draw.randrange(12) for _ in range(4)))
        assert any(each.killed for each in ended)
