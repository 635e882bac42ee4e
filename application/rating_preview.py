"""Rating previews: what a price comes to, by the code that rates invoices; nothing need exist."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from application.live import meters_in_force
from application.rating_sample import (
    NAME,
    RatingRequest,
    SampleRecord,
    coming_after,
    sample_cycle,
    sample_tallies,
)
from domain.catalog import Catalog
from domain.errors import InvalidInput
from domain.events.base import Recorded
from domain.events.catalog import CatalogEvent, PricePublished
from domain.identity import catalog_stream
from domain.invoice import LineItem
from domain.period import Period
from domain.price import Price
from domain.rating import Surroundings, rate

__all__ = ["RatingPreview", "RatingRequest", "SampleRecord", "preview"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RatingPreview:
    """What it comes to. amount: minor units. unrounded: before lines were rounded, exact.

    unpriced: records that lie outside the time attached, or that the meter's filter leaves out.
    """

    amount: int
    unrounded: Fraction
    currency: str
    lines: tuple[LineItem, ...]
    unpriced: int


def preview(request: RatingRequest) -> RatingPreview:
    """Rate it as one attachment of a cycle that accrues. Nothing was billed before.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it with its path.
    """
    _check_periods(request)
    catalog, price = _catalog(request)
    cycle = sample_cycle(request, price)
    tallies = sample_tallies(request, price, cycle, catalog)
    rated = rate(
        cycle,
        tallies,
        catalog.book,
        meters_in_force(catalog, cycle),
        Surroundings(coming=coming_after(request)),
    )
    lines = rated.invoice.lines
    return RatingPreview(
        amount=rated.invoice.subtotal,
        unrounded=sum((line.unrounded for line in lines), Fraction(0)),
        currency=price.currency,
        lines=lines,
        unpriced=sum(tallies[key].records for key in rated.unpriced),
    )


def _check_periods(request: RatingRequest) -> None:
    full, start, until = request.full_period, request.attached_from, request.attached_until
    _check_order("period", request.period)
    if full is not None:
        _check_order("full_period", full)
        if not (full.start <= request.period.start and request.period.end <= full.end):
            raise InvalidInput("full_period must contain period", field="full_period")
    if start is not None and until is not None and until < start:
        raise InvalidInput(
            "attached_until must not lie before attached_from", field="attached_until"
        )


def _check_order(name: str, period: Period) -> None:
    if period.end <= period.start:
        raise InvalidInput(f"{name}.end must lie after {name}.start", field=f"{name}.end")


def _catalog(request: RatingRequest) -> tuple[Catalog, Price]:
    """A catalog of this one price, by the decisions that publish one."""
    catalog, at = Catalog(), request.period.start
    terms = dict(request.price)
    version = terms.pop("version", 1)
    meter = terms.get("meter")
    if terms.get("kind") == "metered" and isinstance(meter, str):
        with _within("meter"):
            _apply(catalog, catalog.define_meter(meter, _meter_values(request), at), at)
    elif request.meter is not None:
        raise InvalidInput("a meter belongs to prices of kind metered", field="meter")
    with _within("price"):
        published = catalog.publish_price(terms, at, None)
        events = [
            replace(each, version=version)
            for each in published
            if isinstance(each, PricePublished) and isinstance(version, int)
        ]
    _apply(catalog, events, at)
    return catalog, next(iter(catalog.book.values()))


def _meter_values(request: RatingRequest) -> Mapping[str, object]:
    """Without a meter, one that keeps apart what the price groups by."""
    if request.meter is not None:
        return request.meter
    return {"dimensions": request.price.get("group_by") or []}


def _apply(catalog: Catalog, events: Sequence[CatalogEvent], at: datetime) -> None:
    for event in events:
        catalog.apply(
            Recorded(
                stream=catalog_stream(),
                version=catalog.version + 1,
                position=catalog.version + 1,
                recorded_at=at,
                occurred_at=at,
                actor=NAME,
                event=event,
            )
        )


@contextmanager
def _within(part: str) -> Iterator[None]:
    """Refusals name their field by its path within the request."""
    try:
        yield
    except InvalidInput as refusal:
        name, said = refusal.context.get("field"), str(refusal)
        path = f"{part}.{name}" if name else part
        text = f"{part}.{said}" if name and said.startswith(name) else f"{path}: {said}"
        raise InvalidInput(text, field=path) from None
