"""What an invoice and its life mean for the journal: transactions folded from a cycle's events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from domain.events.amounts import CreditApplied
from domain.events.cycle import CycleOpened, FinalizationStarted
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import StripeInvoiceFinalized
from domain.line_key import line_key
from projections.journal.accounts import (
    BAD_DEBT,
    BALANCE,
    CASH,
    CREDITS,
    CREDITS_GRANTED,
    DISPUTED,
    DISPUTES,
    ELSEWHERE,
    RECEIVABLE,
    REFUNDS,
    REFUNDS_OWED,
    TAX,
    account_of,
)
from projections.journal.transactions import Posting, Transaction, balanced, moved, taken_back


@dataclass(kw_only=True)
class CycleJournal:
    """One cycle's events, in the order they were recorded, turned into transactions.

    booked: what the invoice and its notes have moved, by account, to be taken back by a void.
    ahead: cash of an invoice that is paid, until a payment says which one it was.
    forgone: what a paid invoice still asked for when nothing more was to come.
    """

    cycle: str = ""
    organization: str = ""
    currency: str = ""
    revision: int = 1
    number: str | None = None
    settled: FinalizationStarted | None = None
    applied: dict[str, int] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    booked: list[Posting] = field(default_factory=list)
    paid: int = 0
    ahead: int = 0
    forgone: int = 0
    written_off: int = 0
    notes: dict[str, tuple[Posting, ...]] = field(default_factory=dict)
    refunds: set[str] = field(default_factory=set)
    disputes: dict[str, int] = field(default_factory=dict)
    void: bool = False

    def take(self, event: object) -> Iterator[Transaction]:
        """What an event of the cycle, or of its life at the processor, means for the journal."""
        match event:
            case CycleOpened():
                self.cycle, self.organization = event.cycle, event.organization
                self.currency = event.currency
            case CreditApplied():
                self.applied[event.credit] = self.applied.get(event.credit, 0) + event.amount
            case FinalizationStarted():
                self.settled = event
            case StripeInvoiceFinalized():
                self.due[event.invoice] = event.amount_due
            case InvoiceFinalized():
                yield from self._issued(event)
            case InvoiceVoided():
                yield from self._voided(event)
            case _:
                yield from self._outcome(event)

    @property
    def receivable(self) -> int:
        """What the customer owes of this invoice, by the journal."""
        owed = sum(each.amount for each in self.booked if each.account == RECEIVABLE)
        return owed - self.paid - self.written_off

    # What an invoice is

    def _issued(self, event: InvoiceFinalized) -> Iterator[Transaction]:
        self.number, self.void = event.number, False
        lines = self.settled.lines if self.settled else {}
        postings = [Posting(account=RECEIVABLE, amount=event.total)]
        postings += [_line(key, -amount) for key, amount in lines.items()]
        postings += [Posting(account=TAX, amount=-(event.tax or 0))]
        for credit, amount in self.applied.items():
            if line_key("credit", credit) not in lines:  # it went into the other lines
                postings += moved(amount, CREDITS, CREDITS_GRANTED)
        due = self.due.get(event.stripe_invoice or "", event.total)
        postings += moved(event.total - due, BALANCE, RECEIVABLE)
        whole = balanced(postings)
        self.booked += whole
        yield from self._told("invoice", event.at, whole, text="Invoice")

    def _voided(self, event: InvoiceVoided) -> Iterator[Transaction]:
        if not self.void:
            self.void = True
            back = taken_back(self.booked)
            back += moved(self.written_off, RECEIVABLE, BAD_DEBT)
            text = f"Invoice taken back: {event.reason}"
            yield from self._told("void", event.at, back, text=text)
            self.booked, self.notes, self.written_off = [], {}, 0
        if event.mode == "reissue":
            self.revision += 1
            self.settled, self.number, self.applied = None, None, {}
            self.paid = self.ahead = self.forgone = 0

    # What became of it

    def _outcome(self, event: object) -> Iterator[Transaction]:
        match event:
            case PaymentRecorded():
                new = event.amount - min(self.ahead, event.amount)
                self.ahead -= event.amount - new
                yield from self._payment(new, event.at, event.reference)
            case InvoicePaid():
                yield from self._whole(event)
            case InvoiceMarkedUncollectible():
                lost, self.written_off = self.receivable, self.written_off + self.receivable
                postings = moved(lost, BAD_DEBT, RECEIVABLE)
                yield from self._told("uncollectible", event.at, postings, text="Given up")
            case InvoiceBilledElsewhere():
                back, self.booked = taken_back(self.booked), []
                text = "Billed by another program"
                yield from self._told("billed_elsewhere", event.at, back, text=text)
            case CreditNoteIssued() | CreditNoteVoided():
                yield from self._note(event)
            case _:
                yield from self._money_back(event)

    def _whole(self, event: InvoicePaid) -> Iterator[Transaction]:
        """The invoice is paid: with payments known already, one still to be named, or a balance."""
        rest = max(event.amount - self.paid, 0)
        self.ahead += rest
        yield from self._payment(rest, event.at, None)
        self.forgone += self.receivable
        left = moved(self.receivable, BALANCE, RECEIVABLE)
        self.booked += left
        yield from self._told("balance", event.at, left, text="Settled from the balance")

    def _payment(self, amount: int, at: datetime, reference: str | None) -> Iterator[Transaction]:
        recovered = min(self.written_off, amount)
        self.written_off -= recovered
        self.paid += amount
        postings = [
            Posting(account=CASH, amount=amount),
            Posting(account=BAD_DEBT, amount=-recovered),
            Posting(account=RECEIVABLE, amount=recovered - amount),
        ]
        yield from self._told("payment", at, postings, reference, text="Payment")

    def _note(self, event: CreditNoteIssued | CreditNoteVoided) -> Iterator[Transaction]:
        if isinstance(event, CreditNoteVoided):
            back = taken_back(self.notes.pop(event.note, ()))
            self.booked += back
            text = "Credit note taken back"
            yield from self._told("note_void", event.at, back, event.note, text=text)
            return
        postings = balanced([*_credited(event), *self._ways(event)])
        self.notes[event.note] = postings
        self.booked += postings
        text = f"Credit note: {event.reason}"
        yield from self._told("note", event.at, postings, event.note, text=text)

    def _ways(self, note: CreditNoteIssued) -> Iterator[Posting]:
        """How a note was given back. An invoice paid before was settled without it."""
        known = min(self.forgone, note.reduce_due)
        self.forgone -= known
        yield Posting(account=RECEIVABLE, amount=known - note.reduce_due)
        yield Posting(account=BALANCE, amount=-known - note.credit_balance)
        yield Posting(account=CASH, amount=-note.refund)
        yield Posting(account=ELSEWHERE, amount=-note.out_of_band)

    def _money_back(self, event: object) -> Iterator[Transaction]:
        match event:
            case RefundRecorded():
                self.refunds.add(event.refund)
                postings = moved(event.amount, REFUNDS, CASH)
                text = f"Refund: {event.reason}"
                yield from self._told("refund", event.at, postings, event.refund, text=text)
            case RefundFailed():
                # One that a note told of is still owed.
                why = REFUNDS if event.refund in self.refunds else REFUNDS_OWED
                postings = moved(event.amount, CASH, why)
                text = f"Refund came back: {event.reason}"
                yield from self._told("refund_failed", event.at, postings, event.refund, text=text)
            case DisputeOpened():
                self.disputes[event.dispute] = event.amount
                postings = moved(event.amount, DISPUTED, CASH)
                text = f"Dispute: {event.reason}"
                yield from self._told("dispute", event.at, postings, event.dispute, text=text)
            case DisputeClosed():
                end = DISPUTES if event.outcome == "lost" else CASH
                postings = moved(self.disputes.pop(event.dispute, 0), end, DISPUTED)
                text = f"Dispute {event.outcome}"
                yield from self._told("dispute_end", event.at, postings, event.dispute, text=text)

    def _told(
        self,
        kind: str,
        at: datetime,
        postings: Iterable[Posting],
        document: str | None = None,
        *,
        text: str,
    ) -> Iterator[Transaction]:
        """A transaction, unless it moves nothing."""
        moving = tuple(each for each in postings if each.amount)
        revision = f"#{self.revision}" if self.revision > 1 else ""
        if moving:
            yield Transaction(
                id="/".join(filter(None, [f"{self.cycle}{revision}", kind, document])),
                at=at,
                kind=kind,
                organization=self.organization,
                cycle=self.cycle,
                document=document or self.number,
                currency=self.currency,
                text=text,
                postings=moving,
            )


def _credited(note: CreditNoteIssued) -> Iterator[Posting]:
    yield from (_line(key, amount) for key, amount in note.lines.items())
    yield Posting(account=TAX, amount=note.tax or 0)


def _line(key: str, amount: int) -> Posting:
    return Posting(account=account_of(key), amount=amount, line=key)
