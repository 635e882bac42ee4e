"""A billing cycle read off its events: its basis, what is known now, and what was decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from domain.events.amounts import (
    AmountOverridden,
    CreditApplied,
    DiscountEnded,
    DiscountGranted,
    DraftAdopted,
    EditsAdopted,
    HandedOver,
    LineWaived,
    OneOffItemAdded,
)
from domain.events.base import Recorded
from domain.events.cycle import CycleClosed, CycleClosing, CycleOpened, FinalizationStarted
from domain.events.late import (
    LateAmountsBilled,
    LateFactsBilled,
    LateFactsReopened,
    LateProposalAccepted,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceFinalized,
    InvoiceVoided,
)
from projections.checks.facts import FACTS, Facts, Span

Kind = TypeVar("Kind")


@dataclass(kw_only=True, slots=True)
class Reading:
    """A cycle by its events without usage, at its basis and with everything known.

    cutoff: version of the last event that is part of the basis, once usage is cut off.
    end: of its period, however it came to end.
    """

    opened: CycleOpened
    recorded_at: datetime
    events: Sequence[Recorded]
    end: datetime
    cutoff: int | None
    settled: FinalizationStarted | None
    basis: Facts
    known: Facts
    late_facts: bool
    revision: int
    forgiven: bool
    void: bool

    @property
    def cycle(self) -> str:
        """Its id."""
        return self.opened.cycle

    @property
    def span(self) -> Span:
        """Its period."""
        return self.opened.start, self.end

    def all(self, kind: type[Kind]) -> list[Kind]:
        """Its events of a kind, whatever was revised."""
        return [each.event for each in self.events if isinstance(each.event, kind)]

    def current(self, kind: type[Kind]) -> list[Kind]:
        """The same of the current revision only."""
        after = _last_reissue(self.events)
        return [
            each.event
            for each in self.events
            if isinstance(each.event, kind) and each.version > after
        ]

    def handover(self, *, known: bool) -> HandedOver | None:
        """What the cycle before left: as it was when this one was settled, or the latest."""
        settled_at = self._settled_at()
        found = [
            each.event
            for each in self.events
            if isinstance(each.event, HandedOver)
            and (known or settled_at is None or each.version < settled_at)
        ]
        return found[-1] if found else None

    def _settled_at(self) -> int | None:
        if self.settled is None:
            return None
        return next(each.version for each in self.events if each.event is self.settled)

    def discounts(self) -> list[DiscountGranted]:
        """Those that count, oldest first."""
        found: dict[str, DiscountGranted] = {}
        for event in self.all(object):
            if isinstance(event, DiscountGranted):
                found[event.discount] = event
            elif isinstance(event, DiscountEnded):
                found.pop(event.discount, None)
        return sorted(found.values(), key=lambda each: (each.at, each.discount))

    def items(self) -> dict[str, int]:
        """One-off amounts by id."""
        return {each.item: each.amount for each in self.all(OneOffItemAdded)}

    def adjusted(self) -> dict[str, tuple[list[LineWaived], list[AmountOverridden]]]:
        """What people decided, by line key."""
        found: dict[str, tuple[list[LineWaived], list[AmountOverridden]]] = {}
        for waived in self.all(LineWaived):
            found.setdefault(waived.line, ([], []))[0].append(waived)
        for said in self.all(AmountOverridden):
            found.setdefault(said.line, ([], []))[1].append(said)
        return found

    def adopted(self) -> tuple[dict[str, int], dict[str, int]]:
        """What others changed at Stripe, by our line; and their own lines, by Stripe's id."""
        every = {each.adoption: each for each in self.all(EditsAdopted)}.values()
        said = {each.invoice: each.lines for each in self.all(DraftAdopted)}
        said |= {each.adoption.partition("/")[0]: each.lines for each in every}
        theirs = {line.line: line.amount for lines in said.values() for line in lines}
        return _summed(change for each in every for change in each.amounts.items()), theirs

    def credits(self) -> dict[str, int]:
        """What its invoice took off the credit balance; one that is forgiven, nothing."""
        return {} if self.forgiven else self.credits_on_it()

    def credits_on_it(self) -> dict[str, int]:
        """The credits on its invoice."""
        return {each.credit: each.amount for each in self.current(CreditApplied)}

    def late_amounts(self) -> list[LateAmountsBilled]:
        """What its invoice bills of other cycles."""
        return list({each.cycle: each for each in self.current(LateAmountsBilled)}.values())

    def billed_late(self) -> dict[str, int]:
        """What others billed of this one, by line key."""
        return _summed(line for each in self.billed_by().values() for line in each.items())

    def billed_by(self) -> dict[str, dict[str, int]]:
        """The same by who billed it: an invoice's cycle, a credit note, or a person."""
        found: dict[str, list[tuple[str, int]]] = {}
        for event in self.all(object):
            if isinstance(event, LateFactsBilled):
                found.setdefault(event.by, []).extend(event.lines.items())
            elif isinstance(event, LateFactsReopened):
                found.pop(event.by, None)
            elif _is_reissue(event):  # notes on the void invoice went with it
                found = {by: lines for by, lines in found.items() if not by.startswith("note/")}
        return {by: _summed(lines) for by, lines in found.items()}

    def waiting_for_a_person(self) -> set[str]:
        """Lines somebody adjusted: late amounts of them are proposals until agreed."""
        billed_by = self.billed_by()
        notes = (n for n in self._notes() if f"note/{n.note}" not in billed_by)
        adopted, _ = self.adopted()
        touched = {*self.adjusted(), *adopted, *(line for note in notes for line in note.lines)}
        return touched - {each.line for each in self.all(LateProposalAccepted)}

    def creditable(self) -> dict[str, int]:
        """What a credit note can give back, by line: of an invoice that Stripe has issued."""
        issued = self.current(InvoiceFinalized)
        if self.settled is None or self.void or not issued or not issued[-1].stripe_invoice:
            return {}
        given = [(line, -amount) for note in self._notes() for line, amount in note.lines.items()]
        return _summed([*self.settled.lines.items(), *given])

    def _notes(self) -> list[CreditNoteIssued]:
        """The credit notes that were not taken back."""
        void = {each.note for each in self.current(CreditNoteVoided)}
        notes = {each.note: each for each in self.current(CreditNoteIssued)}
        return [note for id_, note in notes.items() if id_ not in void]


def _summed(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for key, amount in lines:
        total[key] = total.get(key, 0) + amount
    return total


def read_cycle(events: Sequence[Recorded]) -> Reading:
    """A cycle's control events, oldest first, of which the first opened it.

    Raises:
        ValueError: the first did not.
    """
    first = events[0].event if events else None
    if not isinstance(first, CycleOpened):
        raise ValueError("a cycle's history does not begin with CycleOpened")
    cut = [
        each for each in events if isinstance(each.event, CycleClosed) or _is_reissue(each.event)
    ]
    closing = [each.event for each in events if isinstance(each.event, CycleClosing)]
    facts = [each for each in events if isinstance(each.event, FACTS)]
    late = [each for each in facts if cut and each.version > cut[-1].version]
    voids = [each.event for each in events if isinstance(each.event, InvoiceVoided)]
    settled = [
        each.event
        for each in events
        if isinstance(each.event, FinalizationStarted) and each.version > _last_reissue(events)
    ]
    return Reading(
        opened=first,
        recorded_at=events[0].recorded_at,
        events=events,
        end=closing[-1].at if closing else first.end,
        cutoff=cut[-1].event.version if cut else None,  # type: ignore[attr-defined]
        settled=settled[-1] if settled else None,
        basis=_facts(each for each in facts if each not in late),
        known=_facts(facts),
        late_facts=bool(late),
        revision=1 + sum(map(_is_reissue, voids)),
        forgiven=any(each.mode == "forgive" for each in voids),
        void=bool(voids) and not _is_reissue(voids[-1]),
    )


def _facts(facts: Iterable[Recorded]) -> Facts:
    found = Facts()
    for each in facts:
        found.take(each.event)
    return found


def _is_reissue(event: object) -> bool:
    return isinstance(event, InvoiceVoided) and event.mode == "reissue"


def _last_reissue(events: Sequence[Recorded]) -> int:
    """Its version; 0 where there was none."""
    return max((each.version for each in events if _is_reissue(each.event)), default=0)
