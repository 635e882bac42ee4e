"""Events of the catalog: meters, services and prices, all as immutable versions."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogEvent:
    """Base of the catalog's events. at: when it takes effect, aware UTC."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterDefined(CatalogEvent):
    """A new version of a meter, in force for cycles opened after it.

    dimensions: the properties whose values are tallied apart. filter: property -> the values
    that are counted. carry_over: the last value holds on into the next cycle.
    """

    meter: str
    version: int
    aggregation: str
    unit: str
    dimensions: tuple[str, ...]
    filter: dict[str, tuple[str, ...]] = field(default_factory=dict)
    carry_over: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceDefined(CatalogEvent):
    """What a customer can attach. prices: ids, or refs that pin a version (``cpu@2``)."""

    service: str
    name: str
    prices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PricePublished(CatalogEvent):
    """A new version of a price; ``terms`` is its JSON form as published."""

    price: str
    version: int
    terms: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRetired(CatalogEvent):
    """A price is not for new attachments any more; running ones keep it."""

    price: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceOverridden(CatalogEvent):
    """One organization gets a price at its own terms, at attachments from ``at`` on."""

    price: str
    organization: str
    version: int
    terms: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceOverrideEnded(CatalogEvent):
    """An organization gets a price as everybody does, at attachments from ``at`` on."""

    price: str
    organization: str
