"""The catalog: meters, services and prices as immutable versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.errors import InvalidInput
from domain.events.base import Recorded
from domain.events.catalog import CatalogEvent, MeterDefined, ServiceDefined
from domain.meter import AGGREGATIONS, Meter, meter_from, parse_meter
from domain.price_list import Override, PriceList, Service, effective_at, rated_twice
from domain.pricing.fields import Fields, identifier

__all__ = ["AGGREGATIONS", "Catalog", "Meter", "Override", "Service", "effective_at"]


@dataclass(kw_only=True)
class Catalog(PriceList):
    """Every version of everything, as the events have made it.

    Decisions return events and change nothing; ``apply`` changes and refuses nothing.
    """

    version: int = 0

    def define_meter(
        self, meter: str, values: Mapping[str, object], at: datetime
    ) -> list[CatalogEvent]:
        """A meter's first version, or a new one where something differs.

        Raises:
            InvalidInput: a field cannot be used, or a price needs what it would take away;
                ``field`` names it.
        """
        known = self.meters.get(meter, [])
        defined = parse_meter(meter, values, len(known) + 1, at)
        if known and _defines(known[-1]) == _defines(meter_from(defined, at)):
            return []
        self._check_still_fits(meter_from(defined, at))
        return [defined]

    def _check_still_fits(self, meter: Meter) -> None:
        """Refuse a version that leaves a price on offer nothing to rate, or to group by."""
        offered = (each[-1] for key, each in self.prices.items() if key not in self.retired)
        for price in offered:
            if price.meter != meter.id:
                continue
            if missing := sorted(set(price.group_by) - set(meter.dimensions)):
                raise InvalidInput(
                    f"price {price.ref} groups by {missing[0]}; publish a version without it first",
                    field="dimensions",
                )
            if price.model.per_record and meter.aggregation != "sum":
                raise InvalidInput(
                    f"price {price.ref} has terms for single records, which need a meter that "
                    "adds up by sum",
                    field="aggregation",
                )

    def define_service(
        self, service: str, values: Mapping[str, object], at: datetime
    ) -> list[CatalogEvent]:
        """A service, or a new set of prices for attachments to come.

        Raises:
            InvalidInput: a price is unknown, or two of them rate the same meter in the same
                currency.
        """
        fields = Fields(values)
        identifier(service, "service")
        name = fields.text("name", service)
        prices = fields.names("prices")
        fields.done()
        resolved = [self.named(ref) for ref in prices]
        if rated_twice(resolved):
            raise InvalidInput(
                "two prices of a service rate the same meter in the same currency", field="prices"
            )
        if len({price.id for price in resolved}) < len(resolved):
            raise InvalidInput("a price is named twice", field="prices")
        if self.services.get(service) == Service(id=service, name=name, prices=prices):
            return []
        return [ServiceDefined(at=at, service=service, name=name, prices=prices)]

    def meter_for(self, meter: str, opened_at: datetime) -> Meter | None:
        """The version in force for a cycle opened (recorded) then, or ``None`` if unknown.

        A meter first defined later counts from its first version on.
        """
        versions = self.meters.get(meter)
        if not versions:
            return None
        earlier = [version for version in versions if version.recorded_at <= opened_at]
        return earlier[-1] if earlier else versions[0]

    def apply(self, recorded: Recorded) -> None:
        """Take one event into account."""
        self.version = recorded.version
        match recorded.event:
            case MeterDefined() as event:
                versions = self.meters.setdefault(event.meter, [])
                versions.append(meter_from(event, recorded.recorded_at))
            case ServiceDefined() as event:
                self.services[event.service] = Service(
                    id=event.service, name=event.name, prices=event.prices
                )
            case CatalogEvent() as event:
                self.take_price_event(event)
            case event:
                raise TypeError(f"the catalog has no {type(event).__name__}")


def _defines(meter: Meter) -> tuple[object, ...]:
    return (meter.aggregation, meter.unit, meter.dimensions, meter.filter, meter.carry_over)
