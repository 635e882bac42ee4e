"""A preview's request: a price and what it rates, as one attachment of one cycle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog, Meter
from domain.errors import InvalidInput
from domain.events.cycle import (
    AttachmentQuantityChanged,
    Coming,
    ServiceAttached,
    ServiceDetached,
)
from domain.events.usage import PackedRecord, micros
from domain.identity import cycle_name
from domain.period import Calendar, Period
from domain.price import Price
from domain.quantity import fits, quantity
from domain.tally import Each, Tallies, Tally, TallyKey
from projections.replay import usage_fold
from projections.usage_tally import Stretch

NAME = "preview"
"""The organization, the attachment and the source of a preview."""

ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRecord:
    """A usage record to be rated. at: by default where the attachment begins."""

    value: str
    at: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RatingRequest:
    """What is to be rated: a price, and what it rates.

    price, meter: in their JSON forms. Without a meter values are added up. quantity: of a
    metered price, what was measured; of another one, how many are attached. records: the single
    records instead. quantities: (from, quantity) of the attachment where that changes.
    full_period: what prorations count in, by default the period itself. attached_from,
    attached_until: by default the whole period and beyond.
    """

    price: Mapping[str, object]
    period: Period
    meter: Mapping[str, object] | None = None
    quantity: Decimal | None = None
    records: Sequence[SampleRecord] | None = None
    quantities: Sequence[tuple[datetime, Decimal]] = ()
    full_period: Period | None = None
    attached_from: datetime | None = None
    attached_until: datetime | None = None
    time_zone: str = "UTC"


def sample_cycle(request: RatingRequest, price: Price) -> BillingCycle:
    """A cycle with one attachment that has the price."""
    period, full = request.period, request.full_period or request.period
    day = Calendar(request.time_zone, 1).local_date(period.start)
    cycle = BillingCycle(
        id=cycle_name(NAME, day),
        organization=NAME,
        currency=price.currency,
        period=period,
        full_period=full,
        time_zone=request.time_zone,
        opened_at=period.start,
        continued=full.start < period.start,
    )
    since, until = _since(request), request.attached_until
    if since >= period.end or (until is not None and until <= since):
        return cycle
    for event in _attachment_events(request, price, since):
        cycle.apply(event)
    if until is not None and until <= period.end:
        cycle.apply(ServiceDetached(at=until, attachment=NAME))
    return cycle


def _since(request: RatingRequest) -> datetime:
    """Where the attachment begins within the period."""
    return max(request.attached_from or request.period.start, request.period.start)


def _attachment_events(
    request: RatingRequest, price: Price, since: datetime
) -> Iterator[ServiceAttached | AttachmentQuantityChanged]:
    count = ONE
    if price.kind != "metered" and request.quantity is not None:
        count = _checked(request.quantity, "quantity")
    changes = [
        (at, _checked(value, f"quantities[{number}].quantity"))
        for number, (at, value) in enumerate(request.quantities)
    ]
    changes.sort(key=lambda change: change[0])
    before = [value for at, value in changes if at <= since]
    yield ServiceAttached(
        at=since,
        attachment=NAME,
        service=NAME,
        name=price.name,
        quantity=before[-1] if before else count,
        prices=(price.ref,),
        carried=request.attached_from is not None and request.attached_from < since,
    )
    for at, value in changes:
        if since < at < request.period.end:
            yield AttachmentQuantityChanged(at=at, attachment=NAME, quantity=value)


def _checked(count: Decimal, field: str) -> Decimal:
    if count < 0 or not fits(count):
        raise InvalidInput(f"{field} must be zero or more", field=field)
    return count


def sample_tallies(
    request: RatingRequest, price: Price, cycle: BillingCycle, catalog: Catalog
) -> Tallies:
    """What was measured, folded as usage is."""
    if price.kind != "metered":
        if request.records is not None:
            raise InvalidInput("records belong to prices of kind metered", field="records")
        return {}
    meter = catalog.meters[price.meter or ""][-1]
    if request.records is None:
        return _measured(request, price, cycle, meter)
    if request.quantity is not None:
        raise InvalidInput("give quantity or records, not both", field="quantity")
    records = [_packed(request, meter, number) for number in range(len(request.records))]
    fold = usage_fold(cycle, catalog)
    fold.add(Stretch(0, 0, (), records))
    return fold.tallies


def _measured(request: RatingRequest, price: Price, cycle: BillingCycle, meter: Meter) -> Tallies:
    """A quantity as if one record had said it; one that nothing is attached for has no price."""
    if request.quantity is None:
        return {}
    if meter.aggregation == "time_weighted":
        raise InvalidInput(
            "what a time_weighted meter measures follows from its records: give records",
            field="quantity",
        )
    ref = price.ref if NAME in cycle.attachments else ""
    each = Each(micros(_since(request)), NAME, "0", request.quantity)
    tally = Tally(
        records=1,
        quantity=request.quantity,
        each=[each] if price.model.per_record else [],
    )
    return {TallyKey(meter.id, NAME, ref, ()): tally}


def _packed(request: RatingRequest, meter: Meter, number: int) -> PackedRecord:
    assert request.records is not None
    record, path = request.records[number], f"records[{number}]"
    if meter.aggregation != "unique":
        quantity(record.value, f"{path}.value")
    at = _since(request) if record.at is None else record.at
    if record.at is not None and at not in request.period:
        raise InvalidInput(f"{path}.at must lie within period", field=f"{path}.at")
    return PackedRecord(
        source=NAME,
        # As wide as the widest, so that records of one instant keep their order.
        id=f"{number:09d}",
        meter=meter.id,
        attachment=NAME,
        value=record.value,
        at=micros(at),
        properties=dict(record.properties),
    )


def coming_after(request: RatingRequest) -> Coming:
    """The period that follows: the rest of the full one, or the next full one."""
    period, full = request.period, request.full_period or request.period
    if period.end < full.end:
        return Coming(period.end, full.end, full.start, full.end)
    first = Calendar(request.time_zone, 1).local_date(full.start)
    calendar = Calendar(request.time_zone, first.day)
    months = calendar.full_period(full.start) == full
    following = (
        calendar.full_period(full.end)
        if months
        else Period(full.end, full.end + timedelta(microseconds=full.microseconds))
    )
    return Coming(following.start, following.end, following.start, following.end)
