"""What somebody saw when they reported a case: an invoice that can be replayed just so."""

from dataclasses import dataclass
from datetime import datetime

from application.invoices import Invoices
from application.ports import Books
from domain.errors import InvalidInput, NotFound
from domain.identity import parse_cycle_name


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCase:
    """What somebody reports.

    case: its name within the organization; one is made where there is none. cycle, line: what
    it is about. as_of, known_at: the screen they saw, as the invoice takes them; by default as
    it is now.
    """

    text: str
    case: str | None = None
    cycle: str | None = None
    line: str | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was on the screen. Amounts in minor units of ``currency``.

    position: of the cycle's last event known then; without a cycle where the log stood.
    """

    known_at: datetime
    position: int | None = None
    digest: str | None = None
    total: int | None = None
    amount: int | None = None
    currency: str | None = None


class Screens:
    """Finds what was on a screen."""

    def __init__(self, books: Books, invoices: Invoices) -> None:
        self._books = books
        self._invoices = invoices

    def seen(self, organization: str, new: NewCase) -> Seen:
        """What they saw, as it is replayed for that instant.

        Raises:
            NotFound: no such organization, or it has no such cycle, or had not then.
            InvalidInput: the instant lies in the future, or the invoice had no such line then.
        """
        snapshot = self._books.snapshot(organization)
        if new.known_at is not None and new.known_at > snapshot.now:
            raise InvalidInput("known_at lies in the future", field="known_at")
        if new.cycle is None:
            if new.line is not None:
                raise InvalidInput("name the cycle of the line as well", field="cycle")
            position = snapshot.position if new.known_at is None else None
            return Seen(known_at=new.known_at or snapshot.now, position=position)
        parsed = parse_cycle_name(new.cycle)
        if parsed is None or parsed[0] != organization:
            raise NotFound(f"there is no billing cycle {new.cycle}", field="cycle")
        # Replayed at once: a fact that was on its way to the log meanwhile is in both or neither.
        known_at = new.known_at or snapshot.now
        view = self._invoices.get(new.cycle, as_of=new.as_of, known_at=known_at)
        amounts = {line.key: line.amount for line in view.invoice.lines}
        if new.line is not None and new.line not in amounts:
            raise InvalidInput(f"{new.cycle} had no line {new.line} then", field="line")
        return Seen(
            known_at=known_at,
            position=view.position,
            digest=view.digest,
            total=view.total,
            amount=amounts[new.line] if new.line is not None else None,
            currency=view.invoice.currency,
        )
