"""An invoice's lines as CSV, which no spreadsheet takes for formulas."""

import csv
import io

from api.spreadsheet import guarded
from domain.invoice import Invoice, LineItem
from domain.money import shown
from domain.period import written_utc
from domain.quantity import plain

COLUMNS = (
    "invoice",
    "line",
    "service",
    "description",
    "quantity",
    "unit",
    "amount",
    "currency",
    "from",
    "to",
)


def written_lines(invoice: Invoice) -> str:
    """A row for each line, after a first row of names. Amounts in whole units, exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(invoice, line) for line in invoice.lines)
    return text.getvalue()


def _row(invoice: Invoice, line: LineItem) -> list[str]:
    return [
        guarded(invoice.cycle),
        guarded(line.key),
        guarded(line.attachment or ""),
        guarded(line.description),
        plain(line.quantity),
        guarded(line.unit or ""),
        whole_units(line.amount, invoice.currency),
        invoice.currency.upper(),
        written_utc(line.period.start),
        written_utc(line.period.end),
    ]


def whole_units(amount: int, currency: str) -> str:
    """Minor units as units, without marks between thousands: a number to any spreadsheet.

    >>> whole_units(-123456, "usd"), whole_units(1200, "jpy")
    ('-1234.56', '1200')
    """
    return shown(amount, currency).replace(",", "")
