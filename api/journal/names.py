"""How the journal's accounts are named: by default, or as a file of the installation says."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import InvalidInput
from projections.journal.accounts import Account, Role

DEFAULTS: Mapping[Role, str] = {
    Role.RECEIVABLE: "Assets:Receivable",
    Role.CASH: "Assets:Payments",
    Role.DISPUTED: "Assets:Disputed",
    Role.TAX: "Liabilities:Tax",
    Role.CREDITS: "Liabilities:Credits",
    Role.CARRIED: "Liabilities:Carried",
    Role.BALANCE: "Liabilities:Customer-balance",
    Role.REFUNDS_OWED: "Liabilities:Refunds",
    Role.ELSEWHERE: "Liabilities:Elsewhere",
    Role.FEES: "Income:Fees:{price}",
    Role.AHEAD: "Income:Ahead:{price}",
    Role.USAGE: "Income:Usage:{price}",
    Role.ONCE: "Income:Once:{price}",
    Role.ITEMS: "Income:Items",
    Role.DISCOUNTS: "Income:Discounts",
    Role.OTHERS: "Income:Others",
    Role.CREDITS_GRANTED: "Expenses:Credits",
    Role.REFUNDS: "Expenses:Refunds",
    Role.BAD_DEBT: "Expenses:Bad-debt",
    Role.DISPUTES: "Expenses:Disputes",
    Role.UNEXPLAINED: "Equity:Unexplained",
}
"""An account for each role. Beancount and hledger both take these names."""

ACCOUNT = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+")
PLAIN = re.compile(r"[a-z0-9][a-z0-9-]*")
UNKNOWN = "unknown"
_HASH_DIGITS = 6


@dataclass(frozen=True)
class AccountNames:
    """A name for each role; ``{price}`` and ``{organization}`` stand for ids."""

    names: Mapping[Role, str] = field(default_factory=lambda: DEFAULTS)

    def name(self, account: Account, organization: str) -> str:
        """An account's name, for one organization."""
        ids = {"price": _part(account.price or UNKNOWN), "organization": _part(organization)}
        return self.names[account.role].format(**ids)


def read_names(file: Path | None) -> AccountNames:
    """The default names, with those in place that a TOML file gives by role.

    Raises:
        InvalidInput: there is no such file, or it names no account; ``field`` is the role.
    """
    if file is None:
        return AccountNames()
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{file} is no TOML file that can be read: {error}") from None
    return AccountNames({**DEFAULTS, **dict(_checked(role, name) for role, name in given.items())})


def _checked(role: str, name: object) -> tuple[Role, str]:
    if role not in [*Role]:
        raise InvalidInput(f"no account is for {role}: {', '.join(Role)} are", field=role)
    try:
        filled = str(name).format(price="A", organization="A")
    except (KeyError, IndexError, ValueError):
        filled = ""
    if not isinstance(name, str) or not ACCOUNT.fullmatch(filled):
        raise InvalidInput(
            f"{role} must be an account such as {DEFAULTS[Role(role)]}, not {name!r}", field=role
        )
    return Role(role), name


def _part(id_: str) -> str:
    """An id as a part of an account's name; one that has to be changed ends in a hash of it.

    >>> _part("cpu"), _part("cpu_hours")
    ('Cpu', 'Cpu-hours-854747')
    """
    words = [id_]
    if not PLAIN.fullmatch(id_):
        tail = hashlib.sha256(id_.encode()).hexdigest()[:_HASH_DIGITS]
        words = [*re.findall("[a-z0-9]+", id_), tail]
    part = "-".join(words)
    return part[0].upper() + part[1:]
