"""The catalog's prices: versions for everybody, for one organization, and how they end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.catalog import (
    CatalogEvent,
    PriceOverridden,
    PriceOverrideEnded,
    PricePublished,
    PriceRetired,
)
from domain.meter import Meter
from domain.period import written_utc
from domain.price import Price, check_meter_fit, parse_price
from domain.pricing.fields import identifier


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What a customer can attach: a name and the prices it brings."""

    id: str
    name: str
    prices: tuple[str, ...]


class Override(NamedTuple):
    """What one organization gets from ``since`` on; no price: what everybody gets."""

    since: datetime
    price: Price | None


@dataclass(kw_only=True)
class PriceList:
    """Every version of every price, and the meters and services that they belong to.

    overrides: by organization and price, in the order they were said; of those that have
    begun, the last one said is in force. retired: from when a price is not for new
    attachments.
    """

    meters: dict[str, list[Meter]] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    prices: dict[str, list[Price]] = field(default_factory=dict)
    book: dict[str, Price] = field(default_factory=dict)
    overrides: dict[tuple[str, str], list[Override]] = field(default_factory=dict)
    retired: dict[str, datetime] = field(default_factory=dict)

    def publish_price(
        self, values: Mapping[str, object], at: datetime, effective_at: datetime | None
    ) -> list[CatalogEvent]:
        """A price's next version. Publishing the newest version's terms again does nothing.

        Raises:
            InvalidInput: it cannot be rated, names an unknown meter, is not of the kind and
                meter of the versions before it, would rate a meter twice on a service, or is
                a version out of order.
            RuleViolation: the price is retired.
        """
        identity = identifier(values.get("price"), "price")
        known = self.prices.get(identity, [])
        version = len(known) + 1
        price = self._read(values, version, effective_at)
        if known and self._read(values, known[-1].version, known[-1].effective_at) == known[-1]:
            return []
        if identity in self.retired:
            raise _retired(identity, self.retired[identity])
        self._check_next(price, values.get("version"))
        start = effective_at or (at if known else None)
        terms = _terms(values) | ({"effective_at": start.isoformat()} if start else {})
        return [PricePublished(at=start or at, price=identity, version=version, terms=terms)]

    def retire_price(self, price: str, at: datetime) -> list[CatalogEvent]:
        """Let no new attachment get a price from an instant on. Twice does nothing.

        Raises:
            NotFound: there is no such price.
        """
        self._versions(price)
        if price in self.retired and self.retired[price] <= at:
            return []
        return [PriceRetired(at=at, price=price)]

    def override_price(
        self,
        organization: str,
        price: str,
        terms: Mapping[str, object],
        at: datetime,
        effective_at: datetime | None = None,
    ) -> list[CatalogEvent]:
        """Give one organization a price at its own terms. The newest ones again do nothing.

        terms: as ``publish_price`` takes them; the currency may differ from everybody's.

        Raises:
            NotFound: there is no such price.
            InvalidInput: the terms cannot be rated, are of another kind or meter, would rate a
                meter twice on a service, or are a version out of order.
            RuleViolation: the price is retired.
        """
        self._versions(price)
        values = {"price": price} | dict(terms)
        if values["price"] != price:
            raise InvalidInput(f"these are terms of {values['price']}", field="price")
        said = self.overrides.get((organization, price), [])
        versions = [each.price for each in said if each.price]
        start = effective_at or at
        mine = self._read(values, len(versions) + 1, start, organization)
        newest = said[-1].price if said else None
        if newest and newest == self._read(
            values, newest.version, newest.effective_at, organization
        ):
            return []
        if price in self.retired:
            raise _retired(price, self.retired[price])
        self._check_next(mine, values.get("version"))
        return [
            PriceOverridden(
                at=start,
                price=price,
                organization=organization,
                version=mine.version,
                terms=_terms(values) | {"effective_at": start.isoformat()},
            )
        ]

    def end_override(self, organization: str, price: str, at: datetime) -> list[CatalogEvent]:
        """Let an organization get a price as everybody does. Without an override, nothing."""
        said = self.overrides.get((organization, price))
        if not said or (said[-1].price is None and said[-1].since <= at):
            return []
        return [PriceOverrideEnded(at=at, price=price, organization=organization)]

    def versions_at(
        self, prices: Sequence[str], at: datetime, organization: str | None = None
    ) -> list[Price]:
        """The price versions that an attachment of an organization made at an instant gets.

        Raises:
            NotFound: a price has no version in force then.
            RuleViolation: a price is retired, or two of them rate one meter in one currency.
        """
        found = [self._in_force(ref, at, organization) for ref in prices]
        if twice := rated_twice(found):
            raise RuleViolation(
                f"{organization}'s prices for {twice.meter} in {twice.currency} are two; end one "
                "of its overrides",
                code="meter_already_rated",
            )
        return found

    def _in_force(self, ref: str, at: datetime, organization: str | None) -> Price:
        identity, _, version = ref.partition("@")
        if identity in self.retired and self.retired[identity] <= at:
            raise _retired(identity, self.retired[identity])
        for override in reversed(self.overrides.get((organization or "", identity), [])):
            if override.since <= at:
                if override.price:
                    return override.price
                break
        if version and ref in self.book:
            return self.book[ref]
        for price in reversed(self.prices.get(ref, [])):
            if price.effective_at is None or price.effective_at <= at:
                return price
        raise NotFound(f"no version of price {ref} is in force at {written_utc(at)}", field="at")

    def take_price_event(self, event: CatalogEvent) -> None:
        """Take one event about prices into account.

        Raises:
            TypeError: the catalog has no such event.
        """
        match event:
            case PricePublished():
                price = parse_price(event.terms, event.version, effective_at(event.terms))
                self.prices.setdefault(event.price, []).append(price)
                self.book[price.ref] = price
            case PriceRetired():
                self.retired[event.price] = event.at
            case PriceOverridden():
                price = parse_price(event.terms, event.version, event.at, event.organization)
                self._say(event.organization, event.price, Override(event.at, price))
                self.book[price.ref] = price
            case PriceOverrideEnded():
                self._say(event.organization, event.price, Override(event.at, None))
            case _:
                raise TypeError(f"the catalog has no {type(event).__name__}")

    def _say(self, organization: str, price: str, override: Override) -> None:
        self.overrides.setdefault((organization, price), []).append(override)

    def named(self, ref: str) -> Price:
        """The price that a service names: the newest version of an id, or the one of a ref.

        Raises:
            InvalidInput: there is none for everybody.
        """
        identity, _, version = ref.partition("@")
        versions = self.prices.get(identity, [])
        found = [each for each in versions[-1:] if not version]
        found += [each for each in versions if each.ref == ref]
        if not found:
            raise InvalidInput(f"there is no price {ref}", field="prices")
        return found[0]

    def _read(
        self,
        values: Mapping[str, object],
        version: int,
        start: datetime | None,
        organization: str | None = None,
    ) -> Price:
        price = parse_price(_terms(values), version, start, organization)
        if price.meter is not None:
            self._check_meter(price, price.meter)
        return price

    def _check_meter(self, price: Price, meter: str) -> None:
        if meter not in self.meters:
            raise InvalidInput(f"there is no meter {meter}", field="meter")
        newest = self.meters[meter][-1]
        if missing := sorted(set(price.group_by) - set(newest.dimensions)):
            raise InvalidInput(
                f"meter {meter} does not keep {missing[0]} apart; add it to its dimensions",
                field="group_by",
            )
        check_meter_fit(price, newest.aggregation)

    def _check_next(self, price: Price, asked: object) -> None:
        """Whether a version can follow those before it."""
        known = self.prices.get(price.id)
        if known and (price.kind, price.meter) != (known[-1].kind, known[-1].meter):
            # Services were checked to rate a meter once; a new version must not undo that.
            raise InvalidInput(f"{price.id} has to keep its kind and meter", field="meter")
        if asked not in (None, price.version):
            raise InvalidInput(
                f"the next version of {price.id} is {price.version}, not {asked}", field="version"
            )
        for service in self.services.values():
            if price.id in service.prices and rated_twice(self._with(price, service)):
                raise InvalidInput(
                    f"{service.id} has another price for {price.meter} in {price.currency}",
                    field="currency",
                )

    def _with(self, price: Price, service: Service) -> Iterator[Price]:
        """A service's prices if one of them becomes another version."""
        for ref in service.prices:
            yield price if ref == price.id else self.named(ref)

    def _versions(self, price: str) -> list[Price]:
        if price not in self.prices:
            raise NotFound(f"there is no price {price}", price=price)
        return self.prices[price]


def rated_twice(prices: Iterable[Price]) -> Price | None:
    """A price that rates the same meter in the same currency as one before it."""
    seen: set[tuple[str, str]] = set()
    for price in prices:
        if price.meter is not None:
            if (price.meter, price.currency) in seen:
                return price
            seen.add((price.meter, price.currency))
    return None


def effective_at(terms: Mapping[str, object]) -> datetime | None:
    """From when published terms are in force."""
    text = terms.get("effective_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _terms(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if key not in ("version", "effective_at")}


def _retired(price: str, since: datetime) -> RuleViolation:
    return RuleViolation(
        f"{price} is retired since {written_utc(since)}; publish a price under another id",
        code="price_retired",
        price=price,
    )
