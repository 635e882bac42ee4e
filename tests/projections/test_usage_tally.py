"""What usage adds up to: by headers where they will do, and always as record by record."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attachment import Attachment, Run
from domain.attribution import Attribution
from domain.catalog import Meter
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from domain.price import Price, parse_price
from domain.tally import Tallies, Tally, TallyKey, dimension_values
from projections.usage_tally import Stretch, UsageEvents, fold_usage

START = datetime(2026, 1, 1, tzinfo=UTC)
AGGREGATIONS = ("sum", "count", "max", "latest", "unique", "time_weighted")
METERS = {
    name: Meter(
        id=name, version=1, aggregation=name, unit="u", dimensions=("region",), recorded_at=START
    )
    for name in AGGREGATIONS
}


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
    **{f"{name}@1": price(f"{name}@1", name, "attachment") for name in AGGREGATIONS},
    **{f"{name}@2": price(f"{name}@2", name, "organization") for name in AGGREGATIONS},
}


def run(since: int, until: int | None, version: int) -> Run:
    return Run(
        service="s",
        name="S",
        prices=tuple(f"{name}@{version}" for name in AGGREGATIONS),
        since=START + timedelta(hours=since),
        until=None if until is None else START + timedelta(hours=until),
    )


ATTRIBUTION = Attribution(
    [
        Attachment(id="a1", runs=[run(0, 8, 1), run(12, None, 1)]),
        Attachment(id="a2", runs=[run(5, 20, 2)]),
    ],
    BOOK,
)


def packed(records: Iterable[PackedRecord]) -> UsageRecorded:
    """An event as the usage path makes it."""
    records = tuple(records)
    parts: dict[tuple[str, str, str], list[PackedRecord]] = {}
    for record in records:
        key = record.meter, record.attachment, record.properties.get("region", "")
        parts.setdefault(key, []).append(record)
    tallies = []
    for (meter, attachment, region), inside in parts.items():
        tally = Tally()
        for record in inside:
            tally.add(METERS[meter].aggregation, record.value, record.at)
        instants = [record.at for record in inside]
        dimensions = {"region": region}
        quantity = str(tally.quantity)
        tallies.append(
            HeaderTally(
                meter, attachment, dimensions, len(inside), quantity, min(instants), max(instants)
            )
        )
    instants = [record.at for record in records]
    return UsageRecorded(
        lo=min(instants), hi=max(instants), tallies=tuple(tallies), records=records
    )


def one_by_one(events: Iterable[UsageRecorded], until: int | None = None) -> Tallies:
    """The plain fold that every other has to equal."""
    tallies: Tallies = {}
    for record in (each for event in events for each in event.records):
        if until is not None and record.at > until:
            continue
        meter = METERS[record.meter]
        rated = ATTRIBUTION.resolve(record.meter, record.attachment, record.at)
        dimensions = dimension_values(record.properties, meter.dimensions)
        tally = tallies.setdefault(TallyKey(record.meter, *rated, dimensions), Tally())
        tally.add(meter.aggregation, record.value, record.at)
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
        )
        for key, tally in tallies.items()
    }


some_records = st.builds(
    PackedRecord,
    source=st.just("s"),
    id=st.just("i"),
    meter=st.sampled_from(AGGREGATIONS),
    attachment=st.sampled_from(["", "a1", "a2", "unknown"]),
    value=st.decimals(-5, 5, places=2).map(str),
    at=st.integers(0, 24).map(hour),
    properties=st.sampled_from([{}, {"region": "fra"}, {"region": "ams", "size": "xl"}]),
)
histories = st.lists(st.lists(some_records, min_size=1, max_size=6).map(packed), max_size=8)


@given(histories, st.one_of(st.none(), st.integers(-1, 25).map(hour)))
def test_headers_and_records_give_the_same_tallies(
    events: list[UsageRecorded], until: int | None
) -> None:
    folded = fold_usage(UsageEvents(events), ATTRIBUTION, METERS.get, until)
    assert told(folded) == told(one_by_one(events, until))


class Watched:
    """A reader that counts what it has to open."""

    def __init__(self, *events: UsageRecorded) -> None:
        self._usage = UsageEvents(events)
        self.opened = 0

    def read(self, whole: Callable[[Stretch], bool]) -> Iterator[Stretch]:
        for stretch in self._usage.read(whole):
            self.opened += stretch.records is not None
            yield stretch


def used(meter: str, *hours: int, attachment: str = "a1") -> UsageRecorded:
    return packed(PackedRecord("s", "i", meter, attachment, "1", hour(at), {}) for at in hours)


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
    ],
)
def test_records_are_opened_only_where_they_decide(
    event: UsageRecorded, until: int | None, opened: int
) -> None:
    reader = Watched(event)
    fold_usage(reader, ATTRIBUTION, METERS.get, None if until is None else hour(until))
    assert reader.opened == opened
