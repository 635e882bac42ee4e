"""Usage events as the usage path makes them: records, and what they add up to."""

from collections.abc import Callable, Iterable, Iterator

from domain.catalog import Meter
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from domain.tally import Tally, dimension_values, removes
from domain.usage import UsageRecord


def packed(record: UsageRecord) -> PackedRecord:
    """A record as an event keeps it."""
    return PackedRecord(
        source=record.source,
        id=record.id,
        meter=record.meter,
        attachment=record.attachment,
        value=record.value,
        at=micros(record.occurred_at),
        properties=dict(record.properties),
    )


def event_of(
    records: Iterable[PackedRecord], meter_of: Callable[[str], Meter | None]
) -> UsageRecorded:
    """Some records of one append to one cycle, by the meters in force in it."""
    records = tuple(records)
    instants = [each.at for each in records]
    return UsageRecorded(
        lo=min(instants),
        hi=max(instants),
        tallies=tuple(_header(records, meter_of)),
        records=records,
    )


def _header(
    records: Iterable[PackedRecord], meter_of: Callable[[str], Meter | None]
) -> Iterator[HeaderTally]:
    """One for each meter, attachment and dimension values, as first met."""
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[PackedRecord]] = {}
    meters: dict[str, Meter] = {}
    for each in records:
        meter = meter_of(each.meter)
        assert meter is not None, f"{each.meter} is no meter"
        meters[each.meter] = meter
        named = meter.named(each.attachment, each.properties)
        dimensions = dimension_values(each.properties, meter.dimensions)
        groups.setdefault((each.meter, named, dimensions), []).append(each)
    for (name, named, found), group in groups.items():
        tally = Tally()
        for each in group:
            removed = removes(each.properties)
            tally.add(meters[name].aggregation, each.value, each.at, removed=removed)
        yield HeaderTally(
            meter=name,
            attachment=named,
            dimensions=dict(found),
            records=len(group),
            quantity=str(tally.quantity),
            lo=min(each.at for each in group),
            hi=max(each.at for each in group),
        )
