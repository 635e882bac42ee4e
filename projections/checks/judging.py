"""Whether what a store keeps agrees with a second count: one function for each invariant."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from domain.events.organization import OrganizationClosed, OrganizationReopened
from domain.events.stripe_invoice import (
    CallAnswered,
    CallAttempted,
    InvoiceObserved,
    InvoiceProvedEqual,
    InvoiceVoidedAtStripe,
)
from projections.checks.broken import Broken
from projections.checks.counting import Heap, Heaps
from projections.checks.rating import Rated
from projections.checks.reading import Reading

SHOWN_MAX = 20
"""How many differences of one kind are told of one cycle."""
ROLLED_UP = "other/"


def tallies_differ(cycle: str, layer: str, counted: Heaps, kept: Heaps) -> Iterator[Broken]:
    """2: what is kept against what the records add up to."""
    differing = [key for key in sorted({*counted, *kept}) if counted.get(key) != kept.get(key)]
    for key in differing[:SHOWN_MAX]:
        name = "/".join(part or "-" for part in key[:3])
        where = "".join(f" {dimension}={value}" for dimension, value in key.dimensions)
        yield Broken(
            invariant=2,
            about=cycle,
            what=f"{layer}{name}{where}",
            detail=f"kept {_told(kept.get(key))}, by the log {_told(counted.get(key))}",
        )


def _told(heap: Heap | None) -> str:
    if heap is None:
        return "nothing"
    more = f", {len(heap.points)} points" if heap.points else ""
    more += f", {len(heap.values)} values" if heap.values else ""
    return f"{heap.quantity} of {heap.records} records{more}"


def lines_differ(cycle: str, counted: Mapping[str, int], said: Mapping[str, int]) -> list[Broken]:
    """3: lines of an invoice against the plain rating. Rolled up, only their sum is compared."""
    if any(key.startswith(ROLLED_UP) for key in said):
        counted, said = {"all lines": sum(counted.values())}, {"all lines": sum(said.values())}
    differing = sorted(key for key in {*counted, *said} if counted.get(key, 0) != said.get(key, 0))
    return [
        Broken(
            invariant=3,
            about=cycle,
            what=key,
            detail=f"the books say {said.get(key, 0)}, counted plainly {counted.get(key, 0)}",
        )
        for key in differing[:SHOWN_MAX]
    ]


def settlement_differs(reading: Reading, rated: Rated) -> Iterator[Broken]:
    """3: what was settled against the plain rating, and against its own subtotal."""
    settled = reading.settled
    if settled is None:
        return
    yield from lines_differ(reading.cycle, rated.lines, settled.lines)
    total = sum(settled.lines.values())
    if settled.subtotal != total:
        detail = f"settled at {settled.subtotal}, its lines come to {total}"
        yield Broken(invariant=3, about=reading.cycle, what="subtotal", detail=detail)


def periods_part(
    readings: Sequence[Reading], organization: Iterable[object], missing: Collection[str] = ()
) -> Iterator[Broken]:
    """6: each period begins where the one before ends; only a closed organization has a gap.

    missing: cycles that are not among these, so that nothing is said of what lies around them.
    """
    told = list(organization)
    ended = {each.at for each in told if isinstance(each, OrganizationClosed)}
    began = {each.at for each in told if isinstance(each, OrganizationReopened)}
    for reading in readings:
        if reading.end <= reading.opened.start:
            yield _period(reading, "empty", f"{reading.opened.start} to {reading.end}")
        if not reading.opened.full_start <= reading.opened.start < reading.opened.full_end:
            yield _period(reading, "full period", "it does not begin within its full period")
    for before, after in pairwise(readings):
        if any(before.cycle < each < after.cycle for each in missing):
            continue
        end, start = before.end, after.opened.start
        if end > start:
            yield _period(after, "overlap", f"{before.cycle} lasts until {end}")
        elif end < start and not (end in ended and start in began):
            yield _period(after, "gap", f"{before.cycle} ended {end}, it begins {start}")


def _period(reading: Reading, what: str, detail: str) -> Broken:
    return Broken(invariant=6, about=reading.cycle, what=what, detail=detail)


def late_amounts_part(readings: Sequence[Reading]) -> Iterator[Broken]:
    """5: what became known late of a cycle is on the very invoice that is said to bill it."""
    for cycle in readings:
        said = cycle.billed_by()
        for other in readings:
            owed = said.get(other.cycle, {})
            mine = [each.lines for each in other.late_amounts() if each.cycle == cycle.cycle]
            on_it = {line.line: line.amount for lines in mine for line in lines}
            if owed != on_it and not (other.void and not owed):
                detail = f"{sum(owed.values())} said to be billed, {sum(on_it.values())} on it"
                what = f"late amounts on {other.cycle}"
                yield Broken(invariant=5, about=cycle.cycle, what=what, detail=detail)


def invoices_at_stripe(cycle: str, stream: Iterable[object]) -> Iterator[Broken]:
    """7: by our record, one live invoice, and no line twice under two of Stripe's ids."""
    live: dict[str, dict[str, str]] = {}
    sent: dict[str, CallAttempted] = {}
    for event in stream:
        match event:
            case CallAttempted():
                sent[event.key] = event
            case CallAnswered() if event.ok and event.key in sent:
                _take_answer(live, sent[event.key], event)
            case InvoiceObserved() if event.status in ("void", "deleted"):
                live.pop(event.invoice, None)
            case InvoiceObserved():
                _take_lines(live.setdefault(event.invoice, {}), event)
            case InvoiceVoidedAtStripe():
                live.pop(event.invoice, None)
    if len(live) > 1:
        detail = ", ".join(sorted(live))
        yield Broken(invariant=7, about=cycle, what="live invoices", detail=detail)
    for invoice, lines in live.items():
        keys = list(lines.values())
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield Broken(invariant=7, about=cycle, what=f"line {key} twice", detail=invoice)


def _take_answer(
    live: dict[str, dict[str, str]], call: CallAttempted, answer: CallAnswered
) -> None:
    if call.purpose == "create" and answer.reference:
        live.setdefault(answer.reference, {})
    elif call.purpose in ("delete", "void"):
        for invoice in [each for each in live if each in call.endpoint]:
            live.pop(invoice)


def _take_lines(lines: dict[str, str], seen: InvoiceObserved) -> None:
    """Stripe's id of a line -> our key."""
    changed = {line.key for line in seen.changed}
    for gone in [id_ for id_, key in lines.items() if key in changed or key in seen.gone]:
        lines.pop(gone)
    lines.update({line.line: line.key for line in seen.changed})


def proof_differs(cycle: str, revision: int, digest: str, stream: Iterable[object]) -> list[Broken]:
    """8: the last proof of this revision against the books; where nothing is pending."""
    proofs = [e for e in stream if isinstance(e, InvoiceProvedEqual) and e.revision == revision]
    if not proofs or proofs[-1].invoice is None or proofs[-1].digest == digest:
        return []
    detail = f"proved {proofs[-1].digest} at {proofs[-1].read_at}, the books say {digest}"
    return [Broken(invariant=8, about=cycle, what="digest", detail=detail)]


def replay_differs(
    cycle: str, live: tuple[str, Mapping[str, int]], again: tuple[str, Mapping[str, int]]
) -> list[Broken]:
    """4: (digest, lines) of the live invoice and of the one replayed from the log."""
    if live[0] == again[0]:
        return []
    keys = {*live[1], *again[1]}
    lines = sorted(key for key in keys if live[1].get(key) != again[1].get(key))
    detail = ", ".join(f"{k}: {live[1].get(k)} live, {again[1].get(k)} replayed" for k in lines[:5])
    return [Broken(invariant=4, about=cycle, what="digest", detail=detail)]


def issued_differs(reading: Reading, digest: str) -> list[Broken]:
    """9: a settled invoice rated again."""
    if reading.settled is None or reading.settled.digest == digest:
        return []
    detail = f"settled as {reading.settled.digest}, now rates to {digest}"
    return [Broken(invariant=9, about=reading.cycle, what="digest", detail=detail)]
