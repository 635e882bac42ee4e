"""Whatever happens and in whatever order: both layers of the tallies equal the log's fold."""

import random
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres import retally, tallies
from adapters.postgres.checkpoints import Checkpoints
from adapters.postgres.folding import Layer
from adapters.postgres.heads import one
from domain.tally import Seen, Tallies
from projections.replay import replay_control, replay_late, replay_usage
from projections.usage_tally import UsageHistory
from tests.adapters.tally_history import INSTANTS, STEPS, History, meters, state, usage
from tests.books import Wired, cut_off, issue, jan, void, wired

many = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
chances = st.integers(0, 1 << 32).map(random.Random)


@pytest.fixture
def case(database_url: str) -> Iterator[Wired]:
    with wired(database_url) as wired_case:
        meters(wired_case)
        yield wired_case


def kept(case: Wired, cycle: str, layer: Layer) -> Tallies:
    """A layer of a cycle's tallies with their distinct values, by the tables."""
    with case.database.connection() as connection:
        head = one(connection, cycle.rpartition(".")[0], cycle)
        assert head is not None
        assert not (head.tallies_stale or head.late_stale)
        number = layer.number(head.cycle_no)
        found = tallies.read(connection, [number])[number]
        values = connection.execute(
            "SELECT tally, value, at, removed FROM usage_value WHERE cycle_no = %s", [number]
        ).fetchall()
    for name, value, *seen in values:
        found[tallies.decode_key(name)].values[value] = Seen(*seen)
    return found


def told(found: Tallies | None, *, by_tables: bool = False) -> object:
    """What tallies say, as far as their aggregation has it."""
    if found is None:
        return None
    return {
        key: (
            tally.records,
            tally.quantity if key.meter != "time_weighted" else 0,
            tally.latest_at if key.meter == "latest" else 0,
            tally.values,
            tally.points,
            () if by_tables else sorted(tally.each),
        )
        for key, tally in found.items()
    }


def same(case: Wired, organization: str) -> None:
    """The tables, the readers, the log with its checkpoints and without: all say the same."""
    for name in case.books.cycle_names(organization):
        history = case.books.history(name)
        cycle = replay_control(h for h in history if not hasattr(h.event, "records"))
        plain = cycle, UsageHistory(history), case.catalog.current()
        read = state(case, name)
        assert read.cycle == cycle
        for layer, expected, seen in (
            (Layer.BASE, replay_usage(*plain), read.tallies),
            (Layer.LATE, replay_late(*plain), read.late),
        ):
            assert told(kept(case, name, layer), by_tables=True) == told(
                expected or {}, by_tables=True
            )
            if expected is None:
                assert seen is None
                continue
            assert told(case.by_log(name, layer)) == told(expected)
            assert {key: sorted(each.each) for key, each in seen.items()} == {
                key: sorted(each.each) for key, each in expected.items()
            }


def play(case: Wired, chance: random.Random) -> History:
    """A history, its stale tallies mended."""
    history = History(case, chance)
    history.attach()
    job = retally.Retally(case.database, case.catalog)
    for _ in range(STEPS):
        history.step()
        if chance.random() < 0.1:
            job.run()
    while job.run():
        pass
    return history


@pytest.mark.parametrize("inline_max", [10_000, 40], ids=["inline", "by the job"])
def test_the_tables_equal_the_fold_of_the_log(
    case: Wired, monkeypatch: pytest.MonkeyPatch, inline_max: int
) -> None:
    monkeypatch.setattr(retally, "INLINE_RECORDS_MAX", inline_max)

    @many
    @given(chance=chances)
    def whatever_happens(chance: random.Random) -> None:
        same(case, play(case, chance).name)

    whatever_happens()


def test_checkpoints_across_a_cut_off_change_nothing(case: Wired) -> None:
    maker = Checkpoints(case.database, case.catalog, each=7)
    for seed in range(4):
        history = play(case, random.Random(seed))
        while maker.make():
            pass
        same(case, history.name)


def test_two_writers_and_a_closer_at_once(case: Wired) -> None:
    """Records are sent while their cycle is cut off, issued, taken back and corrected."""
    history = History(case, random.Random(1))
    history.attach()
    cycle, *_ = case.books.cycle_names(history.name)
    done, sent = threading.Event(), [0, 0]

    def write(writer: int) -> None:
        chance = random.Random(writer)
        while not done.is_set():
            batch = [usage(history.name, INSTANTS, chance) for _ in range(9)]
            answer = case.usage_log.append(batch, actor="test", now=case.now)
            assert not answer.refusals
            sent[writer] += len(batch)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        reached(case, cycle, 60)
        cut_off(case, history.name)
        for revision in range(3):
            reached(case, cycle, 120 + 60 * revision)
            issue(case, cycle)
            case.attaching.detach(history.name, "a1", at=jan(13 - revision), actor="test")
            reached(case, cycle, 150 + 60 * revision)
            void(case, cycle, "reissue")
    finally:
        done.set()
        for writer in writers:
            writer.join(30)
    recorded = [each for h in case.books.history(cycle) for each in getattr(h.event, "records", ())]
    assert len(recorded) == sum(sent)
    same(case, history.name)


def reached(case: Wired, cycle: str, records: int) -> None:
    """Wait until a cycle has this many usage records."""
    position = case.rows("SELECT coalesce(max(notification_id), 0) FROM cyclebook_events")[0][0]
    while case.rows(f"SELECT records FROM cycle_head WHERE cycle = '{cycle}'")[0][0] < records:
        position += 1
        assert case.books.wait_for(position, 30)
