"""Checkpoints and replays: the past is the same with and without them, only sooner known."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.records import PostgresCycleRecords
from application.ports import CycleState
from application.replays import Replays
from domain.errors import InvalidInput, NotFound
from domain.events.usage import UsageRecorded
from domain.tally import TallyKey
from domain.usage import UsageRecord
from projections.replay import replay
from tests.books import Wired, jan, january, record, wired

CYCLE = "acme.2026-01-01"
METERS = ("cpu", "sum"), ("calls", "count"), ("peak", "max"), ("heat", "latest")
OPENED = ("people", "unique"), ("disk", "time_weighted")


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


@pytest.fixture
def replays(case: Wired) -> Replays:
    return Replays(PostgresCycleRecords(case.database), case.catalog)


def checkpointed(case: Wired) -> int:
    """Make every checkpoint there can be; how many there are."""
    maker = Checkpoints(case.database, case.catalog, each=10)
    while maker.make():
        pass
    return int(case.rows("SELECT count(*) FROM usage_checkpoint")[0][0])


def told(state: CycleState) -> dict[TallyKey, tuple[object, ...]]:
    """What tallies say; ``latest_at`` counts for ``latest`` only."""
    return {
        key: (
            tally.records,
            tally.quantity,
            tally.latest_at if key.meter == "heat" else 0,
            tally.values,
            tally.points,
        )
        for key, tally in state.tallies.items()
    }


def random_history(case: Wired, seed: int) -> list[datetime]:
    """Usage over the month in no order, with a detach and a new attach; instants in between."""
    chance = random.Random(seed)
    for name, aggregation in (*METERS, *OPENED):
        if name != "cpu":
            values = {"aggregation": aggregation, "dimensions": ["region"]}
            case.publishing.define_meter(name, values, actor="test", at=jan(1))
    seen = []
    for number in range(45):
        many = range(chance.randint(1, 4))
        records = [random_record(chance, f"{number}-{each}") for each in many]
        appended = case.usage_log.append(records, actor="key:test", now=case.now)
        assert not appended.refusals
        if number == 20:
            case.attaching.detach("acme", "a1", at=jan(8), actor="test")
        if number == 30:
            case.attaching.attach("acme", "a1", "machine", Decimal(1), at=jan(12), actor="test")
        seen.append(case.rows("SELECT max(recorded_at) FROM cyclebook_events")[0][0])
    return seen


def random_record(chance: random.Random, identity: str) -> UsageRecord:
    meter, _ = chance.choice((*METERS, *OPENED))
    return record(
        identity,
        meter=meter,
        attachment=chance.choice(["", "a1"]),
        value=str(chance.randint(0, 40) / 4),
        occurred_at=jan(1) + timedelta(hours=chance.randint(0, 19 * 24)),
        properties=chance.choice([{}, {"region": "fra"}, {"region": "ams"}]),
    )


@pytest.mark.parametrize("seed", range(4))
def test_with_checkpoints_the_past_is_what_it_was_without(
    case: Wired, replays: Replays, seed: int
) -> None:
    seen = random_history(case, seed)
    assert checkpointed(case) >= 4
    asked = [(None, None), (jan(9), None), (jan(1), None), (jan(19), None)]
    asked += [(None, known) for known in seen[::9]] + [(jan(10), known) for known in seen[5::11]]
    for as_of, known_at in asked:
        history = case.books.history(CYCLE, known_at)
        cycle, tallies, version = replay(history, case.catalog.current(), as_of)
        found = replays.cycle(CYCLE, as_of=as_of, known_at=known_at)
        plain = CycleState(cycle=cycle, tallies=tallies, version=version)
        assert told(found.state) == told(plain)
        assert found.state.cycle == cycle
        assert (found.state.version, found.position) == (version, history[-1].position)


def test_what_is_known_live_is_what_the_log_says(case: Wired, replays: Replays) -> None:
    random_history(case, 7)
    checkpointed(case)
    live = case.books.snapshot("acme").cycles[0]
    logged = replays.cycle(CYCLE).state
    assert sums(live) == sums(logged)
    assert sums(live)


def sums(state: CycleState) -> dict[TallyKey, tuple[int, Decimal]]:
    """Records and quantities, except of what is measured over time."""
    return {
        key: (tally.records, tally.quantity)
        for key, tally in state.tallies.items()
        if key.meter != "disk"
    }


def test_checkpoints_are_taken_instead_of_their_events(case: Wired, replays: Replays) -> None:
    for number in range(25):
        case.usage_log.append([record(f"k{number}")], actor="key:test", now=case.now)
    assert checkpointed(case) == 2
    usage = [each for each in case.books.history(CYCLE) if isinstance(each.event, UsageRecorded)]
    with PostgresCycleRecords(case.database).opened(CYCLE) as opened:
        read = list(opened.usage.read(lambda stretch: True))
    assert len(usage) == 25
    assert len(read) == 2 + (opened.version - 20)
    assert sum(stretch.tallies[0].records for stretch in read) == 25


def test_making_them_twice_at_once_makes_them_once(case: Wired) -> None:
    for number in range(25):
        case.usage_log.append([record(f"k{number}")], actor="key:test", now=case.now)
    first, second = (Checkpoints(case.database, case.catalog, each=10) for _ in range(2))
    assert (first.make(), second.make()) == (1, 1)
    assert checkpointed(case) == 2


def test_a_body_whose_header_is_long_is_read_whole(case: Wired, replays: Replays) -> None:
    case.publishing.define_meter(
        "wide", {"aggregation": "sum", "dimensions": ["region"]}, actor="test", at=jan(1)
    )
    records = [
        record(f"k{number}", meter="wide", attachment="", properties={"region": f"r{number}"})
        for number in range(300)
    ]
    case.usage_log.append(records, actor='has ,"records":[ in it', now=case.now)
    tallies = replays.cycle(CYCLE, as_of=jan(6)).state.tallies
    assert (len(tallies), sum(tally.records for tally in tallies.values())) == (300, 300)


def test_what_nobody_knew_is_not_found(case: Wired, replays: Replays) -> None:
    with pytest.raises(NotFound):
        replays.cycle(CYCLE, known_at=jan(1).replace(year=2020))
    with pytest.raises(NotFound):
        replays.cycle("nobody.2026-01-01")
    with pytest.raises(InvalidInput):
        replays.cycle(CYCLE, known_at=jan(1).replace(year=2126))
