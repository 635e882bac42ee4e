"""The journal as text: CSV, beancount or hledger. Amounts are in major units, exactly."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from api.journal.names import AccountNames
from api.spreadsheet import guarded
from domain.money import shown
from domain.period import written_utc
from projections.journal.transactions import Posting, Transaction

COLUMNS = (
    "date",
    "transaction",
    "kind",
    "organization",
    "cycle",
    "document",
    "account",
    "amount",
    "currency",
    "text",
    "line",
    "at",
)
OPENED = "1970-01-01"
"""Every account is open from a day before anything was ever billed."""


class Format(StrEnum):
    """A kind of text."""

    CSV = "csv"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.BEANCOUNT: "text/plain; charset=utf-8",
    Format.HLEDGER: "text/plain; charset=utf-8",
}


def journal_text(
    transactions: Iterable[Transaction], format_: Format, names: AccountNames
) -> Iterator[str]:
    """A journal, a transaction at a time."""
    return _WRITERS[format_](transactions, names)


def _csv(transactions: Iterable[Transaction], names: AccountNames) -> Iterator[str]:
    """A row for each posting, after a first row of names."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in transactions:
        writer.writerows(_row(each, posting, names) for posting in each.postings)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _row(each: Transaction, posting: Posting, names: AccountNames) -> list[str]:
    texts = (each.kind, each.organization, each.cycle or "", each.document or "")
    return [
        _date(each),
        guarded(each.id),
        *map(guarded, texts),
        names.name(posting.account, each.organization),
        _amount(posting, each),
        each.currency.upper(),
        guarded(_one_line(each.text)),
        guarded(posting.line),
        written_utc(each.at),
    ]


def _beancount(transactions: Iterable[Transaction], names: AccountNames) -> Iterator[str]:
    """Each account is opened where it is first met."""
    yield 'option "title" "Cyclebook"\n'
    known: set[str] = set()
    for each in transactions:
        used = [names.name(posting.account, each.organization) for posting in each.postings]
        new = sorted(set(used) - known)
        known.update(new)
        opened = "".join(f"{OPENED} open {name}\n" for name in new)
        link = f" ^{each.cycle}" if each.cycle else ""
        head = f"{_date(each)} * {_quoted(each.organization)} {_quoted(_told(each))}{link}\n"
        about = f"  id: {_quoted(each.id)}\n  at: {_quoted(written_utc(each.at))}\n"
        postings = [
            f"  {name}  {_amount(posting, each)} {each.currency.upper()}\n{_line_of(posting)}"
            for name, posting in zip(used, each.postings, strict=True)
        ]
        yield "\n".join(filter(None, [opened, head + about + "".join(postings)])) + "\n"


def _line_of(posting: Posting) -> str:
    return f"    line: {_quoted(posting.line)}\n" if posting.line else ""


def _quoted(text: str) -> str:
    escaped = _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _hledger(transactions: Iterable[Transaction], names: AccountNames) -> Iterator[str]:
    """Ids and line keys are tags."""
    yield "; Cyclebook\n\n"
    for each in transactions:
        # A semicolon would begin a comment, and a bar ends the payee.
        text = _told(each).replace(";", ",").replace("|", "/")
        lines = [f"{_date(each)} * {each.organization} | {text}"]
        lines += [f"    ; id:{each.id}", f"    ; at:{written_utc(each.at)}"]
        for posting in each.postings:
            account = names.name(posting.account, each.organization)
            tag = f"  ; line:{posting.line}" if posting.line else ""
            amount = f"{_amount(posting, each)} {each.currency.upper()}"
            lines.append(f"    {account}  {amount}{tag}")
        yield "\n".join(lines) + "\n\n"


_WRITERS: dict[Format, Callable[[Iterable[Transaction], AccountNames], Iterator[str]]] = {
    Format.CSV: _csv,
    Format.BEANCOUNT: _beancount,
    Format.HLEDGER: _hledger,
}


def _date(each: Transaction) -> str:
    return each.at.date().isoformat()


def _told(each: Transaction) -> str:
    """What happened, with the document it is about."""
    text = _one_line(each.text)
    return f"{text} ({_one_line(each.document)})" if each.document else text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _amount(posting: Posting, each: Transaction) -> str:
    return shown(posting.amount, each.currency).replace(",", "")
