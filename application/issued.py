"""Work on an issued invoice at Stripe: taking it back, crediting it, giving up on it."""

from dataclasses import replace

from application.gateway import CreditNote, InvoiceGateway, StripeNote, StripeRequest
from application.stripe_calls import StripeCalls, StripeLog
from domain.errors import GatewayUnavailable, InvalidInput, RuleViolation
from domain.events.stripe_invoice import CreditNoteObserved, InvoiceVoidedAtStripe
from domain.line_key import strange_key
from projections.remote_invoice import RemoteInvoice, RemoteStatus, news

VOIDABLE = frozenset({RemoteStatus.OPEN, RemoteStatus.UNCOLLECTIBLE})

Held = dict[str, str]
"""Stripe's ids of the invoice's lines, by line key."""


class IssuedWork:
    """One worker's run over an issued invoice, fenced by its place in the cycle's stream.

    It goes by the invoice on our record, and not by what the books want now: they may have
    moved on to the next revision.
    """

    def __init__(self, gateway: InvoiceGateway, log: StripeLog, calls: StripeCalls) -> None:
        self._gateway = gateway
        self._log = log
        self._calls = calls

    def void(self) -> None:
        """Void the invoice. One that is void already is left alone.

        Raises:
            RuleViolation: there is none, it is a draft, or it was paid.
        """
        seen = self._look()
        if seen.status is RemoteStatus.VOID:
            self._want_void(seen)
            return
        if seen.status not in VOIDABLE:
            raise self._unfit(seen, "a credit note corrects it", "not_voidable")
        self._calls.make(self._gateway.void(seen.id))
        self._look()

    def _want_void(self, seen: RemoteInvoice) -> None:
        """Somebody else voided it; from now on it is what we want."""
        state = self._log.state
        if not state.voiding:
            revision = state.revision
            self._log.add(InvoiceVoidedAtStripe(invoice=seen.id, revision=revision, wanted=True))
            self._log.save()

    def mark_uncollectible(self) -> None:
        """Give up on the invoice. Done already, it is left alone.

        Raises:
            RuleViolation: there is none, or it is not open.
        """
        seen = self._look()
        if seen.status is RemoteStatus.UNCOLLECTIBLE:
            return
        if seen.status is not RemoteStatus.OPEN:
            raise self._unfit(seen, "nothing is left to give up on", "not_open")
        self._calls.make(self._gateway.mark_uncollectible(seen.id))
        self._look()

    def credit(self, note: CreditNote) -> StripeNote:
        """Issue a credit note, or find the one that carries its id.

        Raises:
            RuleViolation: the invoice cannot be credited, or not in these ways.
            InvalidInput: the note names a line that the invoice does not have.
        """
        seen = self._look()
        if known := self._known(seen, note.id):
            return known
        held = {key: line.id for key, line in seen.lines.items()}
        held |= {strange_key(each.line): each.line for each in seen.foreign}
        if strange := sorted(note.lines.keys() - held.keys()):
            message = f"the invoice of {self._log.cycle} has no line {strange[0]}"
            raise InvalidInput(message, field="lines", cycle=self._log.cycle)
        answer = self._calls.make(self._request(seen, self._sized(seen, note, held), held))
        self._log.save()
        return self._made(answer.reference or "")

    def _known(self, seen: RemoteInvoice, note: str) -> StripeNote | None:
        """The note that is there already: on our record, or made by a call nobody remembers.

        Raises:
            RuleViolation: it is on our record, and Stripe has none.
        """
        recorded = self._log.state.notes.get(note)
        if recorded and (kept := self._gateway.note(recorded)):
            return kept
        found = next((each for each in self._gateway.notes(seen.id) if each.note == note), None)
        if found:
            self._log.add(CreditNoteObserved(note=note, stripe_note=found.id))
            self._log.save()
        elif recorded:
            raise RuleViolation(f"Stripe has no credit note {recorded}", code="note_gone")
        return found

    def _made(self, stripe_note: str) -> StripeNote:
        """The note just made.

        Raises:
            GatewayUnavailable: Stripe named one that it does not have; the next try finds it.
        """
        if found := self._gateway.note(stripe_note):
            return found
        raise GatewayUnavailable(f"Stripe has no credit note {stripe_note}, which it just made")

    def _sized(self, seen: RemoteInvoice, note: CreditNote, held: Held) -> CreditNote:
        """The note with its ways as Stripe counts them: with tax, and what is due first.

        Raises:
            RuleViolation: what is due takes another part of the note than it says.
        """
        total, due = note.amount, min(seen.issue.amount_remaining, note.amount)
        if seen.issue.tax:
            size = self._gateway.size(self._request(seen, note, held))
            total, due = size.total, size.reduce_due
        rest = (note.refund, note.credit_balance, note.out_of_band)
        whole = note.reduce_due + sum(rest) == note.amount
        fits = due == note.reduce_due if total == note.amount else bool(sum(rest)) == (due < total)
        if not (whole and fits):
            raise self._split_differs(min(due, note.amount), note)
        refund, balance, out_of_band = shared_out(total - due, rest)
        return replace(
            note, reduce_due=due, refund=refund, credit_balance=balance, out_of_band=out_of_band
        )

    def _split_differs(self, due: int, note: CreditNote) -> RuleViolation:
        return RuleViolation(
            f"a credit note first takes off what is still to be paid: of {note.amount}, "
            f"reduce_due has to be {due}, and refund, credit_balance and out_of_band together "
            f"{note.amount - due}",
            code="split_differs",
            cycle=self._log.cycle,
            reduce_due=due,
        )

    def _request(self, seen: RemoteInvoice, note: CreditNote, held: Held) -> StripeRequest:
        return self._gateway.credit_note(seen.id, self._log.cycle, note, held)

    def _look(self) -> RemoteInvoice:
        """Answer what was left open, read the invoice and record what is news."""
        self._calls.settle()
        state = self._log.state
        known = state.live(state.revision)
        seen = self._gateway.glance(known) if known else None
        if seen is None or seen.is_draft:
            self._log.save()
            message = f"{self._log.cycle} has no finalized invoice at Stripe"
            raise RuleViolation(message, code="not_issued", cycle=self._log.cycle)
        seen = self._gateway.complete(seen)
        self._log.add(*news(state, seen, state.revision))
        self._log.save()
        return seen

    def _unfit(self, seen: RemoteInvoice, why: str, code: str) -> RuleViolation:
        message = f"the invoice of {self._log.cycle} is {seen.status.value} at Stripe: {why}"
        return RuleViolation(message, code=code, cycle=self._log.cycle)


def shared_out(amount: int, parts: tuple[int, int, int]) -> tuple[int, int, int]:
    """An amount in the proportion of its parts, to the last minor unit.

    >>> shared_out(105, (100, 0, 0)), shared_out(10, (1, 1, 1))
    ((105, 0, 0), (3, 3, 4))
    """
    whole, upto = sum(parts) or 1, 0
    shares = []
    for part in parts:
        shares.append(amount * (upto + part) // whole - amount * upto // whole)
        upto += part
    first, second, third = shares
    return first, second, third
