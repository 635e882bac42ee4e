"""The journal as text: each format is read back, and says what the transactions say."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from api.journal.formats import COLUMNS, Format
from api.journal.names import read_names
from domain.errors import InvalidInput
from projections.journal.accounts import CASH, RECEIVABLE, Role, account_of
from tests.application.test_exporting import STORIES, Story, journal
from tests.journal_text import (
    HOSTILE,
    Amounts,
    of_every_role,
    paid,
    read_hledger,
    sums,
    written,
)
from tests.world import world


@pytest.mark.parametrize("happened", STORIES)
def test_hledgers_text_balances_and_comes_to_the_same(happened: Story) -> None:
    made = world()
    happened(made)
    found = journal(made)
    read = read_hledger(written(Format.HLEDGER, *found))
    assert [each.tags["id"] for each in read] == [each.id for each in found]
    totals: Amounts = Counter()
    for each in read:
        assert sum(amount for _, amount, _ in each.postings) == 0
        for account, amount, currency in each.postings:
            totals[account, currency] += amount
    assert totals == sums(found)


@pytest.mark.parametrize("happened", STORIES)
def test_a_csv_has_a_row_for_each_posting(happened: Story) -> None:
    made = world()
    happened(made)
    found = journal(made)
    head, *rows = csv.reader(io.StringIO(written(Format.CSV, *found)))
    assert tuple(head) == COLUMNS
    totals: Amounts = Counter()
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        totals[cells["account"], cells["currency"]] += Decimal(cells["amount"])
    assert (totals, len(rows)) == (sums(found), sum(len(each.postings) for each in found))


def test_an_empty_journal_is_one_in_every_format() -> None:
    assert written(Format.CSV) == ",".join(COLUMNS) + "\r\n"
    assert read_hledger(written(Format.HLEDGER)) == []


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (123456789, "usd", "1234567.89 USD"),
        (-5, "usd", "-0.05 USD"),
        (1200, "jpy", "1200 JPY"),
        (1230, "kwd", "1.230 KWD"),
        (500, "isk", "5.00 ISK"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount: int, currency: str, told: str) -> None:
    for format_ in (Format.BEANCOUNT, Format.HLEDGER):
        assert f"Assets:Payments  {told}\n" in written(format_, paid(amount, currency))


def test_what_people_wrote_cannot_break_out() -> None:
    hostile = paid(text=HOSTILE)
    (read,) = read_hledger(written(Format.HLEDGER, hostile))
    assert len(read.postings) == 2
    row = next(csv.DictReader(io.StringIO(written(Format.CSV, hostile))))
    assert row["text"] == '\'=cmd() "quoted" \\ back; a | comment'


def test_names_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text('receivable = "Assets:Debtors:{organization}"\nusage = "Income:Cloud"\n')
    names = read_names(file)
    assert names.name(RECEIVABLE, "big-co") == "Assets:Debtors:Big-co"
    assert names.name(account_of("usage/a1/cpu@1"), "big-co") == "Income:Cloud"
    assert names.name(CASH, "big-co") == "Assets:Payments"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('cash = "Wallet:Cash"', "cash must be an account such as Assets:Payments"),
        ('cash = "Assets:{price"', "cash must be an account"),
        ('cash = "Assets:{who}"', "cash must be an account"),
        ('cash = "Assets:small"', "cash must be an account"),
        ("cash = 7", "cash must be an account"),
        ('purse = "Assets:Purse"', "no account is for purse"),
        ("cash = ", "no TOML file"),
    ],
)
def test_a_file_that_names_no_account_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_names(file)
    with pytest.raises(InvalidInput, match="no TOML file"):
        read_names(tmp_path / "missing.toml")


def test_every_role_has_a_name_that_hledger_takes() -> None:
    (entry,) = read_hledger(written(Format.HLEDGER, of_every_role()))
    assert len(entry.postings) == len(Role) + 1
