"""An exported invoice checked without a database: rated again, its digest, its chains."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from application.invoice_bundle import read_line
from application.verification import payer_of
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.usage import UsageRecorded
from domain.identity import catalog_stream, cycle_stream, organization_stream
from domain.invoice import digest
from domain.period import Period
from projections.chain import COMMON, Head, Kept, Link, Row, Walk
from projections.checks.counting import Counter, meters_in_force
from projections.checks.judging import lines_differ
from projections.checks.reading import Reading, read_cycle
from projections.checks.terms import Terms, price_list
from projections.checks.turns import Counted, Turns

FORMAT = "cyclebook-invoice/1"
Decode = Callable[[Row], Recorded]


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
    """Checks one bundle. decode: makes an event of a stored row."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
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
        heads = {own: [_kept(chain)], COMMON: [_kept(chain["catalog"])]}
        for name, kept in heads.items():
            # A head that was kept later reaches beyond this file, and says nothing about it.
            reach = kept[0].events
            kept += [_outside(x) for x in published.get(name, ()) if x.events <= reach]
        found.wrong += self._walk(lines, heads, found)
        found.wrong += _digest_differs(invoice)
        found.wrong += self._rated_differently(own, invoice)
        return found

    def _walk(
        self,
        lines: Iterable[Mapping[str, Any]],
        heads: Mapping[str, Sequence[Kept]],
        found: Checked,
    ) -> Iterator[str]:
        walks = {name: Walk(name, kept) for name, kept in heads.items()}
        for line in lines:
            name, link, row = read_line(line)
            found.events += 1
            if row is None:
                found.withheld += 1
                self._withheld.add(link.stream)
            else:
                self._rows.setdefault(link.stream, []).append(self._decode(row))
            yield from _told(walks[name], link, row)
        for walk in walks.values():
            yield from (f"chain {walk.name}: {each.detail}" for each in walk.end())

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
            yield from self._incomplete(reading)
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

    def _incomplete(self, reading: Reading) -> Iterator[str]:
        stream = cycle_stream(reading.cycle)
        versions = [each.version for each in self._rows.get(stream, [])]
        if stream in self._withheld or versions != list(range(1, len(versions) + 1)):
            yield f"the events of {reading.cycle} are not all in the file"

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


def _kept(head: Mapping[str, Any]) -> Kept:
    return Kept(
        events=int(head["events"]), head=bytes.fromhex(head["head"]), by="the file's own head"
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
