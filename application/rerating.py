"""Rerating: bills under the prices in force and under another version, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from application.live import InTurn, rate_in_turn
from application.ports import CycleState
from domain.catalog import Catalog
from domain.errors import InvalidInput, NotFound
from domain.invoice import LineItem
from domain.organization import Organization
from domain.price import Price, check_meter_fit, parse_price

Lines = Mapping[str, LineItem]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineRerate:
    """A line under the prices in force (``now``) and the other one (``then``). Minor units."""

    key: str
    description: str
    now: int
    then: int

    @property
    def difference(self) -> int:
        """What the other price would add."""
        return self.then - self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleRerate:
    """A cycle, both ways, with everything known now. Minor units, before credits, items and
    whatever people decided about amounts."""

    cycle: str
    status: str
    lines: tuple[LineRerate, ...]

    @property
    def now(self) -> int:
        """Under the prices in force."""
        return sum(line.now for line in self.lines)

    @property
    def then(self) -> int:
        """Under the other price."""
        return sum(line.then for line in self.lines)

    @property
    def difference(self) -> int:
        """What the other price would add."""
        return self.then - self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Rerated:
    """An organization's cycles in the price's currency, both ways, oldest first."""

    organization: str
    currency: str
    replaces: tuple[str, ...]
    cycles: tuple[CycleRerate, ...]

    @property
    def now(self) -> int:
        """Under the prices in force."""
        return sum(each.now for each in self.cycles)

    @property
    def then(self) -> int:
        """Under the other price."""
        return sum(each.then for each in self.cycles)

    @property
    def difference(self) -> int:
        """What the other price would add."""
        return self.then - self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Unrated:
    """An organization whose history could not be rated, and why."""

    organization: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Another version of a price, and the versions it stands for, as refs."""

    price: Price
    replaces: tuple[str, ...]


def candidate(
    catalog: Catalog, terms: Mapping[str, object], replaces: Sequence[str] | None
) -> Candidate:
    """Another version of a price, checked against those that it stands for.

    Raises:
        NotFound: there is no such version.
        InvalidInput: it cannot be rated, or is of another kind, meter or currency.
    """
    values = {name: terms[name] for name in terms if name not in ("version", "effective_at")}
    price = parse_price(values, version=1)
    if replaces is None:
        versions = catalog.prices.get(price.id, [])
        refs = tuple(each.ref for each in versions if each.currency == price.currency)
    else:
        refs = tuple(dict.fromkeys(replaces))
    if unknown := [ref for ref in refs if ref not in catalog.book]:
        raise NotFound(f"there is no price version {unknown[0]}", price=unknown[0])
    if not refs:
        raise NotFound(f"there is no price {price.id} in {price.currency}", price=price.id)
    for ref in refs:
        _check_alike(catalog.book[ref], price)
    if price.meter is not None:
        check_meter_fit(price, catalog.meters[price.meter][-1].aggregation)
    return Candidate(price=price, replaces=refs)


def _check_alike(known: Price, price: Price) -> None:
    for field in ("kind", "meter", "currency"):
        was, becomes = getattr(known, field), getattr(price, field)
        if was != becomes:
            raise InvalidInput(
                f"price.{field} is {becomes}, but {known.ref} has {was}", field=f"price.{field}"
            )


def replaced(catalog: Catalog, candidate: Candidate) -> Catalog:
    """The catalog as if the versions had always had the other terms, under their own refs."""
    book = dict(catalog.book)
    for ref in candidate.replaces:
        known = catalog.book[ref]
        book[ref] = replace(
            candidate.price,
            id=known.id,
            version=known.version,
            effective_at=known.effective_at,
            organization=known.organization,
        )
    return replace(catalog, book=book)


def adds_up_alike(catalog: Catalog, candidate: Candidate) -> bool:
    """Whether usage adds up the same way under the other price."""
    price = candidate.price
    return all(
        (known.scope, known.model.per_record) == (price.scope, price.model.per_record)
        for known in (catalog.book[ref] for ref in candidate.replaces)
    )


def rerated(
    organization: Organization,
    now: Sequence[CycleState],
    then: Sequence[CycleState],
    catalog: Catalog,
    candidate: Candidate,
) -> Rerated:
    """Both ways, cycle by cycle.

    now, then: every cycle of the organization, oldest first, with its usage as the prices in
    force, and the other one, need it.
    """
    before = bills(organization, now, catalog)
    after = bills(organization, then, replaced(catalog, candidate))
    currency = candidate.price.currency
    return Rerated(
        organization=organization.id,
        currency=currency,
        replaces=candidate.replaces,
        cycles=tuple(
            CycleRerate(
                cycle=state.cycle.id,
                status=state.cycle.status.value,
                lines=tuple(_lines(before[state.cycle.id], after[state.cycle.id])),
            )
            for state in now
            if state.cycle.currency == currency and not state.cycle.is_void
        ),
    )


def bills(
    organization: Organization, states: Sequence[CycleState], catalog: Catalog
) -> Mapping[str, Lines]:
    """What every cycle comes to by prices alone, as if nothing were settled: line by line,
    fees billed ahead with it, before credits, items, and what people decided."""
    known = [
        CycleState(
            cycle=state.cycle.as_known(),
            tallies=state.tallies if state.late is None else state.late,
            version=state.version,
        )
        for state in states
    ]
    alone = replace(organization, credits={})
    turns = rate_in_turn(alone, known, {}, catalog)
    return {turn.state.cycle.id: _priced(turn) for turn in turns}


def _priced(turn: InTurn) -> Lines:
    coming = {
        line.key: line
        for line in turn.rated.lines
        if line.key.startswith(("coming/", "other/coming/"))
    }
    return {**turn.rated.basis, **coming}


def _lines(before: Lines, after: Lines) -> Iterator[LineRerate]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        shown = new or old
        yield LineRerate(
            key=key,
            description=shown.description if shown else key,
            now=old.amount if old else 0,
            then=new.amount if new else 0,
        )
