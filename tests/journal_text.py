"""Journals as text: some to write, and a strict reader of hledger's format as we write it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from api.journal.formats import Format, journal_text
from api.journal.names import AccountNames
from domain.money import exponent
from projections.journal.accounts import CASH, RECEIVABLE, Account, Role
from projections.journal.transactions import Posting, Transaction, moved
from tests.january import JANUARY

_HEAD = re.compile(r"(\d{4}-\d\d-\d\d) \* ([a-z0-9_-]+) \| ([^;|]+)")
_TAG = re.compile(r"    ; ([a-z]+):([^,]+)")
_POSTING = re.compile(
    r"    ((?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)+)"
    r"  (-?\d+(?:\.\d+)?) ([A-Z]{3})(?:  ; line:([^,]+))?"
)


HOSTILE = '=cmd()\n"quoted" \\ back; a | comment'
"""What somebody may have written as a reason."""


@dataclass
class Entry:
    """A transaction as text has it. postings: (account, amount, currency)."""

    date: str
    payee: str
    text: str
    tags: dict[str, str] = field(default_factory=dict)
    postings: list[tuple[str, Decimal, str]] = field(default_factory=list)


def read_hledger(text: str) -> list[Entry]:
    """Every transaction. A line that is none of hledger's, as we write it, fails."""
    found: list[Entry] = []
    for line in text.splitlines():
        if not line or line.startswith(";"):
            continue
        if head := _HEAD.fullmatch(line):
            found.append(Entry(*head.groups()))
        elif tag := _TAG.fullmatch(line):
            found[-1].tags[tag[1]] = tag[2]
        else:
            posting = _POSTING.fullmatch(line)
            assert posting, line
            found[-1].postings.append((posting[1], Decimal(posting[2]), posting[3]))
    return found


Amounts = Counter[tuple[str, str]]


def written(format_: Format, *transactions: Transaction, names: AccountNames | None = None) -> str:
    return "".join(journal_text(transactions, format_, names or AccountNames()))


def paid(amount: int = 3100, currency: str = "usd", **changes: str) -> Transaction:
    fields = {"id": "acme.2026-01-01/payment/p1", "document": "p1", "text": "Payment"} | changes
    return Transaction(
        at=JANUARY,
        kind="payment",
        organization="acme",
        cycle="acme.2026-01-01",
        currency=currency,
        postings=tuple(moved(amount, CASH, RECEIVABLE)),
        **fields,
    )


def sums(transactions: Iterable[Transaction]) -> Amounts:
    """What each account comes to, in major units."""
    found: Amounts = Counter()
    for each in transactions:
        unit = Decimal(10) ** -exponent(each.currency)
        for posting in each.postings:
            name = AccountNames().name(posting.account, each.organization)
            found[name, each.currency.upper()] += posting.amount * unit
    return found


def of_every_role() -> Transaction:
    """One that posts to an account of every kind."""
    postings = [Posting(account=Account(role, "cpu_hours"), amount=1) for role in Role]
    return Transaction(
        id="x",
        at=JANUARY,
        kind="invoice",
        organization="a_b-c",
        cycle=None,
        document=None,
        currency="eur",
        text="All",
        postings=(*postings, Posting(account=CASH, amount=-len(postings))),
    )
