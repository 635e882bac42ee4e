"""An exported invoice checked without a database: made and rated again, its digest, its chains."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from application.invoice_bundle import read_line
from application.proved_invoice import LastSeen, differences, head_differs, proved_invoice
from application.views import InvoiceView
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.usage import UsageRecorded
from domain.identity import catalog_stream, cycle_stream, organization_stream
from domain.invoice import digest
from domain.period import Period, written_utc
from projections.chain import COMMON, Head, Kept, Link, Row, Walk
from projections.checks.counting import Counter, meters_in_force
from projections.checks.judging import lines_differ
from projections.checks.payer import payer_of
from projections.checks.reading import Reading, read_cycle
from projections.checks.terms import Terms, price_list
from projections.checks.turns import Counted, Turns

FORMAT = "cyclebook-invoice/1"
Decode = Callable[[Row], Recorded]
Show = Callable[[InvoiceView], Mapping[str, Any]]


@dataclass(kw_only=True, slots=True)
class Checked:
    """What was looked at, and what does not hold, in sentences."""

    cycle: str = ""
    total: int = 0
    currency: str = ""
    lines: int = 0
    events: int = 0
    withheld: int = 0
    wrong: list[str] = field(default_factory=list)


class Offline:
    """Checks one bundle.

    decode: makes an event of a stored row. show: makes of an invoice what a bundle holds of it.
    """

    def __init__(self, decode: Decode, show: Show) -> None:
        self._decode = decode
        self._show = show
        self._last: dict[str, LastSeen] = {}
        self._rows: dict[UUID, list[Recorded]] = {}
        self._withheld: set[UUID] = set()

    def check(
        self,
        header: Mapping[str, Any],
        lines: Iterable[Mapping[str, Any]],
        published: Mapping[str, Sequence[Head]],
    ) -> Checked:
        """Check a bundle by its first line and the others. published: heads that were kept.

        Raises:
            ValueError, KeyError, TypeError, LookupError: it is no bundle, or cannot be rated.
        """
        if header.get("format") != FORMAT:
            raise ValueError(f"this is no exported invoice of format {FORMAT}")
        invoice, chain = header["invoice"], header["chain"]
        found = Checked(
            cycle=invoice["cycle"],
            total=invoice["subtotal"],
            currency=invoice["currency"],
            lines=len(invoice["lines"]),
        )
        own = str(chain["organization"])
        heads = {
            own: [_kept("chain", chain)],
            COMMON: [_kept("chain.catalog", chain["catalog"])],
        }
        for name, kept in heads.items():
            # A head that was kept later reaches beyond this file, and says nothing about it.
            reach = kept[0].events
            kept += [_outside(x) for x in published.get(name, ()) if x.events <= reach]
        found.wrong += self._walk(lines, heads, found)
        found.wrong += self._heads_differ(invoice, chain)
        found.wrong += _digest_differs(invoice)
        found.wrong += self._told_differently(own, invoice)
        found.wrong += self._rated_differently(own, invoice)
        return found

    def _walk(
        self,
        lines: Iterable[Mapping[str, Any]],
        heads: Mapping[str, Sequence[Kept]],
        found: Checked,
    ) -> Iterator[str]:
        walks = {name: Walk(name, kept) for name, kept in heads.items()}
        self._last = {name: LastSeen() for name in heads}
        for line in lines:
            name, link, row = read_line(line)
            if name not in walks:
                yield f"chain.organization says another one than {name}, whose events these are"
                return
            found.events += 1
            last = self._last[name]
            last.number, last.position = link.number, link.position
            last.is_shown = row is not None
            last.at = row.recorded_at if row else last.at
            if row is None:
                found.withheld += 1
                self._withheld.add(link.stream)
            else:
                self._rows.setdefault(link.stream, []).append(self._decode(row))
            yield from _told(walks[name], link, row)
        for walk in walks.values():
            yield from (f"chain {walk.name}: {each.detail}" for each in walk.end())

    def _heads_differ(self, invoice: Mapping[str, Any], chain: Mapping[str, Any]) -> Iterator[str]:
        """Where the heads stand, and that the invoice is that of the younger one's instant."""
        own, catalog = str(chain["organization"]), chain["catalog"]
        yield from head_differs("chain", chain, self._last[own])
        yield from head_differs("chain.catalog", catalog, self._last[COMMON])
        at = [datetime.fromisoformat(each["at"]) for each in (chain, catalog) if each["at"]]
        if at and datetime.fromisoformat(invoice["known_at"]) != max(at):
            yield (
                f"invoice.known_at says {invoice['known_at']}, chain.at and chain.catalog.at "
                f"come to {written_utc(max(at))}"
            )

    def _told_differently(self, organization: str, invoice: Mapping[str, Any]) -> Iterator[str]:
        """Every field of the invoice, against the one that the events make."""
        stream = organization_stream(organization)
        yield from self._incomplete(stream, organization)
        at = datetime.fromisoformat(invoice["known_at"])
        try:
            made = proved_invoice(self._rows, organization, invoice["cycle"], at)
        except NotFound as error:
            yield f"the invoice cannot be made: {error}"
            return
        yield from differences("invoice", invoice, self._show(made))

    def _rated_differently(self, organization: str, invoice: Mapping[str, Any]) -> Iterator[str]:
        """The lines, against a plain rating of the events."""
        history = self._rows.get(organization_stream(organization), [])
        book = price_list(self._rows.get(catalog_stream(), []))
        readings = self._readings()
        asked = next((r for r in readings if r.cycle == invoice["cycle"]), None)
        if asked is None or not history:
            yield f"the events of {invoice['cycle']} are not in the file"
            return
        turns = Turns(payer_of(history, readings), book)
        for place, reading in enumerate(readings):
            following = readings[place + 1] if place + 1 < len(readings) else None
            yield from self._incomplete(cycle_stream(reading.cycle), reading.cycle)
            rated = turns.take(self._counted(reading, book), following)
            if reading is asked:
                told = {line["key"]: line["amount"] for line in invoice["lines"]}
                for each in lines_differ(reading.cycle, rated.lines, told):
                    yield f"{each.what}: {each.detail}"
                return

    def _readings(self) -> list[Reading]:
        control = (
            [each for each in events if not isinstance(each.event, UsageRecorded)]
            for events in self._rows.values()
        )
        found = [read_cycle(each) for each in control if isinstance(each[0].event, CycleOpened)]
        return sorted(found, key=lambda each: each.opened.start)

    def _incomplete(self, stream: UUID, about: str) -> Iterator[str]:
        versions = [each.version for each in self._rows.get(stream, [])]
        if stream in self._withheld or versions != list(range(1, len(versions) + 1)):
            yield f"the events of {about} are not all in the file"

    def _counted(self, reading: Reading, book: Mapping[str, Terms]) -> Counted:
        meters = meters_in_force(self._rows.get(catalog_stream(), []), reading.recorded_at)
        currency = reading.opened.currency
        basis = Counter(reading.basis, book, meters, currency)
        known = Counter(reading.known, book, meters, currency)
        late = reading.late_facts
        for each in self._rows[cycle_stream(reading.cycle)]:
            if not isinstance(each.event, UsageRecorded):
                continue
            in_basis = reading.cutoff is None or each.version <= reading.cutoff
            late |= not in_basis
            for record in each.event.records:
                if in_basis:
                    basis.put(record)
                known.put(record)
        return Counted(
            reading=reading,
            meters=meters,
            heaps=basis.heaps,
            known=known.heaps if late else None,
        )


def _told(walk: Walk, link: Link, row: Row | None) -> Iterator[str]:
    """What a link breaks. A row that is withheld is taken at its digest."""
    found = walk.go_on(link) if row is None else walk.take(link, row, str(link.stream))
    for each in found:
        yield f"chain {walk.name}: {each.detail}"


def _kept(path: str, head: Mapping[str, Any]) -> Kept:
    return Kept(
        events=int(head["events"]), head=bytes.fromhex(head["head"]), by=f"the file's {path}.head"
    )


def _outside(head: Head) -> Kept:
    return Kept(events=head.events, head=head.head, by="the head that was kept elsewhere")


def _digest_differs(invoice: Mapping[str, Any]) -> Iterator[str]:
    """The invoice's fingerprint and sum, against its lines."""
    lines = [
        (line["key"], line["amount"], _period(line["period"]), line["description"])
        for line in invoice["lines"]
    ]
    made = digest(invoice["cycle"], invoice["revision"], invoice["currency"], lines)
    if made != invoice["digest"]:
        yield f"the digest says {invoice['digest']}, the lines come to {made}"
    total = sum(line["amount"] for line in invoice["lines"])
    if total != invoice["subtotal"]:
        yield f"the subtotal says {invoice['subtotal']}, the lines come to {total}"


def _period(period: Mapping[str, str]) -> Period:
    return Period(datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"]))
