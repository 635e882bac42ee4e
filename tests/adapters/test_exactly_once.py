"""Several processes send the same records, are killed, and send them again: each counts once."""

import multiprocessing
import os
import random
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.postgres import tallies
from domain.usage import UsageRecord
from tests.books import Wired, jan, january, record, wired

RECORDS = 1_500
SENDERS = 4


def to_send() -> list[UsageRecord]:
    """The same records in every process; every tenth names no attachment."""
    return [
        record(
            f"k{number}",
            value=str(number % 7),
            occurred_at=jan(2 + number % 18),
            attachment="" if number % 10 == 0 else "a1",
            meter="traffic" if number % 10 == 0 else "cpu",
        )
        for number in range(RECORDS)
    ]


def send(url: str, seed: int, folder: Path) -> None:
    """Send everything in an order of one's own, in batches of any size, with repetitions.

    What was acknowledged is noted in a file, which a kill cannot undo.
    """
    chance = random.Random(seed)
    with wired(url) as case, (folder / str(seed)).open("w") as acknowledged:
        records = to_send() * 2
        chance.shuffle(records)
        while records:
            size = chance.randint(1, 120)
            batch, records = records[:size], records[size:]
            case.usage_log.append(batch, actor=f"sender-{seed}", now=case.now)
            acknowledged.write("".join(f"{each.id}\n" for each in batch))
            acknowledged.flush()


def start(url: str, folder: Path) -> list[Any]:
    """Sender processes, each with connections of its own."""
    context = multiprocessing.get_context("spawn")
    senders = [context.Process(target=send, args=(url, seed, folder)) for seed in range(SENDERS)]
    for sender in senders:
        sender.start()
    return senders


def acknowledged(folder: Path) -> set[str]:
    """Ids on whole lines of the senders' files."""
    return {
        line
        for file in folder.iterdir()
        for line in file.read_text().rpartition("\n")[0].splitlines()
    }


def check(case: Wired, ids: set[str]) -> None:
    """The log, the keys and the tallies agree, and hold every id exactly once."""
    (cycle_no,) = case.rows("SELECT cycle_no FROM cycle_head")[0]
    history = case.books.history("acme.2026-01-01")
    recorded = [each.id for event in history for each in getattr(event.event, "records", ())]
    assert len(recorded) == len(set(recorded))
    assert set(recorded) == ids
    assert case.rows("SELECT count(*) FROM usage_dedup") == [(len(ids),)]
    versions = [event.version for event in history]
    assert versions == list(range(1, len(versions) + 1))
    with case.database.connection() as connection:
        inline = tallies.read(connection, [cycle_no])[cycle_no]
    from_log = case.by_log("acme.2026-01-01")
    assert {key: tally.quantity for key, tally in inline.items()} == {
        key: tally.quantity for key, tally in from_log.items()
    }
    sent = {each.id: each for each in to_send()}
    total = sum((Decimal(sent[each].value) for each in ids), Decimal(0))
    assert sum((tally.quantity for tally in inline.values()), Decimal(0)) == total


@pytest.fixture
def case(database_url: str) -> Any:
    with wired(database_url) as wired_case:
        january(wired_case)
        yield wired_case


def test_many_senders_of_the_same_records(case: Wired, database_url: str, tmp_path: Path) -> None:
    for sender in start(database_url, tmp_path):
        sender.join(60)
        assert sender.exitcode == 0
    assert acknowledged(tmp_path) == {each.id for each in to_send()}
    check(case, acknowledged(tmp_path))


def test_nothing_acknowledged_is_lost_when_senders_are_killed(
    case: Wired, database_url: str, tmp_path: Path
) -> None:
    senders = start(database_url, tmp_path)
    deadline = time.monotonic() + 30
    while len(acknowledged(tmp_path)) < RECORDS // 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    for sender in senders:
        os.kill(sender.pid, signal.SIGKILL)
        sender.join(10)
    history = case.books.history("acme.2026-01-01")
    stored = {each.id for event in history for each in getattr(event.event, "records", ())}
    assert acknowledged(tmp_path) <= stored
    check(case, stored)
    again = case.usage_log.append(to_send(), actor="again", now=case.now)
    assert sum(each.code == "duplicate" for each in again.refusals.values()) == len(stored)
    check(case, {each.id for each in to_send()})
