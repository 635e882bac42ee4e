"""A double-entry transaction, and what transactions come to.

Amounts are minor units: above zero debits an account, below zero credits it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from projections.journal.accounts import UNEXPLAINED, Account


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """One side of a transaction. line: key of the invoice's line that it is about, or empty."""

    account: Account
    amount: int
    line: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """Something that happened to money. Its postings sum to 0; none of them is 0.

    id: never changes, however often it is exported. kind: such as ``invoice`` or ``payment``.
    cycle: none where it is about the organization as a whole. document: the number of the
    invoice, the id of the note, or the reference of the payment.
    """

    id: str
    at: datetime
    kind: str
    organization: str
    cycle: str | None
    document: str | None
    currency: str
    text: str
    postings: tuple[Posting, ...]

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in a journal."""
        return self.at, self.id


def moved(amount: int, to: Account, of: Account) -> list[Posting]:
    """Two postings: debits one account and credits the other."""
    return [Posting(account=to, amount=amount), Posting(account=of, amount=-amount)]


def balanced(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The same, with what no event explains on an account of its own, for everybody to see."""
    given = tuple(postings)
    return (*given, Posting(account=UNEXPLAINED, amount=-sum(each.amount for each in given)))


def taken_back(postings: Iterable[Posting]) -> list[Posting]:
    """Takes back what postings moved, one for each account and line."""
    sums: Counter[tuple[Account, str]] = Counter()
    for each in postings:
        sums[each.account, each.line] += each.amount
    return [
        Posting(account=account, amount=-amount, line=line)
        for (account, line), amount in sums.items()
    ]


Balances = Mapping[tuple[Account, str], int]


def balances(transactions: Iterable[Transaction]) -> Balances:
    """What accounts come to, by account and currency."""
    found: Counter[tuple[Account, str]] = Counter()
    for each in transactions:
        for posting in each.postings:
            found[posting.account, each.currency] += posting.amount
    return found
