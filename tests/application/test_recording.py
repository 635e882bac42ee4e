"""Recording usage, and what waits in quarantine."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from application.quarantine import Quarantine, QuarantineEntry
from domain.errors import InvalidInput, NotFound
from domain.usage import UsageRecord
from tests.january import JANUARY, day
from tests.world import ACTOR, World, world


def used() -> World:
    made = world(day(10))
    made.attach("a1", "machine", JANUARY)
    return made


def test_a_record_counts_once_and_its_twin_with_other_content_never() -> None:
    made = used()
    record = made.usage("12", day(5))
    outcomes = [
        made.record([each]).refusals for each in (record, record, replace(record, value="13"))
    ]
    codes = [refusals[0].code if refusals else "accepted" for refusals in outcomes]
    assert codes == ["accepted", "duplicate", "conflict"]
    assert made.lines()["usage/a1/cpu@1"] == 56


def test_a_record_from_the_future_is_rejected_and_the_others_are_taken() -> None:
    made = used()
    five = timedelta(minutes=5)
    instants = [day(5), made.now + five, made.now + five + timedelta(microseconds=1), day(6)]
    records = [made.usage("1", at) for at in instants]
    done = made.record([*records, records[0]])
    found = {index: refusal.code for index, refusal in done.refusals.items()}
    assert found == {2: "in_the_future", 4: "duplicate"}
    made.later(minutes=1)
    assert made.record([records[2]]).refusals == {}, "it may be sent again in its time"


def test_a_batch_from_the_future_reaches_no_log() -> None:
    made = used()
    done = made.record([made.usage("1", day(20)), made.usage("1", day(21))])
    assert (sorted(done.refusals), done.position) == ([0, 1], 0)


class Shelf:
    """The ``QuarantineStore`` port in memory."""

    def __init__(self, records: Sequence[UsageRecord]) -> None:
        self.entries = {
            number: QuarantineEntry(
                id=number,
                record=record,
                code="no_cycle",
                detail="it has no place",
                actor=ACTOR,
                received_at=JANUARY,
                status="open",
                resolved_at=None,
                resolution=None,
                resolved_by=None,
            )
            for number, record in enumerate(records, start=1)
        }

    def list(self, status: str, after: int, limit: int) -> Sequence[QuarantineEntry]:
        found = [e for e in self.entries.values() if e.status == status and e.id > after]
        return found[:limit]

    def take(self, ids: Sequence[int]) -> Sequence[QuarantineEntry]:
        return [e for e in self.entries.values() if e.status == "open" and e.id in ids]

    def resolve(self, ids: Sequence[int], status: str, resolution: str, actor: str) -> int:
        found = self.take(ids)
        for entry in found:
            self.entries[entry.id] = replace(entry, status=status, resolution=resolution)
        return len(found)


def waiting() -> tuple[World, Shelf, Quarantine]:
    """Three records for beta, which is not registered yet."""
    made = used()
    records = [made.usage("1", day(n), organization="beta", attachment="") for n in (5, 6, 7)]
    assert sorted(made.record(records).refusals) == [0, 1, 2]
    shelf = Shelf(records)
    return made, shelf, Quarantine(shelf, made.recording)


def test_what_is_still_not_placed_goes_on_waiting() -> None:
    made, shelf, quarantine = waiting()
    report = quarantine.replay(None, "try", actor=ACTOR, now=made.now)
    assert (report.replayed, report.still_quarantined, report.refused) == (0, 3, 0)
    assert len(shelf.list("open", 0, 10)) == 3


def test_once_the_cause_is_mended_a_replay_records_them_once() -> None:
    made, shelf, quarantine = waiting()
    made.register("beta")
    report = quarantine.replay([1, 2], "registered", actor=ACTOR, now=made.now)
    assert (report.replayed, report.position) == (2, len(made.store.events))
    assert quarantine.replay(None, "again", actor=ACTOR, now=made.now).replayed == 1
    assert quarantine.replay(None, "again", actor=ACTOR, now=made.now).replayed == 0
    assert [entry.status for entry in shelf.entries.values()] == ["replayed"] * 3
    assert made.store.snapshot("beta").cycles[0].version == 3


def test_what_was_recorded_meanwhile_counts_as_replayed_and_a_clash_as_refused() -> None:
    made, shelf, quarantine = waiting()
    made.register("beta")
    records = [entry.record for entry in shelf.entries.values()]
    made.record([records[0], replace(records[1], value="9")])
    report = quarantine.replay([1, 2], "registered", actor=ACTOR, now=made.now)
    assert (report.replayed, report.still_quarantined, report.refused) == (1, 0, 1)
    assert [entry.status for entry in shelf.entries.values()] == ["replayed", "dismissed", "open"]


def test_a_person_gives_up_with_a_reason() -> None:
    _, shelf, quarantine = waiting()
    assert quarantine.dismiss([1, 3], "sent by mistake", actor="ada") == 2
    assert shelf.entries[3].resolution == "sent by mistake"
    with pytest.raises(NotFound):
        quarantine.dismiss([1], "again", actor="ada")
    with pytest.raises(InvalidInput):
        quarantine.dismiss([2], " ", actor="ada")


def test_the_list_comes_in_pages() -> None:
    _, _, quarantine = waiting()
    first = quarantine.list(limit=2)
    assert ([each.id for each in first.data], first.next_cursor) == ([1, 2], 2)
    rest = quarantine.list(after=2, limit=2)
    assert ([each.id for each in rest.data], rest.next_cursor) == ([3], None)
