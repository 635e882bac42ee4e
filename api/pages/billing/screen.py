"""What was on the screen when somebody reported a problem, as the form carries it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from api.context import wired
from api.instants import parse_instant
from api.pages.billing.breakdown import described
from application.views import InvoiceView
from domain.errors import InvalidInput

FIELDS = ("cycle", "line", "known_at", "digest")
"""How forms and addresses call its parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Screen:
    """An invoice, perhaps a line of it, as it was known at an instant.

    invoice: as it is replayed for that instant. amount: minor units, of the line or of all.
    """

    invoice: InvoiceView
    line: str | None
    known_at: datetime

    @property
    def description(self) -> str:
        """What the line is called, or the invoice."""
        found = [each for each in self.invoice.invoice.lines if each.key == self.line]
        return described(found[0]) if found else "the whole invoice"

    @property
    def amount(self) -> int:
        """Minor units."""
        amounts = {each.key: each.amount for each in self.invoice.invoice.lines}
        return self.invoice.total if self.line is None else amounts[self.line]


def screen_of(values: Mapping[str, str]) -> Screen | None:
    """What a form says was seen, replayed; ``None`` where it is about no invoice.

    Raises:
        NotFound: there is no such cycle, or was none then.
        InvalidInput: it was not so: the instant, the line or the digest does not fit.
    """
    cycle = values.get("cycle")
    if not cycle:
        return None
    known_at = parse_instant(values.get("known_at", ""), "known_at")
    invoice = wired().invoices.get(cycle, known_at=known_at)
    if invoice.digest != values.get("digest"):
        raise InvalidInput("the bill was not so then; open it again, then report it", field="text")
    line = values.get("line") or None
    if line is not None and all(each.key != line for each in invoice.invoice.lines):
        raise InvalidInput(f"the bill had no line {line} then", field="text")
    return Screen(invoice=invoice, line=line, known_at=known_at)
