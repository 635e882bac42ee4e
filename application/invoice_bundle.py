"""An invoice to take along: its lines, the events it follows from, their places in chains."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.desired import organization_of
from application.invoices import Invoices
from application.ports import Books
from application.views import InvoiceView
from domain.billing_cycle import UNSETTLED
from domain.errors import NotFound
from domain.identity import cycle_stream, organization_stream, stripe_stream
from domain.period import written_utc
from projections.chain import COMMON, Head, Link, Row

Line = dict[str, Any]
USAGE = "UsageRecorded@"
FINALIZED = "StripeInvoiceFinalized@"
PRICES = ("PricePublished@", "PriceOverridden@")


class Links(Protocol):
    """Chains with the rows of the log they link."""

    def step(self) -> bool:
        """Link the next page of the log."""
        ...

    def head(self, organization: str) -> Head:
        """Where a chain stands."""
        ...

    def links(self, organization: str, until: int) -> Iterator[tuple[Link, Row | None]]:
        """A chain up to so many events, with what the log holds in their places."""
        ...


class InvoiceBundles:
    """Makes bundles. Of an event that the invoice does not need there is only a digest."""

    def __init__(self, chain: Links, books: Books, invoices: Invoices) -> None:
        self._chain = chain
        self._books = books
        self._invoices = invoices

    def open(self, cycle: str) -> tuple[InvoiceView, tuple[Head, Head], Iterator[Line]]:
        """An invoice as it follows from what is linked, the heads then, and a line an event.

        Raises:
            NotFound: there is no such cycle, or none of its events is linked yet.
            MonthArchived: it is in an archive; or it is not settled, and cycles there used credits.
        """
        while self._chain.step():
            pass
        organization = organization_of(cycle)
        names = list(self._books.cycle_names(organization))
        if cycle not in names:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        own, catalog = self._chain.head(organization), self._chain.head(COMMON)
        known_at = max((each.at for each in (own, catalog) if each.at), default=None)
        view = self._invoices.get(cycle, known_at=known_at)
        gone = self._books.detached(organization)
        if gone.applied and view.status in UNSETTLED:
            raise gone.refusal()
        return view, (own, catalog), self._lines(names, cycle, own, catalog)

    def _lines(self, names: list[str], cycle: str, own: Head, catalog: Head) -> Iterator[Line]:
        place = names.index(cycle)
        whole = {cycle_stream(name) for name in names[: place + 1]}
        whole.add(organization_stream(own.organization))
        control = {cycle_stream(name) for name in names[place + 1 : place + 2]}
        used = _Used()
        for link, row in self._chain.links(own.organization, own.events):
            shown = row is not None and (needed(row, whole, control) or finalizes(row, cycle))
            if row is not None and shown:
                used.read(row)
            yield line_of(own.organization, link, row if shown else None)
        yield from self._catalog(own.organization, catalog, used)

    def _catalog(self, organization: str, head: Head, used: "_Used") -> Iterator[Line]:
        """The prices and meters it needs. What others pay is nobody else's business."""
        found = list(self._chain.links(COMMON, head.events))
        for _, row in found:
            if row is not None and row.topic.startswith(PRICES) and used.price(row, organization):
                used.read(row)
        for link, row in found:
            shown = row is not None and used.any(row, organization)
            yield line_of(COMMON, link, row if shown else None)


class _Used:
    """Every name that stands in the events shown so far."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def read(self, row: Row) -> None:
        """Note the names in a row; of usage, those of its tallies."""
        body = json.loads(row.state)
        self._names.update(_texts(body.get("tallies") if row.topic.startswith(USAGE) else body))

    def any(self, row: Row, organization: str) -> bool:
        """Whether an event of the catalog says something about one of them."""
        if row.topic.startswith(PRICES):
            return self.price(row, organization)
        body = json.loads(row.state)
        return row.topic.startswith("MeterDefined@") and body["meter"] in self._names

    def price(self, row: Row, organization: str) -> bool:
        """Whether a price version is used here, and nobody else's own."""
        body = json.loads(row.state)
        ref = f"{body['price']}@{body['version']}"
        if row.topic.startswith("PriceOverridden@"):
            ref = f"{ref}.{body['organization']}"
            if body["organization"] != organization:
                return False
        return ref in self._names


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts([name, each])
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def needed(row: Row, whole: set[UUID], control: set[UUID]) -> bool:
    """Whether an invoice is rated by a row: of these streams all, of those all but usage."""
    return row.stream in whole or (row.stream in control and not row.topic.startswith(USAGE))


def finalizes(row: Row, cycle: str) -> bool:
    """Whether a row says what Stripe asks of the customer for a cycle."""
    return row.stream == stripe_stream(cycle) and row.topic.startswith(FINALIZED)


def line_of(organization: str, link: Link, row: Row | None) -> Line:
    """An event as a bundle has it; without its content only its digest."""
    place = {
        "chain": organization,
        "number": link.number,
        "position": link.position,
        "stream": str(link.stream),
        "version": link.version,
    }
    if row is None:
        return place | {"digest": link.digest.hex()}
    return place | {
        "topic": row.topic,
        "recorded_at": written_utc(row.recorded_at),
        "state": row.state.decode(),
    }


def read_line(line: Mapping[str, Any]) -> tuple[str, Link, Row | None]:
    """The other way round: chain, link, and the row where its content is there.

    Raises:
        ValueError, KeyError, TypeError: it is no such line.
    """
    stream, version, position = UUID(line["stream"]), int(line["version"]), int(line["position"])
    row = None
    digest = b""
    with suppress(KeyError):
        digest = bytes.fromhex(line["digest"])
    if not digest:
        row = Row(
            stream=stream,
            version=version,
            position=position,
            topic=line["topic"],
            state=line["state"].encode(),
            recorded_at=datetime.fromisoformat(line["recorded_at"]),
        )
        digest = row.digest
    link = Link(
        number=int(line["number"]),
        position=position,
        stream=stream,
        version=version,
        digest=digest,
    )
    return str(line["chain"]), link, row
