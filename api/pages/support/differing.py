"""Ways in which Stripe differs from the books, in words."""

from api.pages.words import money
from application.discrepancies import cents
from domain.events.stripe_invoice import Discrepancy

NONE = "none"


def difference(found: Discrepancy, currency: str) -> str:
    """What differs, and both sides as people write them.

    >>> goodwill = Discrepancy(kind="foreign_line", key="il_1", ours="", theirs="-500 goodwill")
    >>> difference(goodwill, "usd")
    'foreign line il_1: none in the books, −5.00 USD goodwill at Stripe'
    >>> difference(Discrepancy(kind="status", key="", ours="draft", theirs="void"), "usd")
    'status: draft in the books, void at Stripe'
    """
    kind = found.kind.replace("_", " ")
    about = f"{kind} {found.key}" if found.key else kind
    ours, theirs = found.ours or NONE, found.theirs or NONE
    if cents(found.kind, found.ours, found.theirs) is not None:
        ours, theirs = (_amount(each, currency) for each in (found.ours, found.theirs))
    return f"{about}: {ours} in the books, {theirs} at Stripe"


def _amount(text: str, currency: str) -> str:
    """Minor units, and what may stand behind them, such as what others called a line."""
    number, blank, rest = text.partition(" ")
    return f"{money(int(number), currency)}{blank}{rest}" if number else NONE
