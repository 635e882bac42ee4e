"""Invoices without Stripe, behind the ``InvoiceGateway`` port: rows of our own database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta

from adapters.journal import reading, requests
from adapters.journal.held import Refused
from adapters.journal.reading import Reader
from adapters.journal.writing import Writing, fingerprint, naming
from application.gateway import (
    Answer,
    CreditNote,
    Draft,
    LineChanges,
    Renewal,
    StripeCall,
    StripeCustomer,
    StripeDispute,
    StripeNote,
    StripePayment,
    StripeRefund,
    StripeRequest,
)
from domain.errors import RuleViolation
from domain.invoice import Sold
from projections.change_set import UpdateDraft
from projections.remote_customer import RemoteCustomer
from projections.remote_invoice import Marks, RemoteInvoice

KEY_REUSED = "idempotency_error"
"""Stripe's own word for a key that is used for something else."""

Connect = Callable[[], AbstractContextManager[Reader]]

KEPT = timedelta(days=30)
"""How long an answer is kept under its key; an open call is read back long before."""

_LOCK_KEY = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_KNOWN = "SELECT asked, status, reference, code, message FROM journal_call WHERE key = %s"
_KEEP = """
    INSERT INTO journal_call (key, asked, status, reference, code, message, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_FORGET = "DELETE FROM journal_call WHERE at < %s"


class JournalGateway:
    """Holds and issues invoices in PostgreSQL, and numbers them without a gap.

    It is the books' own database, so trouble with it is ``StoreUnavailable`` or ``Busy``.

    connect: lends a connection in autocommit mode. now: the clock, aware UTC.
    """

    def __init__(self, connect: Connect, now: Callable[[], datetime]) -> None:
        self._connect = connect
        self._now = now

    # Reads

    def glance(self, invoice: str) -> RemoteInvoice | None:
        """The invoice with all its lines; ``None`` if it is gone."""
        with self._reading() as rows:
            return reading.invoice(rows, invoice)

    def complete(self, seen: RemoteInvoice) -> RemoteInvoice:
        """The same: all lines are there already."""
        return seen

    def find(self, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
        """Every invoice of a customer that carries the cycle's id, oldest first."""
        with self._reading() as rows:
            return reading.of_cycle(rows, customer, cycle)

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        """Every invoice made in ``[start, end)``, in pages, oldest first."""
        place = (start, 0)
        while True:
            with self._reading() as rows:
                page, place = reading.made(rows, place, end)
            if not page:
                return
            yield page

    def find_customer(self, organization: str, since: datetime) -> str | None:
        """The customer of an organization, whenever it was made."""
        query = "SELECT id FROM journal_customer WHERE organization = %s"
        with self._reading() as rows:
            found = rows.execute(query, [organization]).fetchone()
        return str(found[0]) if found else None

    def customer(self, customer: str) -> RemoteCustomer | None:
        """A customer by its id; ``None`` if there never was one."""
        query = "SELECT organization FROM journal_customer WHERE id = %s"
        with self._reading() as rows:
            found = rows.execute(query, [customer]).fetchone()
        return RemoteCustomer(id=customer, organization=found[0]) if found else None

    def portal_url(self, customer: str, return_url: str) -> str:
        """There are no pages for customers.

        Raises:
            RuleViolation: always.
        """
        raise _without_stripe("without Stripe there is no customer portal")

    def invoice_of(self, kind: str, thing: str) -> str | None:
        """The invoice itself: everything is told by its id here."""
        return thing if kind.startswith("invoice.") else None

    def renewal(self, invoice: str) -> Renewal | None:
        """``None``: nobody but us makes invoices here."""
        return None

    def note(self, note: str) -> StripeNote | None:
        """A credit note by its id; ``None`` if there is none."""
        with self._reading() as rows:
            return reading.note(rows, note)

    def notes(self, invoice: str) -> tuple[StripeNote, ...]:
        """The credit notes of an invoice, oldest first."""
        with self._reading() as rows:
            return reading.notes(rows, invoice)

    def size(self, request: StripeRequest) -> StripeNote:
        """There is no tax, so a note comes to what it says, and nobody has to ask.

        Raises:
            RuleViolation: always.
        """
        raise _without_stripe("nobody computes tax here")

    def payments(self, invoice: str) -> tuple[StripePayment, ...]:
        """The payments that were noted, oldest first."""
        with self._reading() as rows:
            return reading.payments(rows, invoice)

    def refunds(self, payment: str) -> tuple[StripeRefund, ...]:
        """None: what goes back is on a credit note."""
        return ()

    def disputes(self, payment: str) -> tuple[StripeDispute, ...]:
        """None: a transfer is not disputed."""
        return ()

    # Writes, built

    def new_customer(self, customer: StripeCustomer) -> StripeRequest:
        """Make a customer."""
        return requests.new_customer(customer)

    def own_customer(self, customer: str, organization: str | None) -> StripeRequest:
        """Say whose customer it is."""
        return requests.own_customer(customer, organization)

    def new_draft(self, draft: Draft) -> StripeRequest:
        """Open a draft."""
        return requests.new_draft(draft)

    def update_draft(self, invoice: str, change: UpdateDraft) -> StripeRequest:
        """Change when a draft will be due."""
        return requests.update_draft(invoice, change.becomes)

    def has_product(self, sold: Sold, *, ask: bool = True) -> bool:
        """Lines are kept as they are; no catalogue lies between."""
        return True

    def new_product(self, sold: Sold) -> StripeRequest:
        """There is no catalogue.

        Raises:
            RuleViolation: always.
        """
        raise _without_stripe("there is no catalogue here")

    def claim(self, invoice: str, marks: Marks) -> StripeRequest:
        """Nobody but us makes drafts.

        Raises:
            RuleViolation: always.
        """
        raise _without_stripe("there are no subscriptions here")

    def change_lines(self, invoice: str, changes: LineChanges, marks: Marks) -> StripeRequest:
        """Change lines of one kind, and leave our marks on the invoice."""
        return requests.change_lines(invoice, changes, marks)

    def finalize(self, invoice: str) -> StripeRequest:
        """Issue a draft, with the next number."""
        return requests.issued(invoice, "finalize")

    def void(self, invoice: str) -> StripeRequest:
        """Void an issued invoice; its number stays its own."""
        return requests.issued(invoice, "void")

    def mark_uncollectible(self, invoice: str) -> StripeRequest:
        """Give up hope that an issued invoice is paid."""
        return requests.issued(invoice, "mark_uncollectible")

    def credit_note(
        self, invoice: str, cycle: str, note: CreditNote, held: Mapping[str, str]
    ) -> StripeRequest:
        """Issue a credit note. held: our ids of the invoice's lines, by line key."""
        return requests.credit_note(invoice, note, held)

    def delete(self, invoice: str) -> StripeRequest:
        """Delete a draft."""
        return requests.delete(invoice)

    # Writes, carried out

    def send(self, call: StripeCall) -> Answer:
        """Carry out a write, and keep its answer under its key, in one transaction."""
        with self._writing(call.key) as rows:
            asked = fingerprint(call)
            if known := rows.execute(_KNOWN, [call.key]).fetchone():
                return _repeated(known, asked)
            answer = self._answered(rows, call)
            values = [answer.status, answer.reference, answer.code, answer.message, self._now()]
            rows.execute(_FORGET, [self._now() - KEPT])
            rows.execute(_KEEP, [call.key, asked, *values])
            return answer

    def _answered(self, rows: Reader, call: StripeCall) -> Answer:
        try:
            with rows.transaction():  # a refusal takes back what it began
                reference = Writing(rows, self._now(), naming(call.key)).carry_out(call)
        except Refused as refused:
            return Answer(status=refused.status, code=refused.code, message=str(refused))
        return Answer(status=200, reference=reference)

    def take_payment(
        self, invoice: str, amount: int, reference: str, received_at: datetime, actor: str
    ) -> None:
        """Note money that came in for an issued invoice. The same reference again does nothing.

        Raises:
            RuleViolation: it is no open invoice, less is left to be paid, or the reference was
                noted with another amount.
        """
        key = f"payment/{invoice}/{reference}"
        try:
            with self._writing(key) as rows:
                writing = Writing(rows, self._now(), naming(key))
                writing.pay(invoice, amount, reference, received_at, actor)
        except Refused as refused:
            raise RuleViolation(str(refused), code=refused.code, invoice=invoice) from refused

    def _reading(self) -> AbstractContextManager[Reader]:
        return self._connect()

    @contextmanager
    def _writing(self, key: str) -> Iterator[Reader]:
        """A transaction of its own, one at a time for each key."""
        with self._connect() as rows, rows.transaction():
            rows.execute(_LOCK_KEY, [key])
            yield rows


def _without_stripe(why: str) -> RuleViolation:
    return RuleViolation(why, code="not_without_stripe")


def _repeated(known: reading.Rows, asked: bytes) -> Answer:
    """The answer of the first time; a key that is used for something else is refused."""
    before, status, reference, code, message = known
    if bytes(before) != asked:
        return Answer(status=400, code=KEY_REUSED, message="the key was used before")
    return Answer(status=status, reference=reference, code=code, message=message)
