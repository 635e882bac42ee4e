"""What usage adds up to: by headers where they will do, and always as record by record."""

from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attribution import FILTERED, UNPRICED
from domain.correction import Correction, Corrections
from domain.events.usage import PackedRecord, UsageRecorded
from domain.tally import Tallies, Tally
from projections.usage_tally import Stretch, UsageFold, fold_usage
from tests.projections.usage_packed import (
    ATTRIBUTION,
    EACH,
    METERS,
    PROPERTIES,
    batches,
    events_of,
    folded,
    hour,
    instants,
    logged,
    one_by_one,
    packed,
    some_records,
    told,
    used,
)

different_records = st.lists(some_records, max_size=20, unique_by=(lambda r: r.at, lambda r: r.id))
"""No two at one instant: there the log's order decides."""


@given(batches, st.one_of(st.none(), st.integers(-1, 25).map(hour)))
def test_headers_and_records_give_the_same_tallies(
    sent: list[list[PackedRecord]], until: int | None
) -> None:
    plain = one_by_one(chain.from_iterable(sent), until)
    assert told(folded(events_of(sent), until)) == told(plain)


@given(different_records, st.randoms(use_true_random=False))
def test_any_packing_in_any_order_gives_the_same_tallies(
    records: list[PackedRecord], chance: Random
) -> None:
    plain = one_by_one(records)
    assert told(folded([packed([record]) for record in records])) == told(plain)
    shuffled = chance.sample(records, len(records))
    cuts = sorted(chance.sample(range(1, len(records) + 1), chance.randint(0, len(records))))
    parts = [shuffled[lo:hi] for lo, hi in pairwise([0, *cuts, len(records)]) if lo < hi]
    assert told(folded(events_of(parts))) == told(plain)


@given(batches)
def test_tallies_of_each_event_merged_are_the_tallies_of_all(
    sent: list[list[PackedRecord]],
) -> None:
    events = events_of(sent)
    merged: Tallies = {}
    for event in events:
        for key, tally in folded([event]).items():
            merged.setdefault(key, Tally()).merge(METERS[key.meter].aggregation, tally)
    assert told(merged) == told(folded(events))


@given(
    different_records,
    st.dictionaries(
        st.integers(0, 19),
        st.one_of(
            st.none(),
            st.tuples(
                st.decimals(-5, 5, places=2).map(str),
                st.sampled_from(["", "a1", "a2"]),
                instants,
                st.sampled_from(PROPERTIES),
            ),
        ),
    ),
    st.integers(1, 6),
    st.one_of(st.none(), st.integers(-1, 25).map(hour)),
)
def test_corrected_records_count_as_if_the_right_ones_had_been_sent(
    sent: list[PackedRecord],
    fixes: dict[int, tuple[str, str, int, dict[str, str]] | None],
    size: int,
    until: int | None,
) -> None:
    right = list[PackedRecord | None](sent)
    for index, fix in fixes.items():
        if index < len(sent) and fix is None:
            right[index] = None
        elif index < len(sent) and fix is not None:
            value, attachment, at, properties = fix
            right[index] = sent[index]._replace(
                value=value, attachment=attachment, at=at, properties=properties
            )
    corrections = {
        (record.source, record.id): Correction(record=record, becomes=becomes)
        for record, becomes in zip(sent, right, strict=True)
        if becomes != record
    }
    events = events_of(sent[lo : lo + size] for lo in range(0, len(sent), size))
    plain = one_by_one((each for each in right if each is not None), until)
    assert told(folded(events, until, corrections)) == told(plain)


@given(batches)
def test_what_a_filter_leaves_out_counts_as_if_it_had_not_been_sent(
    sent: list[list[PackedRecord]],
) -> None:
    found = folded(events_of(sent))
    counted = [
        [each for each in batch if METERS[each.meter].counts(each.properties)] for batch in sent
    ]
    inside = folded(events_of(batch for batch in counted if batch))
    outside = {key: tally for key, tally in found.items() if key.attachment == FILTERED}
    assert told(found) == told({**inside, **outside})
    assert sum(tally.records for tally in outside.values()) == sum(map(len, sent)) - sum(
        map(len, counted)
    )
    assert all(key.price == UNPRICED for key in outside)


@given(batches, st.integers(0, 9))
def test_only_events_up_to_a_version_count(sent: list[list[PackedRecord]], upto: int) -> None:
    events = events_of(sent)
    assert told(folded(events, upto=upto)) == told(folded(events[: max(upto - 1, 0)]))


class Watched:
    """A reader that counts what it has to open."""

    def __init__(self, *events: UsageRecorded) -> None:
        self._usage = logged(events)
        self.opened = 0

    def read(self, whole: Callable[[Stretch], bool], upto: int | None = None) -> Iterator[Stretch]:
        for stretch in self._usage.read(whole, upto):
            self.opened += stretch.records is not None
            yield stretch


def retracted(meter: str, at: int, attachment: str = "a1") -> Corrections:
    record = PackedRecord("s", str(at), meter, attachment, "1", hour(at), {})
    return {("s", str(at)): Correction(record=record, becomes=None)}


@pytest.mark.parametrize(
    ("event", "until", "opened"),
    [
        pytest.param(used("sum", 1, 2, 3), None, 0, id="no boundary inside"),
        pytest.param(used("sum", 1, 2, 3), 3, 0, id="all of it had happened"),
        pytest.param(used("sum", 4, 5, 6), 3, 0, id="none of it had happened"),
        pytest.param(used("sum", 1, 2, 3), 2, 1, id="part of it had happened"),
        pytest.param(used("sum", 7, 8), None, 1, id="the attachment ended in between"),
        pytest.param(used("sum", 7, 13), None, 1, id="it ended and began again in between"),
        pytest.param(used("sum", 7, 13, attachment="a2"), None, 0, id="not a boundary of this one"),
        pytest.param(used("unique", 1, 2), None, 1, id="distinct values are not in a header"),
        pytest.param(used("time_weighted", 1), None, 1, id="nor are points in time"),
        pytest.param(used("fee", 1, 2), None, 1, id="its price needs them one by one"),
        pytest.param(used("fee", 9, 10), None, 0, id="nothing prices them one by one then"),
        pytest.param(used("filtered", 1, 13), None, 0, id="the filter leaves all of it out"),
    ],
)
def test_records_are_opened_only_where_they_decide(
    event: UsageRecorded, until: int | None, opened: int
) -> None:
    reader = Watched(event)
    fold = UsageFold(ATTRIBUTION, METERS.get, None if until is None else hour(until), each=EACH)
    fold_usage(reader, fold)
    assert reader.opened == opened


@pytest.mark.parametrize(
    ("corrections", "opened"),
    [
        pytest.param(retracted("sum", 2), 1, id="it may hold the record"),
        pytest.param(retracted("sum", 5), 0, id="of another time"),
        pytest.param(retracted("count", 2), 0, id="of another meter"),
        pytest.param(retracted("sum", 2, attachment="a2"), 0, id="of another attachment"),
    ],
)
def test_only_what_may_hold_a_corrected_record_is_opened(
    corrections: Corrections, opened: int
) -> None:
    reader = Watched(used("sum", 1, 2, 3))
    fold_usage(reader, UsageFold(ATTRIBUTION, METERS.get, None, corrections))
    assert reader.opened == opened


@pytest.mark.parametrize(
    ("records", "distinct"),
    [
        pytest.param([("ann", 1, ""), ("ann", 2, ""), ("bob", 3, "")], 2, id="once each"),
        pytest.param([("ann", 1, ""), ("ann", 2, "remove")], 0, id="removed"),
        pytest.param([("ann", 2, "remove"), ("ann", 1, "")], 0, id="removed, told out of order"),
        pytest.param([("ann", 1, "remove"), ("ann", 2, "")], 1, id="removed and back"),
        pytest.param([("ann", 1, "add"), ("ann", 1, "remove")], 0, id="at once: the later told"),
        pytest.param([("ann", 1, "remove")], 0, id="never there"),
    ],
)
def test_a_unique_value_counts_until_it_is_removed(
    records: list[tuple[str, int, str]], distinct: int
) -> None:
    event = packed(
        PackedRecord("s", f"{number}", "unique", "a1", value, hour(at), {"operation": operation})
        for number, (value, at, operation) in enumerate(records)
    )
    (tally,) = folded([event]).values()
    assert (tally.quantity, tally.records) == (distinct, len(records))
