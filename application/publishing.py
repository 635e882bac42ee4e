"""Publishing: meters, services and price versions enter the catalog here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from application.ports import CatalogReader, EventLog
from application.registration import load
from domain.catalog import Catalog, Meter, Service
from domain.errors import ConcurrentChange, NotFound
from domain.events.base import Recorded
from domain.events.catalog import CatalogEvent
from domain.identity import catalog_stream
from domain.price import Price

ATTEMPTS_MAX = 5
"""How often a decision is made again when somebody else published in between."""


class Publishing:
    """Defines what can be counted, attached and paid for. Versions never change."""

    def __init__(self, log: EventLog, catalog: CatalogReader) -> None:
        self._log = log
        self._catalog = catalog

    def define_meter(
        self, meter: str, values: Mapping[str, object], *, actor: str, at: datetime
    ) -> Meter:
        """Define a meter, or a new version of it. The same definition again does nothing.

        Raises:
            InvalidInput: a field cannot be used; ``field`` names it.
        """
        catalog = self._decide(
            lambda known: known.define_meter(meter, values, at), actor=actor, at=at
        )
        return catalog.meters[meter][-1]

    def define_service(
        self, service: str, values: Mapping[str, object], *, actor: str, at: datetime
    ) -> Service:
        """Define a service, or what attachments to come get. The same again does nothing.

        Raises:
            InvalidInput: a field cannot be used; ``field`` names it.
        """
        catalog = self._decide(
            lambda known: known.define_service(service, values, at), actor=actor, at=at
        )
        return catalog.services[service]

    def publish_price(
        self,
        values: Mapping[str, object],
        *,
        actor: str,
        at: datetime,
        effective_at: datetime | None = None,
    ) -> Price:
        """Publish a price's next version. The newest version's terms again do nothing.

        effective_at: from when attachments that ask for the newest version get this one;
        by default from ``at``, and for a first version always.

        Raises:
            InvalidInput: it cannot be rated; ``field`` names what is wrong.
        """
        catalog = self._decide(
            lambda known: known.publish_price(values, at, effective_at), actor=actor, at=at
        )
        return catalog.prices[str(values["price"])][-1]

    def retire_price(self, price: str, *, actor: str, at: datetime) -> datetime:
        """Let no new attachment get a price; since when. Twice does nothing.

        Raises:
            NotFound: there is no such price.
        """
        catalog = self._decide(lambda known: known.retire_price(price, at), actor=actor, at=at)
        return catalog.retired[price]

    def override_price(
        self,
        organization: str,
        price: str,
        values: Mapping[str, object],
        *,
        actor: str,
        at: datetime,
        effective_at: datetime | None = None,
    ) -> Price:
        """Give one organization a price at its own terms. The newest terms again do nothing.

        effective_at: from when attachments and swaps get them; by default from ``at``.

        Raises:
            NotFound: there is no such organization or price.
            InvalidInput: the terms cannot be rated; ``field`` names what is wrong.
            RuleViolation: the price is retired.
        """
        load(self._log, organization)
        catalog = self._decide(
            lambda known: known.override_price(organization, price, values, at, effective_at),
            actor=actor,
            at=at,
        )
        versions = catalog.overrides[organization, price]
        return next(each.price for each in reversed(versions) if each.price is not None)

    def end_override(self, organization: str, price: str, *, actor: str, at: datetime) -> bool:
        """Let an organization get a price as everybody does; whether it did not before.

        Raises:
            NotFound: there is no such organization or price.
        """
        load(self._log, organization)
        self.prices(price)
        ended: list[bool] = []

        def decide(known: Catalog) -> Sequence[CatalogEvent]:
            events = known.end_override(organization, price, at)
            ended[:] = [bool(events)]
            return events

        self._decide(decide, actor=actor, at=at)
        return ended[0]

    def overrides(self, organization: str, at: datetime) -> tuple[Price, ...]:
        """The prices that an organization has at its own terms at an instant, by id.

        Raises:
            NotFound: there is no such organization.
        """
        load(self._log, organization)
        said = self._catalog.current().overrides
        begun = [
            [each.price for each in said[owner, price] if each.since <= at][-1:]
            for owner, price in sorted(said)
            if owner == organization
        ]
        return tuple(price for last in begun for price in last if price is not None)

    def meter(self, meter: str) -> Meter:
        """A meter's newest version.

        Raises:
            NotFound: there is none.
        """
        versions = self._catalog.current().meters.get(meter)
        if not versions:
            raise NotFound(f"there is no meter {meter}", meter=meter)
        return versions[-1]

    def service(self, service: str) -> Service:
        """A service as attachments made now get it.

        Raises:
            NotFound: there is none.
        """
        known = self._catalog.current().services.get(service)
        if known is None:
            raise NotFound(f"there is no service {service}", service=service)
        return known

    def meters(self) -> tuple[Meter, ...]:
        """The newest version of every meter, by id."""
        known = self._catalog.current().meters
        return tuple(known[each][-1] for each in sorted(known))

    def services(self) -> tuple[Service, ...]:
        """Every service as attachments made now get it, by id."""
        known = self._catalog.current().services
        return tuple(known[each] for each in sorted(known))

    def prices(self, price: str | None = None) -> tuple[Price, ...]:
        """Every version of a price, or of all prices, by id and version.

        Raises:
            NotFound: there is no such price.
        """
        known = self._catalog.current().prices
        if price is not None and price not in known:
            raise NotFound(f"there is no price {price}", price=price)
        wanted = sorted(known) if price is None else [price]
        return tuple(version for each in wanted for version in known[each])

    def _decide(
        self,
        decision: Callable[[Catalog], Sequence[CatalogEvent]],
        *,
        actor: str,
        at: datetime,
    ) -> Catalog:
        """Decide on the whole stream, append, and answer the catalog that holds the result."""
        catalog = Catalog()
        for attempt in range(1, ATTEMPTS_MAX + 1):
            self._catch_up(catalog)
            events = decision(catalog)
            if not events:
                return catalog
            try:
                self._log.append(catalog_stream(), catalog.version, events, actor=actor, at=at)
            except ConcurrentChange:
                if attempt == ATTEMPTS_MAX:
                    raise
            else:
                break
        self._catch_up(catalog)
        return catalog

    def _catch_up(self, catalog: Catalog) -> None:
        news: Sequence[Recorded] = self._log.read(catalog_stream(), after=catalog.version)
        for recorded in news:
            catalog.apply(recorded)
