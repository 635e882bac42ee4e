"""The journal's rows, read into the port's words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from application.gateway import StripeNote, StripePayment
from domain.period import Period
from projections.remote_invoice import (
    Collection,
    Issue,
    Marks,
    RemoteInvoice,
    RemoteLine,
    RemoteStatus,
)

Rows = tuple[Any, ...]
Reader = Connection[Rows]

PAGE = 100

_INVOICES = """
    SELECT i.id, i.status, i.customer, i.currency, i.cycle, i.revision, i.plan, i.digest,
        i.method, i.days_until_due, i.number, i.balance, i.issued_at, i.due_at,
        coalesce((SELECT sum(p.amount) FROM journal_payment p WHERE p.invoice = i.id), 0)::bigint,
        coalesce((SELECT sum(n.reduce_due) FROM journal_note n WHERE n.invoice = i.id), 0)::bigint,
        coalesce((SELECT sum(n.reduce_due + n.refund + n.credit_balance + n.out_of_band)
            FROM journal_note n WHERE n.invoice = i.id), 0)::bigint
    FROM journal_invoice i WHERE {} ORDER BY i.made_at, i.place
"""
_BY_ID = _INVOICES.format("i.id = ANY(%s)")
_BY_CYCLE = _INVOICES.format("i.customer = %s AND i.cycle = %s")
_MADE = f"""
    SELECT made_at, place, id FROM journal_invoice
    WHERE (made_at, place) > (%s, %s) AND made_at < %s ORDER BY made_at, place LIMIT {PAGE}
"""
_LINES = """
    SELECT invoice, id, key, amount, starts, ends, description FROM journal_line
    WHERE invoice = ANY(%s) ORDER BY place
"""
_NOTES = """
    SELECT id, note, invoice, lines, reason, reduce_due, refund, credit_balance, out_of_band
    FROM journal_note WHERE {} ORDER BY place
"""
_PAYMENTS = "SELECT reference, amount FROM journal_payment WHERE invoice = %s ORDER BY place"
NUMBERED = "J-{:06}"
"""How an invoice's number is written."""


def invoice(reader: Reader, id_: str) -> RemoteInvoice | None:
    """An invoice with all its lines."""
    return next(iter(_read(reader, _BY_ID, [[id_]])), None)


def of_cycle(reader: Reader, customer: str, cycle: str) -> tuple[RemoteInvoice, ...]:
    """A customer's invoices that carry a cycle, oldest first."""
    return tuple(_read(reader, _BY_CYCLE, [customer, cycle]))


Place = tuple[datetime, int]
"""Where an invoice stands in the list of all, oldest first."""


def made(reader: Reader, after: Place, end: datetime) -> tuple[Sequence[RemoteInvoice], Place]:
    """The next invoices after a place, made before ``end``; and the place of the last."""
    rows = reader.execute(_MADE.encode(), [*after, end]).fetchall()
    if not rows:
        return (), after
    return list(_read(reader, _BY_ID, [[row[2] for row in rows]])), rows[-1][:2]


def note(reader: Reader, id_: str) -> StripeNote | None:
    """A credit note."""
    return next(_notes(reader.execute(_NOTES.format("id = %s"), [id_])), None)


def notes(reader: Reader, of: str) -> tuple[StripeNote, ...]:
    """An invoice's credit notes, oldest first."""
    return tuple(_notes(reader.execute(_NOTES.format("invoice = %s"), [of])))


def payments(reader: Reader, of: str) -> tuple[StripePayment, ...]:
    """What was paid of an invoice, oldest first."""
    return tuple(
        StripePayment(reference=reference, amount=amount, status="paid")
        for reference, amount in reader.execute(_PAYMENTS, [of])
    )


def _read(reader: Reader, query: str, values: Sequence[object]) -> Iterator[RemoteInvoice]:
    rows = reader.execute(query.encode(), values).fetchall()
    lines: dict[str, dict[str, RemoteLine]] = {row[0]: {} for row in rows}
    for of, *row in reader.execute(_LINES, [list(lines)]):
        line = _line(row)
        lines[of][line.key] = line
    return (_invoice(row, lines[row[0]]) for row in rows)


def _invoice(row: Rows, lines: dict[str, RemoteLine]) -> RemoteInvoice:
    id_, status, customer, currency, cycle, revision, plan, digest, *rest = row
    method, days, *issued = rest
    total = sum(line.amount for line in lines.values())
    return RemoteInvoice(
        id=id_,
        status=RemoteStatus(status),
        customer=customer,
        currency=currency,
        lines=lines,
        line_count=len(lines),
        subtotal=total,
        total=total,
        marks=Marks(cycle=cycle, revision=revision, plan=plan, digest=digest),
        issue=_issue(total, void=status == RemoteStatus.VOID, row=issued),
        collection=Collection(method=method, days_until_due=days),
        untaxed=total,
    )


def _issue(total: int, *, void: bool, row: Sequence[Any]) -> Issue:
    """What only an issued invoice has."""
    number, balance, issued_at, due_at, paid, reduced, credited = row
    if number is None:
        return Issue()
    due = total - balance - reduced
    return Issue(
        number=NUMBERED.format(number),
        amount_due=due,
        amount_paid=paid,
        amount_remaining=0 if void else due - paid,
        credited=credited,
        due_at=_utc(due_at),
        finalized_at=_utc(issued_at),
    )


def _line(row: Sequence[Any]) -> RemoteLine:
    id_, key, amount, starts, ends, description = row
    return RemoteLine(
        id=id_,
        key=key,
        amount=amount,
        period=Period(starts.astimezone(UTC), ends.astimezone(UTC)),
        description=description,
    )


def _notes(rows: Iterable[Rows]) -> Iterator[StripeNote]:
    for id_, note_, of, lines, reason, reduce_due, refund, balance, out_of_band in rows:
        yield StripeNote(
            id=id_,
            note=note_,
            invoice=of,
            total=reduce_due + refund + balance + out_of_band,
            tax=0,
            lines=tuple(sorted(lines.items())),
            reason=reason,
            reduce_due=reduce_due,
            refund=refund,
            credit_balance=balance,
            out_of_band=out_of_band,
        )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
