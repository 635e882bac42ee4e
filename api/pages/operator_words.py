"""Notices for operators, each in a sentence."""

from api.pages.support.differing import difference
from application.notices import KINDS
from domain.events.stripe_invoice import Discrepancy
from projections.notices import Notice


def operator_words(notice: Notice) -> str:
    """What a notice says, with what it is about where that takes more than its kind.

    >>> from datetime import UTC, datetime
    >>> data = {"discrepancy": "foreign_line/il_1", "what": "foreign_line", "ours": "",
    ...     "theirs": "-500 goodwill", "invoice": {"currency": "usd"}}
    >>> found = Notice(kind="discrepancy.found", organization="acme", occurrence="1",
    ...     at=datetime(2026, 1, 1, tzinfo=UTC), data=data)
    >>> operator_words(found).partition(": ")[2]
    'foreign line il_1: none in the books, −5.00 USD goodwill at Stripe.'
    """
    said, data = KINDS[notice.kind].meaning, notice.data
    if notice.kind == "discrepancy.found":
        found = Discrepancy(
            kind=str(data["what"]),
            key=str(data["discrepancy"]).partition("/")[2],
            ours=str(data["ours"]),
            theirs=str(data["theirs"]),
        )
        about = data["invoice"]
        currency = about["currency"] if isinstance(about, dict) else ""
        return f"{said.rstrip('.')}: {difference(found, currency)}."
    if count := data.get("count"):
        return f"{said} So far {count}, since {data['since']}."
    if reason := data.get("reason"):
        return f"{said} {reason}"
    return said
