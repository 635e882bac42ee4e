"""A catalog on a shelf: it takes what it decides, one event a day."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.catalog import Catalog
from domain.events.base import Recorded
from tests.january import JANUARY

CPU = {"aggregation": "sum", "unit": "second", "dimensions": ["region"]}
BASE = {"price": "base", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "100"}
RATE = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}


class Shelf:
    """A catalog that takes what it decides, one event a day."""

    def __init__(self) -> None:
        self.catalog = Catalog()

    def take(self, events: Any, at: datetime = JANUARY) -> list[Any]:
        for event in events:
            self.catalog.apply(
                Recorded(
                    stream=UUID(int=0),
                    version=self.catalog.version + 1,
                    position=1,
                    recorded_at=at,
                    occurred_at=at,
                    actor="test",
                    event=event,
                )
            )
        return list(events)

    def meter(self, at: datetime = JANUARY, **changes: Any) -> list[Any]:
        return self.take(self.catalog.define_meter("cpu", CPU | changes, at), at)

    def price(
        self, terms: Any = None, at: datetime = JANUARY, effective_at: Any = None, **changes: Any
    ) -> list[Any]:
        values = dict(terms or BASE) | changes
        return self.take(self.catalog.publish_price(values, at, effective_at), at)

    def service(self, prices: list[str]) -> list[Any]:
        values = {"name": "Machine", "prices": prices}
        return self.take(self.catalog.define_service("machine", values, JANUARY))
