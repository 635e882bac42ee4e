"""What becomes of invoices in the journal: issued, void, given up, credited, paid."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from adapters.journal import reading
from adapters.journal.held import Held, Refused
from domain.stripe_history import NOTE_PARAMETER
from projections.remote_invoice import RemoteInvoice, RemoteStatus

Form = Mapping[str, str]

_NUMBER = """
    INSERT INTO journal_number (series, last) VALUES ('invoice', 1)
    ON CONFLICT (series) DO UPDATE SET last = journal_number.last + 1 RETURNING last
"""
_BALANCE = """
    SELECT coalesce((SELECT sum(n.credit_balance) FROM journal_note n
            JOIN journal_invoice i ON i.id = n.invoice WHERE i.customer = %(customer)s
            AND i.currency = %(currency)s), 0)::bigint
        - coalesce((SELECT sum(balance) FROM journal_invoice WHERE customer = %(customer)s
            AND currency = %(currency)s AND status <> 'void'), 0)::bigint
"""
_ISSUED = """
    UPDATE journal_invoice SET status = %s, number = %s, balance = %s, issued_at = %s, due_at = %s
    WHERE id = %s
"""
_NOTE = """
    INSERT INTO journal_note (id, invoice, note, reason, lines, reduce_due, refund,
        credit_balance, out_of_band, made_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_STATUS = "UPDATE journal_invoice SET status = %s WHERE id = %s"
_PAYMENT = """
    INSERT INTO journal_payment (id, invoice, amount, reference, received_at, noted_by)
    VALUES (%s, %s, %s, %s, %s, %s)
"""

WAYS = ("reduce_due", "refund", "credit_balance", "out_of_band")
_VOIDABLE = (RemoteStatus.OPEN, RemoteStatus.UNCOLLECTIBLE)
_CREDITABLE = (*_VOIDABLE, RemoteStatus.PAID)


class Issued(Held):
    """The writes to invoices that end a draft, or come after."""

    def finalize(self, invoice: str, form: Form) -> None:
        """Give a draft the next number, and take what is kept for the customer off it."""
        seen = self.draft(invoice)
        if seen.total < 0:
            raise Refused(f"{invoice} comes to {seen.total}", "negative_total")
        self._lock_customer(seen.customer)
        whose = {"customer": seen.customer, "currency": seen.currency}
        kept, number = self._one(_BALANCE, whose), self._one(_NUMBER, {})
        balance = min(max(kept, 0), seen.total)
        days = seen.collection.days_until_due if seen.collection else None
        due_at = self.now + timedelta(days=days) if days is not None else None
        status = RemoteStatus.OPEN if seen.total > balance else RemoteStatus.PAID
        self.rows.execute(_ISSUED, [status.value, number, balance, self.now, due_at, invoice])

    def void(self, invoice: str, form: Form) -> None:
        """Take an invoice back of which nothing was paid."""
        seen = self.found(invoice, _VOIDABLE)
        if seen.issue.amount_paid:
            raise Refused(f"{invoice} was paid in part: a credit note corrects it", "partly_paid")
        self.rows.execute(_STATUS, [RemoteStatus.VOID.value, invoice])

    def give_up(self, invoice: str, form: Form) -> None:
        """Nobody expects it to be paid any more."""
        self.found(invoice, (RemoteStatus.OPEN,))
        self.rows.execute(_STATUS, [RemoteStatus.UNCOLLECTIBLE.value, invoice])

    def credit(self, form: Form) -> str:
        """Issue a credit note; its id."""
        seen = self.found(form["invoice"], _CREDITABLE)
        lines = {line: int(amount) for line, amount in json.loads(form["lines"]).items()}
        ways = [int(form[way]) for way in WAYS]
        self._check_note(seen, lines, ways)
        made, note = self.made("jn"), form[NOTE_PARAMETER]
        values = [made, seen.id, note, form["reason"], Jsonb(lines), *ways, self.now]
        self.rows.execute(_NOTE, values)
        self._settle(seen.id)
        return made

    def _check_note(self, seen: RemoteInvoice, lines: Mapping[str, int], ways: list[int]) -> None:
        held = {line.id: line.amount for line in seen.lines.values()}
        before = reading.notes(self.rows, seen.id)
        for line, amount in lines.items():
            noted = sum(dict(each.lines).get(line, 0) for each in before)
            if not 0 < amount <= held.get(line, 0) - noted:
                raise Refused(f"{line} cannot be credited with {amount}", "line_exceeded")
        total, due = sum(lines.values()), min(seen.issue.amount_remaining, sum(lines.values()))
        if min(ways) < 0 or sum(ways) != total or ways[0] != due:
            message = f"of {total}, {due} comes off what is due and {total - due} is given back"
            raise Refused(message, "split_differs")
        refunded = sum(each.refund for each in before)
        if ways[1] > seen.issue.amount_paid - refunded:
            raise Refused(f"only {seen.issue.amount_paid - refunded} was paid", "refund_exceeded")

    def _settle(self, invoice: str) -> None:
        """An invoice of which nothing is left to be paid is paid."""
        seen = reading.invoice(self.rows, invoice)
        if seen and seen.status in _VOIDABLE and not seen.issue.amount_remaining:
            self.rows.execute(_STATUS, [RemoteStatus.PAID.value, invoice])

    def pay(self, invoice: str, amount: int, reference: str, at: datetime, by: str) -> None:
        """Note money that came in. The same reference again does nothing.

        Raises:
            Refused: it is no open invoice, or less is left to be paid, or the reference was
                noted with another amount.
        """
        query = "SELECT amount FROM journal_payment WHERE invoice = %s AND reference = %s"
        self.lock(invoice)
        if known := self.rows.execute(query, [invoice, reference]).fetchone():
            if known[0] != amount:
                raise Refused(f"{reference} was noted with {known[0]}", "conflict", 409)
            return
        left = self.found(invoice, _VOIDABLE).issue.amount_remaining
        if amount > left:
            raise Refused(f"only {left} minor units are left to be paid", code="overpaid")
        self.rows.execute(_PAYMENT, [self.made("jp"), invoice, amount, reference, at, by])
        self._settle(invoice)

    def _lock_customer(self, customer: str) -> None:
        self.rows.execute("SELECT 1 FROM journal_customer WHERE id = %s FOR UPDATE", [customer])

    def _one(self, query: str, values: Mapping[str, Any]) -> int:
        row = self.rows.execute(query.encode(), values).fetchone()
        assert row is not None
        return int(row[0])
