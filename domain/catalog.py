"""The catalog: meters, services and prices as immutable versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import InvalidInput, NotFound
from domain.events.base import Recorded
from domain.events.catalog import CatalogEvent, MeterDefined, PricePublished, ServiceDefined
from domain.period import written_utc
from domain.price import Price, parse_price
from domain.pricing.fields import Fields, identifier

AGGREGATIONS = ("sum", "count", "max", "latest", "unique", "time_weighted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Meter:
    """What is counted and how it adds up. recorded_at: when this version was defined."""

    id: str
    version: int
    aggregation: str
    unit: str
    dimensions: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What a customer can attach: a name and the prices it brings."""

    id: str
    name: str
    prices: tuple[str, ...]


@dataclass(kw_only=True)
class Catalog:
    """Every version of everything, as the events have made it.

    Decisions return events and change nothing; ``apply`` changes and refuses nothing.
    """

    version: int = 0
    meters: dict[str, list[Meter]] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    prices: dict[str, list[Price]] = field(default_factory=dict)
    book: dict[str, Price] = field(default_factory=dict)

    def define_meter(
        self, meter: str, values: Mapping[str, object], at: datetime
    ) -> list[CatalogEvent]:
        """A meter's first version, or a new one where something differs.

        Raises:
            InvalidInput: a field cannot be used; ``field`` names it.
        """
        fields = Fields(values)
        identifier(meter, "meter")
        aggregation = fields.choice("aggregation", *AGGREGATIONS)
        unit = fields.text("unit", "unit", longest=64)
        dimensions = tuple(sorted(fields.names("dimensions")))
        if len(set(dimensions)) < len(dimensions):
            raise InvalidInput("a dimension is named twice", field="dimensions")
        fields.neutral("filter")
        fields.neutral("carry_over", False)
        fields.done()
        known = self.meters.get(meter, [])
        same = (aggregation, unit, dimensions)
        if known and (known[-1].aggregation, known[-1].unit, known[-1].dimensions) == same:
            return []
        return [
            MeterDefined(
                at=at,
                meter=meter,
                version=len(known) + 1,
                aggregation=aggregation,
                unit=unit,
                dimensions=dimensions,
            )
        ]

    def define_service(
        self, service: str, values: Mapping[str, object], at: datetime
    ) -> list[CatalogEvent]:
        """A service, or a new set of prices for attachments to come.

        Raises:
            InvalidInput: a price is unknown, or two of them rate the same meter.
        """
        fields = Fields(values)
        identifier(service, "service")
        name = fields.text("name", service)
        prices = fields.names("prices")
        fields.done()
        resolved = [self._named(ref) for ref in prices]
        meters = [price.meter for price in resolved if price.meter]
        if len(set(meters)) < len(meters):
            raise InvalidInput("two prices of a service rate the same meter", field="prices")
        if len({price.id for price in resolved}) < len(resolved):
            raise InvalidInput("a price is named twice", field="prices")
        if self.services.get(service) == Service(id=service, name=name, prices=prices):
            return []
        return [ServiceDefined(at=at, service=service, name=name, prices=prices)]

    def publish_price(
        self, values: Mapping[str, object], at: datetime, effective_at: datetime | None
    ) -> list[CatalogEvent]:
        """A price's next version. Publishing the newest version's terms again does nothing.

        Raises:
            InvalidInput: it cannot be rated, names an unknown meter, is not of the kind and
                meter of the versions before it, or is a version out of order.
        """
        identity = identifier(values.get("price"), "price")
        known = self.prices.get(identity, [])
        version = len(known) + 1
        asked = values.get("version")
        terms = {key: value for key, value in values.items() if key not in _ENVELOPE}
        price = parse_price(terms, version, effective_at)
        self._check_meter(price)
        if known and parse_price(terms, known[-1].version, known[-1].effective_at) == known[-1]:
            return []
        if known and (price.kind, price.meter) != (known[-1].kind, known[-1].meter):
            # Services were checked to rate a meter once; a new version must not undo that.
            raise InvalidInput(f"{identity} has to keep its kind and meter", field="meter")
        if asked not in (None, version):
            raise InvalidInput(
                f"the next version of {identity} is {version}, not {asked}", field="version"
            )
        start = effective_at or (at if known else None)
        if start is not None:
            terms = {**terms, "effective_at": start.isoformat()}
        return [PricePublished(at=start or at, price=identity, version=version, terms=terms)]

    def versions_at(self, prices: Sequence[str], at: datetime) -> list[Price]:
        """The price versions an attachment made at an instant gets.

        Raises:
            NotFound: a price has no version in force then.
        """
        return [self._in_force(ref, at) for ref in prices]

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
                self.meters.setdefault(event.meter, []).append(
                    Meter(
                        id=event.meter,
                        version=event.version,
                        aggregation=event.aggregation,
                        unit=event.unit,
                        dimensions=event.dimensions,
                        recorded_at=recorded.recorded_at,
                    )
                )
            case ServiceDefined() as event:
                self.services[event.service] = Service(
                    id=event.service, name=event.name, prices=event.prices
                )
            case PricePublished() as event:
                price = parse_price(event.terms, event.version, effective_at(event.terms))
                self.prices.setdefault(event.price, []).append(price)
                self.book[price.ref] = price
            case event:
                raise TypeError(f"the catalog has no {type(event).__name__}")

    def _named(self, ref: str) -> Price:
        identity, _, version = ref.partition("@")
        versions = self.prices.get(identity)
        if not versions or (version and ref not in self.book):
            raise InvalidInput(f"there is no price {ref}", field="prices")
        return self.book[ref] if version else versions[-1]

    def _in_force(self, ref: str, at: datetime) -> Price:
        if ref in self.book:
            return self.book[ref]
        for price in reversed(self.prices.get(ref, [])):
            if price.effective_at is None or price.effective_at <= at:
                return price
        raise NotFound(f"no version of price {ref} is in force at {written_utc(at)}", field="at")

    def _check_meter(self, price: Price) -> None:
        if price.meter is None:
            return
        if price.meter not in self.meters:
            raise InvalidInput(f"there is no meter {price.meter}", field="meter")
        dimensions = self.meters[price.meter][-1].dimensions
        if missing := sorted(set(price.group_by) - set(dimensions)):
            raise InvalidInput(
                f"meter {price.meter} does not keep {missing[0]} apart; add it to its dimensions",
                field="group_by",
            )


_ENVELOPE = ("version", "effective_at")


def effective_at(terms: Mapping[str, object]) -> datetime | None:
    """From when published terms are in force."""
    text = terms.get("effective_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
