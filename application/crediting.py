"""Crediting: an issued invoice is corrected by a credit note."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from application.changing import Effect, Runner, append
from application.desired import organization_of
from application.gateway import CreditNote, StripeNote
from application.handed_over import pass_on, take_off_ahead
from application.live import InTurn, locked_in_turn
from application.ports import Books, CatalogReader, OpenBooks
from application.settling import Waiting
from application.views import Receipt
from domain.billing_cycle import BillingCycle
from domain.cycle.corrections import late_note
from domain.errors import CyclebookError, InvalidInput, NotFound, RuleViolation, StoreUnavailable
from domain.events.cycle import CycleEvent
from domain.events.late import NOTE
from domain.events.outcome import CreditNoteIssued
from domain.events.usage import EPOCH
from domain.pricing.fields import identifier
from domain.rating import LateDifference
from domain.text import written

REASON_MAX = 400
LATE = "what became known after the invoice was issued"


class NoteIssuer(Protocol):
    """Stripe's part; the reconciler does it. Safe to repeat: a note's id counts once."""

    def credit_note(self, cycle: str, note: CreditNote, actor: str) -> StripeNote:
        """Issue a credit note on the cycle's finalized invoice."""
        ...


@dataclass(kw_only=True, slots=True)
class Credited:
    """Notes that were issued, as ``cycle/note``, and what waits."""

    done: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


class Crediting:
    """Issues credit notes, by hand and for what became known late."""

    def __init__(
        self,
        books: Books,
        run: Runner[Receipt],
        catalog: CatalogReader,
        stripe: NoteIssuer,
        now: Callable[[], datetime],
    ) -> None:
        self._books = books
        self._run = run
        self._catalog = catalog
        self._stripe = stripe
        self._now = now

    def issue(self, cycle: str, note: CreditNote, *, actor: str) -> Receipt:
        """Correct an issued invoice. The same note again does nothing.

        Raises:
            NotFound: there is no such cycle.
            InvalidInput: a line is not on the invoice, or an amount is more than it has left.
            RuleViolation: it was not issued, is void, or the note was issued with other content.
            GatewayError, GatewayRejected: Stripe did not issue it; nothing is recorded.
        """
        identifier(note.id, "note")
        written(note.reason, "reason", REASON_MAX)
        known = self._cycle(cycle)
        if _issued_before(known, note):
            return self._record(cycle, note, None, actor)
        check_lines(known, note.lines)
        return self._record(cycle, note, self._stripe.credit_note(cycle, note, actor), actor)

    def credit_late(self, organization: str, now: datetime, actor: str) -> Credited:
        """Credit negative late amounts of issued invoices, where the policy says so.

        What a note gives back is recorded before Stripe hears of it: a crash in between leaves
        a note to be issued, never an amount to be given back twice.

        Raises:
            StoreUnavailable: what is not done yet is still due.
        """
        done = Credited()
        snapshot = self._books.snapshot(organization)
        owing = [state.cycle for state in snapshot.owing]
        if snapshot.organization.policy("late_facts") == "credit_note_or_charge":
            for cycle in owing:
                self._decide(cycle.id, now, actor)
        for state in self._books.snapshot(organization).owing:
            for note in state.cycle.pending_notes():
                self._issue_late(state.cycle, note, actor, done)
        return done

    def _decide(self, cycle: str, now: datetime, actor: str) -> None:
        """Fix what a note is to give back of a cycle's late amounts, if anything."""

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            late = _late(locked_in_turn(books, self._catalog.current()), asked)
            lines = asked.creditable(late.lines if late else ())
            if not lines or asked.pending_notes():
                return Effect(cycle=cycle, recorded=False)
            number = 1 + sum(by.startswith(NOTE) for by in asked.billed_late)
            by = late_note(f"late-{asked.revision}-{number}")
            return append(books, asked, asked.bill_late(by, lines, now, open=True))

        self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def _issue_late(self, cycle: BillingCycle, note: str, actor: str, done: Credited) -> None:
        amounts = cycle.billed_late[late_note(note)]
        lines = {line: -amount for line, amount in amounts.items()}
        total = sum(lines.values())
        wanted = CreditNote(id=note, lines=lines, reason=LATE, reduce_due=min(total, cycle.owed))
        wanted = replace(wanted, credit_balance=total - wanted.reduce_due)
        try:
            self._record(cycle.id, wanted, self._send(cycle.id, wanted, actor), actor)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            waiting = Waiting(cycle=cycle.id, code=refusal.code, reason=str(refusal))
            done.waiting.append(waiting)
        else:
            done.done.append(f"{cycle.id}/{note}")

    def _send(self, cycle: str, note: CreditNote, actor: str) -> StripeNote:
        """Stripe knows better what is still to be paid: a split it refuses is taken from it."""
        try:
            return self._stripe.credit_note(cycle, note, actor)
        except RuleViolation as refusal:
            if refusal.code != "split_differs":
                raise
            due = int(refusal.context["reduce_due"])
            other = replace(note, reduce_due=due, credit_balance=note.amount - due)
            return self._stripe.credit_note(cycle, other, actor)

    def _record(
        self, cycle: str, note: CreditNote, issued: StripeNote | None, actor: str
    ) -> Receipt:
        """Note what Stripe issued; ``None`` where that was noted before."""

        def change(books: OpenBooks) -> Effect:
            asked = _asked(books, cycle)
            events: list[CycleEvent] = []
            if issued is not None:
                events += asked.record_outcome(_event(note, issued, self._now()))
            if events and (by := late_note(note.id)) in asked.billed_late:
                turns = locked_in_turn(books, self._catalog.current())
                late = _late(turns, asked)
                left = bool(late and (late.lines or late.proposals))
                pass_on(books, turns)
                events += asked.bill_late(by, {}, self._now(), open=left)
            effect = append(books, asked, events)
            if events:
                take_off_ahead(books, asked, note.lines)
            return effect

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle, since=EPOCH)

    def _cycle(self, cycle: str) -> BillingCycle:
        asked = self._books.snapshot(organization_of(cycle), cycle).asked
        if asked is None:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        return asked.cycle


def _asked(books: OpenBooks, cycle: str) -> BillingCycle:
    if books.asked is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return books.asked


def _late(turns: Iterable[InTurn], cycle: BillingCycle) -> LateDifference | None:
    return next(turn.late for turn in turns if turn.state.cycle.id == cycle.id)


def _issued_before(cycle: BillingCycle, note: CreditNote) -> bool:
    known = cycle.notes.get(note.id)
    if known is not None and known.lines != dict(note.lines):
        raise RuleViolation(
            f"credit note {note.id} was issued with other lines", code="conflict", note=note.id
        )
    return known is not None


def check_lines(cycle: BillingCycle, lines: Mapping[str, int]) -> None:
    """Refuse a note that its invoice cannot have.

    Raises:
        InvalidInput: a line has less left on the invoice.
        RuleViolation: it was not issued, or is void.
    """
    if cycle.settled is None or not cycle.is_collected:
        raise RuleViolation(
            f"{cycle.id} is {cycle.status}: only an invoice issued at Stripe has credit notes",
            code="not_issued",
            cycle=cycle.id,
        )
    if not lines:
        raise InvalidInput("a credit note needs at least one line", field="lines")
    for line, amount in lines.items():
        noted = sum(note.lines.get(line, 0) for note in cycle.standing_notes)
        left = cycle.settled.lines.get(line, 0) - noted
        if not 0 < amount <= left:
            raise InvalidInput(
                f"{line} has {left} minor units left to be credited, not {amount}",
                field=f"lines.{line}",
            )


def _event(note: CreditNote, issued: StripeNote, at: datetime) -> CreditNoteIssued:
    return CreditNoteIssued(
        at=at,
        note=note.id,
        amount=note.amount,
        lines=dict(note.lines),
        reason=note.reason,
        reduce_due=issued.reduce_due,
        refund=issued.refund,
        credit_balance=issued.credit_balance,
        out_of_band=issued.out_of_band,
        tax=issued.tax,
        stripe_note=issued.id,
    )
