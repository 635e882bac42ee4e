"""Usage records packed into events, and what they come to one by one."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from domain.attachment import Attachment, Run
from domain.attribution import Attribution
from domain.catalog import Meter
from domain.correction import Corrections
from domain.events.base import Recorded
from domain.events.usage import PackedRecord, UsageRecorded, micros
from domain.price import Price, parse_price
from domain.tally import Each, Tallies, Tally, TallyKey, dimension_values
from projections.usage_tally import UsageFold, UsageHistory, fold_usage
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

batches = st.lists(st.lists(some_records, min_size=1, max_size=6), max_size=8)


def events_of(batches: Iterable[list[PackedRecord]]) -> list[UsageRecorded]:
    return [packed(batch) for batch in batches]


def used(meter: str, *hours: int, attachment: str = "a1") -> UsageRecorded:
    return packed(PackedRecord("s", str(at), meter, attachment, "1", hour(at), {}) for at in hours)
