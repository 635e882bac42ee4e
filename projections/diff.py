"""The causes of a change of an invoice's amount, as people read them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.events.base import Recorded
from domain.events.usage import PackedRecord
from domain.quantity import plain, total
from domain.rating import Surroundings
from projections.history import describe
from projections.meter_words import MeterWords
from projections.sentences.wording import counted, listed

NAMED_MAX = 5
"""Meters or kinds of events that a sentence names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One reason. amount: minor units that it added. what: one plain sentence.

    count: events, or usage records. positions: first and last in the log; empty where it lies
    outside this cycle. quantities: of usage, by meter. event: where one alone did it, not usage.
    """

    kind: str
    amount: int
    what: str
    count: int
    positions: tuple[int, ...] = ()
    quantities: Mapping[str, str] = field(default_factory=dict)
    event: object | None = field(default=None, repr=False)


def control_cause(events: Sequence[Recorded], amount: int, currency: str) -> Cause:
    """What one event did, or many together. currency: of amounts in the sentence."""
    if len(events) == 1:
        event = events[0].event
        kind, what = _kind(event), describe(event, currency)
    else:
        kinds = Counter(_kind(each.event) for each in events).most_common()
        parts = [f"{count} {kind.replace('_', ' ')}" for kind, count in kinds[:NAMED_MAX]]
        rest = sum(count for _, count in kinds[NAMED_MAX:])
        parts += [f"{rest} of other kinds"] if rest else []
        kind, what = "others", f"{counted(len(events), 'event')} more: {listed(parts)}"
    return Cause(
        kind=kind,
        amount=amount,
        what=what,
        count=len(events),
        positions=(events[0].position, events[-1].position),
        event=events[0].event if len(events) == 1 else None,
    )


def _kind(event: object) -> str:
    """An event's class in words: ``service_attached``.

    >>> _kind(UserWarning())
    'user_warning'
    """
    name = type(event).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def usage_cause(
    sources: Sequence[str],
    found: Sequence[tuple[Recorded, PackedRecord]],
    amount: int,
    is_sum: Callable[[str], bool],
    words: MeterWords,
) -> Cause:
    """What usage records of some sources did. is_sum: whether a meter adds values up."""
    values: dict[str, list[Decimal]] = {}
    records = Counter(record.meter for _, record in found)
    for _, record in found:
        if is_sum(record.meter):
            values.setdefault(record.meter, []).append(Decimal(record.value))
    quantities = {
        meter: plain(total(values[meter])) if meter in values else f"{counted(count, 'record')}"
        for meter, count in sorted(records.items())
    }
    parts = [
        f"{words.name(meter)} ({words.quantity(meter, each) if meter in values else each})"
        for meter, each in list(quantities.items())[:NAMED_MAX]
    ]
    parts += ["more"] if len(quantities) > NAMED_MAX else []
    whose = sources[0] if len(sources) == 1 else counted(len(sources), "other source")
    positions = [recorded.position for recorded, _ in found]
    return Cause(
        kind="usage" if len(sources) == 1 else "others",
        amount=amount,
        what=f"{counted(len(found), 'usage record')} from {whose}: {listed(parts)}",
        count=len(found),
        positions=(min(positions), max(positions)),
        quantities=quantities,
    )


Step = tuple[str, str, Surroundings]
"""Kind, sentence, and the surroundings after it."""


def around_steps(before: Surroundings, after: Surroundings) -> Iterator[Step]:
    """From what an invoice took from outside to what it takes now, one thing at a time."""
    now = replace(before, coming=after.coming)
    yield "coming", "The cycle to come changed", now
    now = replace(now, handover=after.handover)
    left = after.handover.cycle if after.handover else "the cycle before"
    yield "carried_over", f"Carried over from {left}", now
    late, wanted = ({each.cycle: each for each in side.late} for side in (before, after))
    for cycle in sorted(late.keys() | wanted.keys()):
        late.pop(cycle, None)
        late |= {cycle: wanted[cycle]} if cycle in wanted else {}
        now = replace(now, late=[late[each] for each in sorted(late)])
        yield "late", f"Late facts of {cycle} are billed here", now
    now = replace(now, minimum=after.minimum)
    yield "minimum", "The smallest amount that is invoiced changed", now
    now = replace(now, automatic_tax=after.automatic_tax)
    yield "tax", "The policy automatic_tax changed", now
    now = replace(now, credits=after.credits)
    yield "credits", "Credits were granted, expired, or used by other invoices", now


def others(amount: int) -> Cause:
    """What nothing in this cycle explains."""
    return Cause(
        kind="others", amount=amount, what="What other cycles of the organization changed", count=0
    )
