"""Settling: fixes the books of closed cycles, oldest first, and hands over what they leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from application.cycles import every_cycle, follows
from application.driving import awaits_draft
from application.handed_over import pass_on
from application.live import InTurn, credits_used, locked_in_turn
from application.ports import OpenBooks
from application.unusual import Check, no_check
from domain.billing_cycle import BillingCycle, Status
from domain.catalog import Catalog
from domain.events.amounts import CreditApplied
from domain.events.late import LateAmountsBilled
from domain.events.organization import CreditGranted

NO_REASONS: Mapping[str, str] = MappingProxyType({})
"""Nobody said why any cycle goes on: its time has come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A cycle that goes no further by itself for now, and why."""

    cycle: str
    code: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Settled:
    """What was settled, and what waits."""

    settled: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def settle(
    books: OpenBooks,
    catalog: Catalog,
    now: datetime,
    check: Check = no_check,
    reasons: Mapping[str, str] = NO_REASONS,
) -> Settled:
    """Settle every closed cycle that may be.

    That decides, once, who used which credit, who bills what became known late, and what is
    carried. One that waits for a person keeps the others from it only where it carries an
    amount to them.

    check: looks at each cycle before, and may hold it. reasons: why a person has a cycle settled.
    """
    done = Settled()
    if any(cycle.status is Status.CLOSED for cycle in books.cycles):
        _settle_in_turn(books, catalog, now, done, check, reasons)
    _expire_credits(books, now)
    return done


def _settle_in_turn(
    books: OpenBooks,
    catalog: Catalog,
    now: datetime,
    done: Settled,
    check: Check,
    reasons: Mapping[str, str],
) -> None:
    # All are rated before any is settled: that is what people have seen.
    turns = locked_in_turn(books, catalog)
    late = {turn.state.cycle.id: turn for turn in turns if turn.late}
    for before, turn in zip([None, *turns], turns, strict=False):
        cycle = turn.state.cycle
        if cycle.status is not Status.CLOSED:
            continue
        if cycle.held is None:
            check(books, turn, now)
        if waiting := _why_not(books, before, turn, now):
            done.waiting.append(waiting)
        else:
            if not done.settled:
                pass_on(books, turns)
            _settle(books, turn, late, now, reasons.get(cycle.id, ""))
            done.settled.append(cycle.id)


def _why_not(
    books: OpenBooks, before: InTurn | None, turn: InTurn, now: datetime
) -> Waiting | None:
    """Why a closed cycle cannot be settled now."""
    cycle, invoice = turn.state.cycle, turn.rated.invoice
    if before is not None and before.state.cycle.settled is None and before.rated.carried:
        reason = f"{before.state.cycle.id} is not settled and carries an amount to it"
        return Waiting(cycle=cycle.id, code="carried_amount_open", reason=reason)
    if cycle.held is not None:
        return Waiting(cycle=cycle.id, code="cycle_held", reason=cycle.held.reason)
    if awaits_draft(books.organization, cycle, now):
        reason = "its Stripe subscription has not made a draft yet"
        return Waiting(cycle=cycle.id, code="awaits_subscription", reason=reason)
    if not _needs_approval(books, invoice.subtotal) or cycle.is_approved(invoice):
        return None
    if events := cycle.request_approval(invoice, now):
        books.append(cycle, events)
    return Waiting(cycle=cycle.id, code="approval_required", reason="a person has to approve it")


def _needs_approval(books: OpenBooks, subtotal: int) -> bool:
    policy = books.organization.policy
    above = subtotal > int(str(policy("approval_amount")))
    return policy("approval") == "always" or (policy("approval") == "above" and above)


def _settle(
    books: OpenBooks, turn: InTurn, late: dict[str, InTurn], now: datetime, reason: str
) -> None:
    """Record what the invoice takes from outside, settle it, and hand over what it leaves."""
    cycle, rated = turn.state.cycle, turn.rated
    books.append(cycle, _credits_applied(books, turn, now))
    for billed in turn.around.late:
        mine = LateAmountsBilled(at=now, cycle=billed.cycle, lines=billed.lines)
        books.append(cycle, [mine])
        _note_billed(books, late[billed.cycle], mine, cycle.id, now)
    if turn.around.handover is not None and turn.around.handover != cycle.handover:
        books.append(cycle, [turn.around.handover])
    basis = {key: line.amount for key, line in rated.basis.items()}
    version = books.version(cycle)
    started = cycle.start_finalization(
        rated.invoice, basis, rated.coming, version, now, turn.around.automatic_tax, reason
    )
    books.append(cycle, started)
    _hand_over(books, turn, now)


def _note_billed(
    books: OpenBooks, turn: InTurn, billed: LateAmountsBilled, by: str, now: datetime
) -> None:
    """Tell the settled cycle who billed what became known late of it."""
    owing, difference = turn.state.cycle, turn.late
    lines = {line.line: line.amount for line in billed.lines}
    left = difference is not None and len(lines) < len(difference.lines + difference.proposals)
    books.append(owing, owing.bill_late(by, lines, now, open=left))


def _hand_over(books: OpenBooks, turn: InTurn, now: datetime) -> None:
    """Leave to the next cycle what is its; where none follows, what is carried is a credit."""
    cycle = turn.state.cycle
    later = [each for each in every_cycle(books) if follows(cycle, each)]
    goes_on = bool(later) and later[0].currency == cycle.currency
    takes_amount = goes_on and later[0].settled is None
    if goes_on:
        handover = turn.rated.handover(later[0].period.start)
        if not takes_amount:
            handover = replace(handover, amount=turn.around.taken)
        if handover.amount or handover.ahead or handover.levels or later[0].known_handover:
            books.append(later[0], [handover])
    left = turn.rated.carried - turn.around.taken
    if not takes_amount and left < 0:
        grant = CreditGranted(
            at=now,
            credit=f"carry-{cycle.period.end:%Y-%m-%d}-{cycle.revision}",
            amount=-left,
            currency=cycle.currency,
            reason=f"left over from {cycle.id}",
        )
        books.append_organization(books.organization.grant_credit(grant))


def _credits_applied(books: OpenBooks, turn: InTurn, at: datetime) -> list[CreditApplied]:
    grants = books.organization.credits
    return [
        CreditApplied(at=at, credit=credit, amount=amount, reason=grants[credit].reason)
        for credit, amount in credits_used(turn.rated).items()
    ]


def _expire_credits(books: OpenBooks, now: datetime) -> None:
    """Let credits go that no invoice can use any more."""
    unsettled = _unsettled(books.cycles)
    if not books.organization.credits or not unsettled:
        return
    oldest = min(min(cycle.period.start for cycle in unsettled), now)
    used = books.used_credits()
    if events := books.organization.expire_credits(used, oldest, now):
        books.append_organization(events)


def _unsettled(cycles: Iterable[BillingCycle]) -> list[BillingCycle]:
    return [cycle for cycle in cycles if cycle.settled is None]
