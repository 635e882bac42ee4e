"""The journal over HTTP and on the command line."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from api.journal.formats import COLUMNS
from tests.api.conftest import CYCLE, Caller, Run, day
from tests.api.test_life import issued, used  # noqa: F401
from tests.journal_text import read_hledger

JOURNAL = "/v1/exports/journal"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.usefixtures("issued")
def test_an_issued_invoice_is_in_the_journal(admin: Caller) -> None:
    answer = admin("GET", JOURNAL)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="journal.csv"'
    found = rows(answer.get_data(as_text=True))
    assert [(each["account"], each["amount"], each["currency"]) for each in found] == [
        ("Assets:Receivable", "5.00", "USD"),
        ("Income:Usage:Cpu", "-5.00", "USD"),
    ]
    assert {each["transaction"] for each in found} == {f"{CYCLE}/invoice"}
    assert found[1]["line"] == "usage/a1/cpu@1"


@pytest.mark.usefixtures("issued")
def test_a_window_without_anything_is_an_empty_journal(admin: Caller) -> None:
    text = admin("GET", f"{JOURNAL}?from={day(0)}&to={day(1)}").get_data(as_text=True)
    assert text == ",".join(COLUMNS) + "\r\n"
    of_nobody = admin("GET", f"{JOURNAL}?organization=nobody")
    assert (of_nobody.status_code, of_nobody.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("format=xlsx", 422, "format"),
        ("from=yesterday", 422, "from"),
        (f"from={day(2)}&to={day(1)}", 422, "to"),
        ("organization=%20", 422, "organization"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    admin: Caller, query: str, status: int, field: str
) -> None:
    answer = admin("GET", f"{JOURNAL}?{query}")
    assert answer.status_code == status
    assert field in answer.get_data(as_text=True)


def test_customers_do_not_see_it(caller, acme: str) -> None:
    assert caller("organization", acme)("GET", JOURNAL).status_code == 403


@pytest.mark.usefixtures("issued")
def test_a_command_writes_the_same_with_names_of_ones_own(
    run: Run, admin: Caller, tmp_path: Path
) -> None:
    status, told, _ = run("export", "journal")
    served = admin("GET", JOURNAL).get_data(as_text=True)
    assert (status, rows(told)) == (0, rows(served))
    names, file = tmp_path / "names.toml", tmp_path / "acme.journal"
    names.write_text('receivable = "Assets:Debtors:{organization}"\n')
    given = ["--format", "hledger", "--accounts", str(names), "--out", str(file)]
    assert run("export", "journal", "--organization", "acme", *given) == (0, "", "")
    (entry,) = read_hledger(file.read_text("utf-8"))
    assert entry.postings[0] == ("Assets:Debtors:Acme", Decimal("5.00"), "USD")


def test_a_command_says_what_it_cannot_do(run: Run, acme: str, tmp_path: Path) -> None:
    status, _, said = run("export", "journal", "--accounts", str(tmp_path / "none.toml"))
    assert (status, "no TOML file" in said) == (2, True)
    status, _, said = run("export", "journal", "--from", day(2), "--to", day(1))
    assert (status, "after from" in said) == (2, True)
