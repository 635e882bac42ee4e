"""What usage adds up to: by headers where they will do, and always as record by record."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attachment import Attachment, Run
from domain.attribution import FILTERED, UNPRICED, Attribution
from domain.catalog import Meter
from domain.correction import Correction, Corrections
from domain.events.base import Recorded
from domain.events.usage import PackedRecord, UsageRecorded, micros
from domain.price import Price, parse_price
from domain.tally import Each, Tallies, Tally, TallyKey, dimension_values
from projections.usage_tally import Stretch, UsageFold, UsageHistory, fold_usage
from tests.packing import event_of

START = datetime(2026, 1, 1, tzinfo=UTC)
AGGREGATIONS = ("sum", "count", "max", "latest", "unique", "time_weighted")


def meter(name: str, aggregation: str, **more: tuple[str, ...]) -> Meter:
    return Meter(
        id=name,
        version=1,
        aggregation=aggregation,
        unit="u",
        dimensions=("region",),
        recorded_at=START,
        filter=more,
    )


METERS = {
    **{name: meter(name, name) for name in AGGREGATIONS},
    "fee": meter("fee", "sum"),
    "filtered": meter("filtered", "latest", region=("ams", "lon")),
}
"""fee: priced record by record where it is priced by attachment."""

EACH = frozenset({"fee@1"})


def hour(hours: int) -> int:
    return micros(START + timedelta(hours=hours))


def price(ref: str, meter: str, scope: str) -> Price:
    name, _, version = ref.partition("@")
    terms = {
        "price": name,
        "currency": "usd",
        "kind": "metered",
        "meter": meter,
        "model": "per_unit",
        "unit_amount": "1",
        "scope": scope,
    }
    return parse_price(terms, int(version), None)


BOOK = {
    **{f"{name}@1": price(f"{name}@1", name, "attachment") for name in METERS},
    **{f"{name}@2": price(f"{name}@2", name, "organization") for name in METERS},
}


def run(since: int, until: int | None, version: int) -> Run:
    return Run(
        service="s",
        name="S",
        prices=tuple(f"{name}@{version}" for name in METERS),
        since=START + timedelta(hours=since),
        until=None if until is None else START + timedelta(hours=until),
    )


ATTRIBUTION = Attribution(
    [
        Attachment(id="a1", runs=[run(0, 8, 1), run(12, None, 1)]),
        Attachment(id="a2", runs=[run(5, 20, 2)]),
    ],
    BOOK,
    "usd",
)


def packed(records: Iterable[PackedRecord]) -> UsageRecorded:
    """An event as the usage path makes it."""
    return event_of(records, METERS.get)


def logged(events: Iterable[object]) -> UsageHistory:
    """Events as the log holds them, after the one that opened the cycle."""
    return UsageHistory(
        [
            Recorded(
                stream=UUID(int=0),
                version=version,
                position=version,
                recorded_at=START,
                occurred_at=START,
                actor="test",
                event=event,
            )
            for version, event in enumerate(events, start=2)
        ]
    )


def folded(
    events: Iterable[object],
    until: int | None = None,
    corrections: Corrections | None = None,
    upto: int | None = None,
) -> Tallies:
    fold = UsageFold(ATTRIBUTION, METERS.get, until, corrections, EACH)
    return fold_usage(logged(events), fold, upto)


def one_by_one(records: Iterable[PackedRecord], until: int | None = None) -> Tallies:
    """The plain fold that every other has to equal."""
    tallies: Tallies = {}
    for record in records:
        if until is not None and record.at > until:
            continue
        meter = METERS[record.meter]
        named = meter.named(record.attachment, record.properties)
        rated = ATTRIBUTION.resolve(record.meter, named, record.at)
        dimensions = dimension_values(record.properties, meter.dimensions)
        tally = tallies.setdefault(TallyKey(record.meter, *rated, dimensions), Tally())
        removed = record.properties.get("operation") == "remove"
        tally.add(meter.aggregation, record.value, record.at, removed=removed)
        if rated[1] in EACH:
            tally.each.append(Each(record.at, record.source, record.id, Decimal(record.value)))
    return tallies


def told(tallies: Tallies) -> dict[TallyKey, tuple[object, ...]]:
    """What a tally says to others; ``latest_at`` counts for ``latest`` only."""
    return {
        key: (
            tally.records,
            tally.quantity,
            tally.latest_at if key.meter == "latest" else 0,
            tally.values,
            tally.points,
            sorted(tally.each),
        )
        for key, tally in tallies.items()
    }


PROPERTIES: tuple[dict[str, str], ...] = (
    {},
    {"region": "fra"},
    {"region": "ams", "size": "xl"},
    {"region": "ams", "operation": "remove"},
)
instants = st.integers(0, 24).map(hour)
some_records = st.builds(
    PackedRecord,
    source=st.just("s"),
    id=st.integers(0, 999).map(str),
    meter=st.sampled_from(list(METERS)),
    attachment=st.sampled_from(["", "a1", "a2", "unknown"]),
    value=st.decimals(-5, 5, places=2).map(str),
    at=instants,
    properties=st.sampled_from(PROPERTIES),
)
different_records = st.lists(some_records, max_size=20, unique_by=(lambda r: r.at, lambda r: r.id))
"""No two at one instant: there the log's order decides."""

batches = st.lists(st.lists(some_records, min_size=1, max_size=6), max_size=8)


def events_of(batches: Iterable[list[PackedRecord]]) -> list[UsageRecorded]:
    return [packed(batch) for batch in batches]


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


def used(meter: str, *hours: int, attachment: str = "a1") -> UsageRecorded:
    return packed(PackedRecord("s", str(at), meter, attachment, "1", hour(at), {}) for at in hours)


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
