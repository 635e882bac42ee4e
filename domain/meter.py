"""A meter: what is counted, how it adds up, and which records it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.attribution import FILTERED
from domain.errors import InvalidInput
from domain.events.catalog import MeterDefined
from domain.pricing.fields import Fields, identifier
from domain.text import one_line

AGGREGATIONS = ("sum", "count", "max", "latest", "unique", "time_weighted")
TEXT_MAX = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Meter:
    """What is counted and how it adds up. recorded_at: when this version was defined.

    filter: property -> the values that are counted; a record counts if it has one of them for
    every property. carry_over: the last value holds on into the next cycle.
    """

    id: str
    version: int
    aggregation: str
    unit: str
    dimensions: tuple[str, ...]
    recorded_at: datetime
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    carry_over: bool = False

    def counts(self, properties: Mapping[str, str]) -> bool:
        """Whether a record with these properties is counted."""
        return all(properties.get(name) in values for name, values in self.filter.items())

    def named(self, attachment: str, properties: Mapping[str, str]) -> str:
        """The attachment that a record is kept under until something rates it.

        attachment: the one it names, or empty.
        """
        return attachment if not self.filter or self.counts(properties) else FILTERED


def meter_from(event: MeterDefined, recorded_at: datetime) -> Meter:
    """A version of a meter as its event defines it."""
    return Meter(
        id=event.meter,
        version=event.version,
        aggregation=event.aggregation,
        unit=event.unit,
        dimensions=event.dimensions,
        recorded_at=recorded_at,
        filter=event.filter,
        carry_over=event.carry_over,
    )


def parse_meter(
    meter: str, values: Mapping[str, object], version: int, at: datetime
) -> MeterDefined:
    """Read a meter's definition from its JSON form.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
    """
    fields = Fields(values)
    defined = MeterDefined(
        at=at,
        meter=identifier(meter, "meter"),
        version=version,
        aggregation=fields.choice("aggregation", *AGGREGATIONS),
        unit=fields.text("unit", "unit", longest=64),
        dimensions=tuple(sorted(fields.names("dimensions"))),
        filter=_filter(fields.get("filter")),
        carry_over=fields.flag("carry_over", default=False),
    )
    fields.done()
    if len(set(defined.dimensions)) < len(defined.dimensions):
        raise InvalidInput("a dimension is named twice", field="dimensions")
    if defined.carry_over and defined.aggregation != "time_weighted":
        raise InvalidInput(
            "carry_over belongs to meters that add up by time_weighted", field="carry_over"
        )
    return defined


def _filter(value: object) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(
            "filter must be an object of properties and their values", field="filter"
        )
    return {_text(name, "filter"): _values(value[name], name) for name in sorted(value)}


def _values(values: object, name: str) -> tuple[str, ...]:
    field = f"filter.{name}"
    if not isinstance(values, list | tuple) or not values:
        raise InvalidInput(f"{field} must be a list of the values that are counted", field=field)
    return tuple(sorted({_text(each, field) for each in values}))


def _text(value: object, field: str) -> str:
    """As it was sent: properties of records are compared with it."""
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX or not one_line(value):
        raise InvalidInput(f"{field} must hold texts of 1 to {TEXT_MAX} characters", field=field)
    return value
