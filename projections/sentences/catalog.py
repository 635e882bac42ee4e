"""Sentences about the catalog: meters, services and prices."""

from domain.events.catalog import (
    MeterDefined,
    PriceOverridden,
    PriceOverrideEnded,
    PricePublished,
    PriceRetired,
    ServiceDefined,
)
from projections.sentences.wording import Context, Sentences


def _meter(event: MeterDefined, context: Context) -> str:
    apart = f", kept apart by {', '.join(event.dimensions)}" if event.dimensions else ""
    only = "".join(
        f", only where {name} is {' or '.join(values)}"
        for name, values in sorted(event.filter.items())
    )
    holds = ", the last value holds on into the next cycle" if event.carry_over else ""
    return (
        f"Meter {event.meter} version {event.version} defined: "
        f"{event.aggregation} in {event.unit}{apart}{only}{holds}"
    )


def _service(event: ServiceDefined, context: Context) -> str:
    prices = ", ".join(event.prices) or "no price"
    return f"Service {event.service} ({event.name}) defined with {prices}"


def _overridden(event: PriceOverridden, context: Context) -> str:
    ref = f"{event.price}@{event.version}.{event.organization}"
    return f"Organization {event.organization} gets price {event.price} at its own terms, {ref}"


def _override_ended(event: PriceOverrideEnded, context: Context) -> str:
    return f"Organization {event.organization} gets price {event.price} as everybody does again"


SENTENCES: Sentences = {
    MeterDefined: _meter,
    ServiceDefined: _service,
    PricePublished: lambda event, _: f"Price {event.price}@{event.version} published",
    PriceRetired: lambda event, _: (
        f"Price {event.price} retired: what is attached keeps it, nothing new gets it"
    ),
    PriceOverridden: _overridden,
    PriceOverrideEnded: _override_ended,
}
