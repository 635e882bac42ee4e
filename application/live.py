"""The invoices of an organization's cycles, rated in turn: each leaves something to the next."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote

from application.cycles import every_cycle
from application.ports import CycleState, OpenBooks, Snapshot
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog, Meter
from domain.events.amounts import HandedOver
from domain.events.cycle import Coming
from domain.events.late import LateAmountsBilled
from domain.money import minimum_charge
from domain.organization import Organization
from domain.rating import ALONE, LateDifference, Rated, Surroundings, late_difference, rate

Used = dict[str, int]
"""Minor units used of each credit, by its id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InTurn:
    """A cycle, what it took from outside, and its invoice.

    left: what it leaves to the next one, where that is not recorded yet. late: of a settled
    cycle, what became known late and is not billed yet.
    """

    state: CycleState
    around: Surroundings
    rated: Rated
    left: HandedOver | None = None
    late: LateDifference | None = None


def meters_in_force(catalog: Catalog, cycle: BillingCycle) -> dict[str, Meter]:
    """The version of every meter that a cycle counts by."""
    found = ((name, catalog.meter_for(name, cycle.opened_at)) for name in catalog.meters)
    return {name: meter for name, meter in found if meter is not None}


def credits_used(rated: Rated) -> Used:
    """What an invoice takes off, by credit."""
    return {
        unquote(line.key.removeprefix("credit/")): -line.amount
        for line in rated.lines
        if line.kind == "credit"
    }


def rate_cycle(
    state: CycleState,
    catalog: Catalog,
    around: Surroundings = ALONE,
    until: datetime | None = None,
) -> Rated:
    """One cycle's invoice; ``until`` gives the figure accrued so far."""
    meters = meters_in_force(catalog, state.cycle)
    return rate(state.cycle, state.tallies, catalog.book, meters, around, until)


def rate_in_turn(
    organization: Organization,
    states: Sequence[CycleState],
    applied: Mapping[str, int],
    catalog: Catalog,
) -> Iterator[InTurn]:
    """Rate cycles, oldest first.

    Each unsettled one takes from the credits what those before it left; what the cycle before
    leaves to it; and the first of them, what became known late of settled ones.

    applied: what settled invoices have used of each credit; whether these are among
    ``states`` does not matter.
    """
    used, late = dict(applied), list[LateAmountsBilled]()
    handover: HandedOver | None = None
    for state, following in zip(states, [*states[1:], None], strict=False):
        cycle = state.cycle
        if cycle.settled is not None:
            turn = _settled(state, following, handover, catalog)
            late += _billable(organization, turn)
            handover = turn.left
            yield turn
            continue
        mine = [each for each in late if _currency(states, each) == cycle.currency]
        around = Surroundings(
            credits=organization.open_credits(used, cycle.currency),
            handover=handover,
            late=mine,
            coming=_coming(organization, cycle, following),
            minimum=_minimum(organization, cycle, following),
            taken=_taken_over(cycle, following.cycle if following else None),
            automatic_tax=organization.policy("automatic_tax") is True,
        )
        rated = rate_cycle(state, catalog, around)
        late = [each for each in late if each not in mine]
        for credit, amount in credits_used(rated).items():
            used[credit] = used.get(credit, 0) + amount
        handover = rated.handover(cycle.period.end) if _goes_on(cycle, following) else None
        yield InTurn(state=state, around=around, rated=rated, left=handover)


def in_turn(snapshot: Snapshot, catalog: Catalog, cycle: str | None = None) -> list[InTurn]:
    """The cycles of a snapshot, rated; one more where it is not among them.

    An issued cycle takes nothing from others: asked for alone, it is rated alone.
    """
    states = sorted([*snapshot.owing, *snapshot.cycles], key=lambda state: state.cycle.period.start)
    if snapshot.asked and all(each.cycle.id != cycle for each in states):
        states = [snapshot.asked]
    return list(rate_in_turn(snapshot.organization, states, snapshot.applied, catalog))


def locked_in_turn(books: OpenBooks, catalog: Catalog) -> list[InTurn]:
    """The cycles that are locked for a change, rated as they are now."""
    states = [books.state(cycle) for cycle in every_cycle(books)]
    return list(rate_in_turn(books.organization, states, books.used_credits(), catalog))


def _settled(
    state: CycleState,
    following: CycleState | None,
    handover: HandedOver | None,
    catalog: Catalog,
) -> InTurn:
    """A settled cycle, and what it would leave to the next now, where that changed."""
    rated = rate_cycle(state, catalog)
    if state.late is None and handover is None and not any(state.cycle.billed_late.values()):
        return InTurn(state=state, around=ALONE, rated=rated)
    known = CycleState(
        cycle=state.cycle.as_known(),
        tallies=state.tallies if state.late is None else state.late,
        version=state.version,
    )
    settled = state.cycle.settled
    around = Surroundings(handover=handover, coming=settled.coming if settled else None)
    now = rate_cycle(known, catalog, around)
    return InTurn(
        state=state,
        around=ALONE,
        rated=rated,
        left=_changed(state.cycle, following, now),
        late=late_difference(state.cycle, now.basis),
    )


def _changed(cycle: BillingCycle, following: CycleState | None, now: Rated) -> HandedOver | None:
    """Levels that hold on may have been other ones; amounts stay as they were billed."""
    if following is None or not _goes_on(cycle, following):
        return None
    nothing = HandedOver(at=cycle.period.end, cycle=cycle.id, amount=0)
    left = following.cycle.known_handover or nothing
    return None if left.levels == now.levels else replace(left, levels=now.levels)


def _goes_on(cycle: BillingCycle, following: CycleState | None) -> bool:
    """Whether the next cycle begins where this one ends, and takes over what it leaves."""
    if following is None:
        return False
    later = following.cycle
    return later.period.start == cycle.period.end and later.currency == cycle.currency


def _billable(organization: Organization, turn: InTurn) -> list[LateAmountsBilled]:
    """What the next invoice bills of it: nothing of one that is void, and what comes back on a
    credit note is not billed here."""
    cycle, late = turn.state.cycle, turn.late
    if late is None or cycle.is_void:
        return []
    lines = late.lines
    if organization.policy("late_facts") == "credit_note_or_charge":
        noted = cycle.creditable(lines)
        lines = tuple(line for line in lines if line.line not in noted)
    return [LateAmountsBilled(at=cycle.period.end, cycle=cycle.id, lines=lines)] if lines else []


def _currency(states: Iterable[CycleState], billed: LateAmountsBilled) -> str:
    return next(each.cycle.currency for each in states if each.cycle.id == billed.cycle)


def _coming(
    organization: Organization, cycle: BillingCycle, following: CycleState | None
) -> Coming | None:
    """The cycle that follows in the same currency, opened already or not."""
    end = cycle.period.end
    if following is not None:
        goes_on = following.cycle.period.start == end
        currency = following.cycle.currency
        period, full = following.cycle.period, following.cycle.full_period
    else:
        goes_on, currency = organization.closed_at is None, organization.currency
        period, full = organization.period_after(end)
    if not goes_on or currency != cycle.currency:
        return None
    return Coming(period.start, period.end, full.start, full.end)


def _taken_over(cycle: BillingCycle, following: BillingCycle | None) -> int:
    """What a settled invoice took over from a cycle, in minor units; it stays on that invoice."""
    if following is None or following.settled is None or following.handover is None:
        return 0
    return following.handover.amount if following.handover.cycle == cycle.id else 0


def _minimum(organization: Organization, cycle: BillingCycle, following: CycleState | None) -> int:
    """Below this it is carried over, unless the next invoice is settled already."""
    if following is not None and following.cycle.settled is not None:
        return 0
    asked = organization.policy("minimum_invoice")
    return minimum_charge(cycle.currency) if asked is None else int(str(asked))
