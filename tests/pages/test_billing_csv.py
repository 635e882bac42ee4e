"""An invoice as CSV: every column has a name, and no cell is a formula."""

import csv
import io

import pytest

from api.pages.billing.csv_lines import COLUMNS, written_lines
from tests.pages.lines import invoice, line

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    written = written_lines(invoice(line(text, text, -123_456, text)))

    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    for column in ("line", "service", "description"):
        assert row[column] == f"'{text}"
    assert row["amount"] == "-1234.56", "a number stays one"


def test_every_column_is_named() -> None:
    (first, second) = csv.reader(io.StringIO(written_lines(invoice(line("a", "A,\nB")))))

    assert tuple(first) == COLUMNS
    assert second[:4] == ["acme.2026-01-01", "a", "web", "A,\nB"]
