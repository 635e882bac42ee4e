"""The accounts that a journal books to, by what they are for; how they are named is told later."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote


class Role(StrEnum):
    """What an account is for."""

    RECEIVABLE = "receivable"
    CASH = "cash"
    DISPUTED = "disputed"
    TAX = "tax"
    CREDITS = "credits"
    CARRIED = "carried"
    BALANCE = "balance"
    REFUNDS_OWED = "refunds_owed"
    ELSEWHERE = "elsewhere"
    FEES = "fees"
    AHEAD = "ahead"
    USAGE = "usage"
    ONCE = "once"
    ITEMS = "items"
    DISCOUNTS = "discounts"
    OTHERS = "others"
    CREDITS_GRANTED = "credits_granted"
    REFUNDS = "refunds"
    BAD_DEBT = "bad_debt"
    DISPUTES = "disputes"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Account:
    """An account. price: id of the catalogue's item that a revenue account is about, or empty."""

    role: Role
    price: str = ""


RECEIVABLE = Account(Role.RECEIVABLE)
CASH = Account(Role.CASH)
DISPUTED = Account(Role.DISPUTED)
TAX = Account(Role.TAX)
CREDITS = Account(Role.CREDITS)
CARRIED = Account(Role.CARRIED)
BALANCE = Account(Role.BALANCE)
REFUNDS_OWED = Account(Role.REFUNDS_OWED)
ELSEWHERE = Account(Role.ELSEWHERE)
CREDITS_GRANTED = Account(Role.CREDITS_GRANTED)
REFUNDS = Account(Role.REFUNDS)
BAD_DEBT = Account(Role.BAD_DEBT)
DISPUTES = Account(Role.DISPUTES)
UNEXPLAINED = Account(Role.UNEXPLAINED)

_KINDS = {
    "fee": Role.FEES,
    "coming": Role.AHEAD,
    "unused": Role.AHEAD,
    "usage": Role.USAGE,
    "minimum": Role.USAGE,
    "other": Role.USAGE,
    "once": Role.ONCE,
    "item": Role.ITEMS,
    "discount": Role.DISCOUNTS,
    "credit": Role.CREDITS,
    "carry": Role.CARRIED,
}
_ABOUT_ANOTHER = {"waive": 1, "override": 1, "edited": 1, "late": 2}
"""Kinds of lines that change another one, and where its key begins in theirs."""


def account_of(line: str) -> Account:
    """The account that a line of an invoice is booked to, by its key.

    What was decided by hand, or became known late, is booked where the line it is about is.

    >>> account_of("usage/a1/cpu@2/region=fra")
    Account(role=<Role.USAGE: 'usage'>, price='cpu')
    >>> account_of("late/2026-01-01/waive/fee/a1/base@1").price
    'base'
    """
    kind, *rest = line.split("/")
    if kind in _ABOUT_ANOTHER and len(rest) >= _ABOUT_ANOTHER[kind]:
        return account_of("/".join([kind, *rest][_ABOUT_ANOTHER[kind] :]))
    role = _KINDS.get(kind, Role.OTHERS)
    price = next((unquote(part).partition("@")[0] for part in rest if "@" in part), "")
    return Account(role, price)
